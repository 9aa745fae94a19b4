"""The kernel's tables: clock, events, outbox, idempotency keys, limits, audit."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T00:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The kernel: clock, events, outbox, idempotency keys, limits, audit"

SQL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TABLE business_clock (
    id       smallint PRIMARY KEY CHECK (id = 1),
    offset_s bigint NOT NULL
);
INSERT INTO business_clock (id, offset_s) VALUES (1, 0);

CREATE TABLE events (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    type        text NOT NULL,
    data        jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id)
);
CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- `about` is the public id of what a job speaks of, so that an order's page can list its deliveries.
CREATE TABLE outbox (
    merchant_id  uuid NOT NULL,
    id           uuid NOT NULL,
    kind         text NOT NULL,
    payload      jsonb NOT NULL,
    about        text,
    key          text,
    run_at       timestamptz NOT NULL,
    leased_until timestamptz,
    attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    created_at   timestamptz NOT NULL,
    done_at      timestamptz,
    failed_at    timestamptz,
    PRIMARY KEY (merchant_id, id),
    UNIQUE (merchant_id, key)
);
CREATE INDEX outbox_due ON outbox (run_at) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE INDEX outbox_failed ON outbox (merchant_id, failed_at) WHERE failed_at IS NOT NULL;
CREATE INDEX outbox_about ON outbox (merchant_id, about, id) WHERE about IS NOT NULL;

CREATE FUNCTION outbox_wakes_a_worker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_notify AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_wakes_a_worker();

CREATE TABLE outbox_tries (
    merchant_id uuid NOT NULL,
    outbox_id   uuid NOT NULL,
    attempt     integer NOT NULL CHECK (attempt > 0),
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz NOT NULL,
    outcome     text NOT NULL CHECK (outcome IN ('done', 'failed', 'gave_up')),
    detail      text NOT NULL,
    PRIMARY KEY (merchant_id, outbox_id, attempt),
    FOREIGN KEY (merchant_id, outbox_id) REFERENCES outbox (merchant_id, id) ON DELETE RESTRICT
);
CREATE TRIGGER outbox_tries_only_grow BEFORE UPDATE OR DELETE ON outbox_tries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE idempotency_keys (
    merchant_id    uuid NOT NULL,
    scope          text NOT NULL,
    key            text NOT NULL,
    request_digest bytea NOT NULL,
    status         integer CHECK (status BETWEEN 100 AND 599),
    body           bytea,
    content_type   text,
    created_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, scope, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- An operator's counters, kept under keyed digests: neither a phone nor an address stands here.
CREATE TABLE limits (
    scope   text NOT NULL,
    subject bytea NOT NULL,
    hits    timestamptz[] NOT NULL,
    PRIMARY KEY (scope, subject)
);

CREATE TABLE audit_log (
    id          uuid PRIMARY KEY,
    merchant_id uuid,
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    at          timestamptz NOT NULL,
    detail      jsonb NOT NULL
);
CREATE INDEX audit_log_subject ON audit_log (subject, id);
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
