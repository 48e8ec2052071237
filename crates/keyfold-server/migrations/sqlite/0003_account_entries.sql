-- An envelope comes with the account's entry that changed who holds the master key, or the master key. All are kept:
-- whoever made the newest one may have made it unreadable for others.
CREATE TABLE envelopes (
    account BLOB NOT NULL REFERENCES accounts (account),
    seq INTEGER NOT NULL,             -- that entry's number
    envelope BLOB NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT;
INSERT INTO envelopes (account, seq, envelope) SELECT account, 0, envelope FROM master_keys;
DROP TABLE master_keys;
