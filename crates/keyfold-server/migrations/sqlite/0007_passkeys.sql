-- Passkeys of the gate of that name. They let somebody in, and open nothing.
CREATE TABLE passkeys (
    credential BLOB PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (account),
    handle BLOB NOT NULL,             -- random: what authenticators call the person
    key BLOB NOT NULL                 -- public key and counter, JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_account ON passkeys (account);

-- One that was made for a visit, until the account is founded.
ALTER TABLE visits ADD COLUMN credential BLOB;
ALTER TABLE visits ADD COLUMN handle BLOB;
ALTER TABLE visits ADD COLUMN passkey BLOB;
