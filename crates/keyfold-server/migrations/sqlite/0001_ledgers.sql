-- Ids, hashes and keys are raw bytes; times are milliseconds since 1970. Nothing here decrypts.

CREATE TABLE ledgers (
    scope BLOB PRIMARY KEY,
    kind INTEGER NOT NULL,            -- 0 account, 1 keychain, 2 group
    seq INTEGER NOT NULL,             -- the head
    hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE entries (
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    content BLOB NOT NULL,            -- of the signed entry without its place: a placed one repeated is found by it
    author BLOB NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (scope, seq)
) STRICT;
CREATE INDEX entries_by_content ON entries (scope, content);

CREATE TABLE accounts (
    account BLOB PRIMARY KEY REFERENCES ledgers (scope),
    user_id TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    device BLOB PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (account),
    signing_key BLOB NOT NULL,
    session_since INTEGER             -- NULL while logged out
) STRICT, WITHOUT ROWID;

CREATE TABLE master_keys (
    account BLOB NOT NULL REFERENCES accounts (account),
    generation INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (account, generation)
) STRICT;

-- Who may read a scope and hears of its changes. Who left keeps a row, up to the event that says so.
CREATE TABLE audience (
    account BLOB NOT NULL,
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    standing INTEGER,                 -- 0 pending, 1 member, NULL neither any more
    until INTEGER,                    -- the last event that is theirs; NULL while they have a standing
    PRIMARY KEY (account, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE wraps (
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    recipient BLOB NOT NULL,
    number INTEGER NOT NULL,
    recipient_number INTEGER NOT NULL,
    history INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX wraps_by_recipient ON wraps (scope, recipient, number);

-- One row for each append, not for each who hears of it. Cursors are never given twice.
CREATE TABLE events (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    kind INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    author BLOB NOT NULL
) STRICT;
CREATE INDEX events_by_scope ON events (scope, cursor);

-- Requests that took effect, until their time has passed.
CREATE TABLE nonces (
    device BLOB NOT NULL,
    nonce BLOB NOT NULL,
    created INTEGER NOT NULL,         -- seconds since 1970
    PRIMARY KEY (device, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_created ON nonces (created);
