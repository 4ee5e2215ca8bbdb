-- The first schema, for SQLite and PostgreSQL alike: BIGINT and TEXT only.
-- Times are microseconds since 1970 UTC, truths are 0 or 1, lists and bodies are JSON as text, bytes are base64.
-- Every migration ends by raising head.schema: a replica that knows less stops writing.

-- One row. A writer updates it first, so that writers queue here and sequence numbers are gapless and ordered by commit.
CREATE TABLE head (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq    BIGINT NOT NULL,
    hash   TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    schema BIGINT NOT NULL
);
INSERT INTO head (id, seq, hash, at, schema)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0, 0);

-- Every journal. A purge sets body to NULL and keeps the rest, so that the chain still verifies.
CREATE TABLE ledger (
    seq       BIGINT NOT NULL PRIMARY KEY,
    stream    TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    kind      TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    body      TEXT,
    body_hash TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    UNIQUE (stream, version)
);

-- One summary row per incident, written in the transaction that appends to its journal.
CREATE TABLE board (
    incident          TEXT   NOT NULL PRIMARY KEY,
    number            BIGINT NOT NULL UNIQUE,
    version           BIGINT NOT NULL,
    title             TEXT   NOT NULL,
    severity          TEXT   NOT NULL,
    category          TEXT   NOT NULL,
    environment       TEXT   NOT NULL,
    component         TEXT   NOT NULL,
    decision          TEXT   NOT NULL,
    status            TEXT   NOT NULL CHECK (status IN ('open', 'closed')),
    phase             TEXT   NOT NULL,
    outcome           TEXT,
    opened_at         BIGINT NOT NULL,
    closed_at         BIGINT,
    commander         TEXT,
    technical_lead    TEXT,
    attempt           BIGINT NOT NULL,
    next_due          BIGINT,
    locked_components TEXT   NOT NULL,
    frozen            BIGINT NOT NULL CHECK (frozen IN (0, 1)),
    waits_for         TEXT   NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE INDEX board_open ON board (environment, component, number) WHERE status = 'open';
CREATE INDEX board_open_numbers ON board (number) WHERE status = 'open';
CREATE INDEX board_due ON board (next_due) WHERE next_due IS NOT NULL;
CREATE INDEX board_locks ON board (environment, number) WHERE locked_components <> '[]';
CREATE INDEX board_opened ON board (environment, component, opened_at);

-- Accounts. Never deleted: the ledger names them.
CREATE TABLE people (
    id                  TEXT   NOT NULL PRIMARY KEY,
    login               TEXT   NOT NULL UNIQUE,
    name                TEXT   NOT NULL,
    password            TEXT,
    roles               TEXT   NOT NULL,
    active              BIGINT NOT NULL CHECK (active IN (0, 1)),
    epoch               BIGINT NOT NULL,
    created_at          BIGINT NOT NULL,
    password_changed_at BIGINT
);

-- Sign-in. Only hashes of what a browser holds are kept.
CREATE TABLE sessions (
    id_hash    TEXT   NOT NULL PRIMARY KEY,
    person     TEXT,
    data       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT   NOT NULL
);
CREATE INDEX sessions_person ON sessions (person) WHERE person IS NOT NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE links (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    purpose    TEXT   NOT NULL,
    person     TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX links_expiry ON links (expires_at);

CREATE TABLE sign_in_buckets (
    key           TEXT   NOT NULL PRIMARY KEY,
    failures      BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX sign_in_buckets_age ON sign_in_buckets (updated_at);

CREATE TABLE devices (
    token_hash TEXT   NOT NULL PRIMARY KEY,
    person     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    last_used  BIGINT NOT NULL
);
CREATE INDEX devices_person ON devices (person);

CREATE TABLE tokens (
    id           TEXT   NOT NULL PRIMARY KEY,
    hash         TEXT   NOT NULL UNIQUE,
    label        TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    created_by   TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at   BIGINT
);

-- What can be rolled back to.
CREATE TABLE register (
    kind        TEXT   NOT NULL CHECK (kind IN ('release', 'backup', 'config')),
    environment TEXT   NOT NULL,
    component   TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    checksum    TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    added_by    TEXT   NOT NULL,
    note        TEXT   NOT NULL,
    migrations  TEXT   NOT NULL CHECK (migrations IN ('none', 'reversible', 'destructive', 'unknown')),
    verified_at BIGINT,
    PRIMARY KEY (kind, environment, component, name)
);
CREATE INDEX register_newest ON register (environment, component, at);

CREATE TABLE scripts (
    sha256 TEXT NOT NULL PRIMARY KEY,
    bytes  TEXT NOT NULL
);

CREATE TABLE playbooks (
    hash     TEXT   NOT NULL PRIMARY KEY,
    text     TEXT   NOT NULL,
    title    TEXT   NOT NULL,
    version  TEXT   NOT NULL,
    added_at BIGINT NOT NULL,
    added_by TEXT   NOT NULL
);

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- What scripts print, copied from the supervisor's file by the host that runs them.
CREATE TABLE log_chunks (
    run        TEXT   NOT NULL,
    first_line BIGINT NOT NULL,
    count      BIGINT NOT NULL CHECK (count > 0),
    bytes      TEXT   NOT NULL,
    PRIMARY KEY (run, first_line)
);

CREATE TABLE hosts (
    id      TEXT   NOT NULL PRIMARY KEY,
    name    TEXT   NOT NULL,
    seen_at BIGINT NOT NULL
);

-- What triggers measure and remember.
CREATE TABLE samples (
    series TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    value  BIGINT NOT NULL,
    PRIMARY KEY (series, at)
);
CREATE INDEX samples_age ON samples (at);

CREATE TABLE trigger_states (
    key        TEXT   NOT NULL PRIMARY KEY,
    state      TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE counters (
    key      TEXT   NOT NULL PRIMARY KEY,
    count    BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

-- Idempotency keys: the same key gives the same outcome, whether or not the first answer was lost.
CREATE TABLE intents (
    key         TEXT   NOT NULL PRIMARY KEY,
    person      TEXT   NOT NULL,
    stream      TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    first_seq   BIGINT NOT NULL,
    last_seq    BIGINT NOT NULL,
    at          BIGINT NOT NULL
);
CREATE INDEX intents_age ON intents (at);

UPDATE head SET schema = 1 WHERE id = 1;
