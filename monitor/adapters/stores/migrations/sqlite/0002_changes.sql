-- What is followed for changes: a domain's own record and later hops, as one view of clients gets it.
CREATE TABLE record (
    domain TEXT NOT NULL REFERENCES domain (name) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    view TEXT NOT NULL,
    tracked TEXT NOT NULL,
    PRIMARY KEY (domain, owner, view)
) STRICT, WITHOUT ROWID;

-- Every change that ever was, kept when its domain is gone; the ids sort by time.
CREATE TABLE change (
    id TEXT PRIMARY KEY,
    domain TEXT NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    story TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX change_open ON change (id) WHERE is_open;

CREATE INDEX event_of_change ON event (change_id, seq) WHERE change_id IS NOT NULL;
