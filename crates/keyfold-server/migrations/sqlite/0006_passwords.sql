-- What recovering with a password needs of the server, beside its own secret, which is not in here.
CREATE TABLE opaque_records (
    account BLOB NOT NULL REFERENCES accounts (account),
    recovery BLOB NOT NULL,           -- the recovery method in the account's ledger
    record BLOB NOT NULL,
    PRIMARY KEY (account, recovery)
) STRICT, WITHOUT ROWID;
