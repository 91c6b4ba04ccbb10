-- What each channel knows of a domain; gone when there is nothing more to tell.
CREATE TABLE told (
    channel TEXT NOT NULL,
    domain TEXT NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (channel, domain)
) STRICT, WITHOUT ROWID;

-- The outbox: one row for each notice and channel. What is done is kept for a day, so that a new
-- process knows how much the old one has sent.
CREATE TABLE notice (
    seq INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL,
    domain TEXT NOT NULL,
    notice TEXT NOT NULL,
    next_at TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    bundle TEXT,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed')),
    done_at TEXT
) STRICT;

CREATE INDEX notice_waiting ON notice (seq) WHERE state = 'waiting';

CREATE INDEX notice_done ON notice (done_at) WHERE done_at IS NOT NULL;
