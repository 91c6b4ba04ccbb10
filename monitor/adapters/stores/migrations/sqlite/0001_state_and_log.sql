-- What is known now. One row is one value of the core, as JSON; the columns are its keys.
CREATE TABLE account (
    name TEXT PRIMARY KEY,
    inventory TEXT NOT NULL
) STRICT;

CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE view (
    domain TEXT NOT NULL REFERENCES domain (name) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('resolver', 'authority')),
    server TEXT NOT NULL,
    sighting TEXT NOT NULL,
    wire BLOB NOT NULL,
    PRIMARY KEY (domain, role, server)
) STRICT, WITHOUT ROWID;

-- The audit log: append-only, which the triggers enforce against slips, and the hashes against intent.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    domain TEXT,
    resolver TEXT,
    change_id TEXT,
    data TEXT NOT NULL,
    evidence TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE INDEX event_of_domain ON event (domain, seq);

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
