-- One row is one binding, so that one that comes or goes is one row, and none is a part of a text
-- of many megabytes. Within an account they are read in the order of their domains.
CREATE TABLE account_without_bindings (
    name TEXT PRIMARY KEY,
    failures TEXT NOT NULL,
    read_at TEXT
) STRICT;

CREATE TABLE binding (
    account TEXT NOT NULL,
    domain TEXT NOT NULL,
    nth INTEGER NOT NULL,
    binding TEXT NOT NULL,
    PRIMARY KEY (account, domain, nth)
) STRICT, WITHOUT ROWID;

INSERT INTO binding
SELECT
    account.name,
    bound.value ->> '$.domain.text',
    row_number() OVER (
        PARTITION BY account.name, bound.value ->> '$.domain.text' ORDER BY bound.key
    ) - 1,
    bound.value
FROM account, json_each(account.inventory, '$.bindings') AS bound;

INSERT INTO account_without_bindings
SELECT
    name,
    inventory -> '$.failures',
    coalesce(read_at, inventory ->> '$.last_success_at')
FROM account;

DROP TABLE account;

ALTER TABLE account_without_bindings RENAME TO account;

-- A domain's details are packed in parts, so that a change of one part is all that is read and
-- written. The outline is what most domains of a fleet have in common; each is read but once.
CREATE TABLE domain_in_parts (
    name TEXT PRIMARY KEY,
    binding TEXT,
    since TEXT NOT NULL,
    outline BLOB NOT NULL,
    gists TEXT NOT NULL,
    is_calm INTEGER NOT NULL CHECK (is_calm IN (0, 1)),
    resolvers BLOB NOT NULL,
    authorities BLOB NOT NULL,
    records BLOB NOT NULL
) STRICT;

INSERT INTO domain_in_parts
SELECT
    name,
    nullif(state -> '$.binding', 'null'),
    state ->> '$.since',
    outline_in_parts(state),
    gists_in_parts(state),
    is_calm,
    part_of(details, 0),
    part_of(details, 1),
    part_of(details, 2)
FROM domain;

DROP TABLE domain;

ALTER TABLE domain_in_parts RENAME TO domain;
