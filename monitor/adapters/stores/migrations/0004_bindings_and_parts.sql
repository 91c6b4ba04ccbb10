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
