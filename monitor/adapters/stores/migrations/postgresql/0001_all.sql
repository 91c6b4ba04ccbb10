-- The tables of the SQLite store at its version 7, with the same values in the same columns. Texts
-- are compared by their octets, as there: ids and instants sort by time, whatever the locale.

-- The mark of the newest step, one row: who is not sure whether his was kept finds it here.
CREATE TABLE step (
    mark TEXT NOT NULL
);

INSERT INTO step VALUES ('');

CREATE TABLE account (
    name TEXT COLLATE "C" PRIMARY KEY,
    failures TEXT NOT NULL,
    read_at TEXT,
    buckets TEXT NOT NULL DEFAULT '[]'
);

CREATE TABLE binding (
    account TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    nth INTEGER NOT NULL,
    binding TEXT NOT NULL,
    PRIMARY KEY (account, domain, nth)
);

CREATE TABLE domain (
    name TEXT COLLATE "C" PRIMARY KEY,
    binding TEXT,
    since TEXT NOT NULL,
    outline BYTEA NOT NULL,
    gists TEXT NOT NULL,
    is_calm INTEGER NOT NULL CHECK (is_calm IN (0, 1)),
    resolvers BYTEA NOT NULL,
    authorities BYTEA NOT NULL,
    records BYTEA NOT NULL
);

-- They are packed already; to try it again would cost a tenth of each step.
ALTER TABLE domain
    ALTER outline SET STORAGE EXTERNAL,
    ALTER resolvers SET STORAGE EXTERNAL,
    ALTER authorities SET STORAGE EXTERNAL,
    ALTER records SET STORAGE EXTERNAL;

-- The audit log: append-only, which the trigger enforces against slips, and the hashes against
-- intent.
CREATE TABLE event (
    seq BIGINT PRIMARY KEY,
    at TEXT COLLATE "C" NOT NULL,
    type TEXT NOT NULL,
    domain TEXT COLLATE "C",
    resolver TEXT,
    change_id TEXT COLLATE "C",
    data TEXT NOT NULL,
    evidence TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX event_of_domain ON event (domain, seq);

CREATE INDEX event_of_change ON event (change_id, seq) WHERE change_id IS NOT NULL;

CREATE FUNCTION refuse_to_change_the_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;

CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_log();

-- Every change that ever was, kept when its domain is gone; the ids sort by time.
CREATE TABLE change (
    id TEXT COLLATE "C" PRIMARY KEY,
    domain TEXT NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    story TEXT NOT NULL
);

CREATE INDEX change_open ON change (id) WHERE is_open = 1;

-- What each channel knows of a domain; gone when there is nothing more to tell.
CREATE TABLE told (
    channel TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (channel, domain)
);

-- The outbox: one row for each notice and channel.
CREATE TABLE notice (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key TEXT COLLATE "C" NOT NULL UNIQUE,
    channel TEXT COLLATE "C" NOT NULL,
    domain TEXT NOT NULL,
    notice TEXT NOT NULL,
    next_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    bundle TEXT,
    state TEXT COLLATE "C" NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'sent', 'failed')),
    done_at TEXT COLLATE "C"
);

CREATE INDEX notice_waiting ON notice (seq) WHERE state = 'waiting';

CREATE INDEX notice_done ON notice (done_at) WHERE done_at IS NOT NULL;
