-- Accounts with a new generation that a scope in which they stand has not seen: no entry of it has cited them since.
CREATE TABLE unseen (
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    account BLOB NOT NULL,
    seq INTEGER NOT NULL,             -- the account's entry that made the generation
    PRIMARY KEY (scope, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX unseen_of ON unseen (account);
