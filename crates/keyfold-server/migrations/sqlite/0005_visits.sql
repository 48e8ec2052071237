-- Devices that no account has yet, let in by the gate for a while.
CREATE TABLE visits (
    device BLOB PRIMARY KEY,
    signing_key BLOB NOT NULL,
    user_id TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX visits_by_expiry ON visits (expires);

-- Those of them that ask to be let into an account.
CREATE TABLE enrolments (
    device BLOB PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (account),
    request BLOB NOT NULL,            -- as it was sent
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_by_account ON enrolments (account, expires);

-- A device that was added for a text renews its keys before this, or is refused; NULL once it has, and for all others.
ALTER TABLE devices ADD COLUMN expires INTEGER;
