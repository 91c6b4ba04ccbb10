-- One row is one domain: what is counted as JSON, everything else packed, so that a hundred
-- thousand can be read at a start. What servers answered last is asked anew; changes are kept.
CREATE TABLE domain_with_details (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    is_calm INTEGER NOT NULL CHECK (is_calm IN (0, 1)),
    details BLOB NOT NULL
) STRICT;

INSERT INTO domain_with_details
SELECT
    domain.name,
    json_set(state, '$.summary', json_array(
        json_array(json_array(), json_array(), json_array()),
        json_array(json_array(), json_array(), json_array()),
        json_array(),
        json('false'),
        NULL,
        NULL
    )),
    0,
    zipped(json_array(
        json_array(),
        json_array(),
        (SELECT json_group_array(json(tracked)) FROM record WHERE record.domain = domain.name)
    ))
FROM domain;

DROP TABLE record;

DROP TABLE view;

DROP TABLE domain;

ALTER TABLE domain_with_details RENAME TO domain;

-- An account that shows what it showed before is not written anew, but for when that was.
ALTER TABLE account ADD COLUMN read_at TEXT;
