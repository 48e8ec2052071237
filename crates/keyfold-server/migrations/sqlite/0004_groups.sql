-- Who is in a group, and which scopes a group is in: one row for each membership, with the events that made and ended
-- it. Keychains without groups have no rows here.
CREATE TABLE steps (
    principal BLOB NOT NULL,          -- an account or a group
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    since INTEGER NOT NULL,
    until INTEGER NOT NULL DEFAULT 9223372036854775807, -- it lasts
    from_group INTEGER NOT NULL,      -- 1 if the principal is a group
    into_group INTEGER NOT NULL,      -- 1 if the scope is
    PRIMARY KEY (principal, scope, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX steps_up ON steps (principal) WHERE into_group = 1;
CREATE INDEX steps_down ON steps (scope, from_group);

-- Who is banned from a scope, and since which event: a way through groups leads no further for him.
CREATE TABLE bans (
    principal BLOB NOT NULL,
    scope BLOB NOT NULL REFERENCES ledgers (scope),
    since INTEGER NOT NULL,
    PRIMARY KEY (principal, scope)
) STRICT, WITHOUT ROWID;

-- Who sent a wrap that came with no entry.
ALTER TABLE wraps ADD COLUMN author BLOB;
