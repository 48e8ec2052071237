-- What vaults store: sealed, named by its hash, never changed.
CREATE TABLE objects (
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    id BLOB NOT NULL,
    bytes BLOB NOT NULL,
    since INTEGER NOT NULL,           -- when it was last put
    PRIMARY KEY (scope, id)
) STRICT;

CREATE TABLE "references" (
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,         -- counts the swaps
    bytes BLOB NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT;
