-- Users, administrators and executors. Only the hash of a token is kept.
CREATE TABLE accounts (
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'admin', 'executor')),
  token_sha256 TEXT NOT NULL UNIQUE CHECK (length(token_sha256) = 64),
  created_at REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_name ON accounts (name, role = 'executor');

-- Running executor processes, and those that ran lately.
CREATE TABLE executors (
  instance TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  info TEXT NOT NULL,
  last_seen_at REAL NOT NULL
) STRICT;

-- What a job asks of an executor. Many jobs ask for the same, so that a claim compares few rows.
CREATE TABLE needs (
  id INTEGER PRIMARY KEY,
  needs TEXT NOT NULL UNIQUE
) STRICT;

-- When each user was last served: the one with the smallest turn is next, one without a turn before all.
CREATE TABLE served (
  owner TEXT PRIMARY KEY,
  turn INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (id GLOB 'j[a-z2-7]*'),
  owner TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'claimed', 'running', 'succeeded', 'failed', 'cancelled')),
  phase TEXT,
  reason TEXT,
  needs INTEGER NOT NULL REFERENCES needs,
  spec TEXT NOT NULL,
  name TEXT,
  notebook TEXT,
  tags TEXT NOT NULL,
  created_at REAL NOT NULL,
  changed_at REAL NOT NULL, -- set by every change that is an event
  claimed_at REAL,
  started_at REAL,
  finished_at REAL,
  phases TEXT NOT NULL DEFAULT '[]',
  attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  executor TEXT,
  instance TEXT,
  claim_id TEXT,
  claim_request TEXT,
  ended_claim_id TEXT, -- the latest claim that its executor ended itself: a repeated finish is then no news
  lease_until REAL,
  cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
  result TEXT,
  UNIQUE (owner, idempotency_key),
  CHECK ((state IN ('claimed', 'running')) = (claim_id IS NOT NULL)),
  CHECK ((claim_id IS NULL) = (lease_until IS NULL)),
  CHECK ((claim_id IS NULL) = (instance IS NULL)),
  CHECK ((claim_id IS NULL) = (claim_request IS NULL)),
  CHECK (claim_id IS NULL OR (executor IS NOT NULL AND claimed_at IS NOT NULL AND attempt > 0)),
  CHECK (phase IS NULL OR claim_id IS NOT NULL),
  CHECK (state != 'running' OR started_at IS NOT NULL),
  CHECK (state != 'queued' OR (executor IS NULL AND claimed_at IS NULL AND started_at IS NULL)),
  CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
  CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (result IS NOT NULL)),
  CHECK ((state IN ('failed', 'cancelled')) = (reason IS NOT NULL))
) STRICT;
CREATE INDEX jobs_queued ON jobs (owner, needs, number) WHERE state = 'queued';
CREATE UNIQUE INDEX jobs_claim ON jobs (claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX jobs_held ON jobs (instance, claim_request) WHERE claim_id IS NOT NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_owner ON jobs (owner, number);
CREATE INDEX jobs_queued_needs ON jobs (needs) WHERE state = 'queued';

-- Every change of a job, with what changes of it, as it was then. Written by triggers, so that no change is without.
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  owner TEXT NOT NULL,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  phase TEXT,
  reason TEXT,
  claimed_at REAL,
  started_at REAL,
  finished_at REAL,
  phases TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  executor TEXT,
  cancel_requested INTEGER NOT NULL
) STRICT;
CREATE INDEX events_owner ON events (owner, id);
CREATE INDEX events_job ON events (job);

CREATE TRIGGER job_queued AFTER INSERT ON jobs BEGIN
  INSERT INTO events (job, owner, at, kind, state, phases, attempt, cancel_requested)
    VALUES (new.number, new.owner, new.changed_at, 'queued', new.state, new.phases, new.attempt, new.cancel_requested);
END;

CREATE TRIGGER job_changed AFTER UPDATE OF state, phase, cancel_requested ON jobs
WHEN new.state != old.state OR new.phase IS NOT old.phase OR new.cancel_requested != old.cancel_requested BEGIN
  INSERT INTO events (job, owner, at, kind, state, phase, reason, claimed_at, started_at, finished_at, phases,
      attempt, executor, cancel_requested)
    VALUES (new.number, new.owner, new.changed_at,
      CASE WHEN new.state = 'queued' THEN 'requeued'
        WHEN new.state = 'claimed' AND old.state = 'queued' THEN 'claimed'
        WHEN new.finished_at IS NOT NULL THEN new.state
        WHEN new.phase IS NOT old.phase THEN 'phase'
        ELSE 'cancel_requested' END,
      new.state, new.phase, new.reason, new.claimed_at, new.started_at, new.finished_at, new.phases, new.attempt,
      new.executor, new.cancel_requested);
END;

CREATE TRIGGER job_served AFTER UPDATE OF claim_id ON jobs WHEN new.state = 'claimed' AND old.state = 'queued' BEGIN
  INSERT INTO served (owner, turn) SELECT new.owner, coalesce(max(turn), 0) + 1 FROM served WHERE true
    ON CONFLICT (owner) DO UPDATE SET turn = excluded.turn;
END;

CREATE TABLE blobs (
  sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  uploaded_at REAL NOT NULL
) STRICT;

-- Who showed to have a blob's content by uploading it.
CREATE TABLE blob_owners (
  sha256 TEXT NOT NULL REFERENCES blobs ON DELETE CASCADE,
  owner TEXT NOT NULL,
  PRIMARY KEY (sha256, owner)
) STRICT, WITHOUT ROWID;

-- The files of a job: those it was given, and those its executor uploaded for it.
CREATE TABLE job_blobs (
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  sha256 TEXT NOT NULL REFERENCES blobs,
  PRIMARY KEY (job, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_blobs_sha256 ON job_blobs (sha256);
