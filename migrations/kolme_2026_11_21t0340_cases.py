"""Cases: what a person looks at. What a credit decision saw, sealed, and who made it. Until when a session is held."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T03:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Cases for a person, the sealed facts of credit decisions, held sessions"

SQL = """
-- 'rules', or the public id of whoever on the staff decided, and then in which case.
ALTER TABLE credit_decisions
    ADD COLUMN decided_by text NOT NULL DEFAULT 'rules' CHECK (decided_by <> ''),
    ADD COLUMN case_id uuid,
    ADD CHECK ((decided_by = 'rules') = (case_id IS NULL));

-- What a decision rested on, sealed: income and loans are nobody's to read in a dump. Goes when its time is over.
CREATE TABLE credit_facts (
    merchant_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, decision_id),
    FOREIGN KEY (merchant_id, decision_id) REFERENCES credit_decisions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX credit_facts_age ON credit_facts (created_at);

ALTER TABLE checkout_sessions ADD COLUMN held_until timestamptz;
CREATE INDEX checkout_sessions_held ON checkout_sessions (held_until) WHERE state = 'held';

-- kind: what is asked of the person. asked_by: who could not, or would not, leave it to the machine.
CREATE TABLE cases (
    merchant_id  uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id           uuid NOT NULL,
    public_id    text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('credit', 'identity')),
    state        text NOT NULL CHECK (state IN ('open', 'approved', 'declined', 'withdrawn', 'lapsed')),
    asked_by     text NOT NULL CHECK (asked_by IN ('rules', 'shopper')),
    session_id   uuid NOT NULL,
    decision_id  uuid,
    amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency     text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    lang         text NOT NULL CHECK (lang IN ('fi', 'sv', 'en', 'da', 'bg')),
    statement    text CHECK (length(statement) BETWEEN 1 AND 2000),
    name         text,
    phone        text,
    email        text,
    opened_at    timestamptz NOT NULL,
    due_at       timestamptz NOT NULL CHECK (due_at > opened_at),
    resolved_at  timestamptz,
    resolved_by  text,
    note         text CHECK (length(note) BETWEEN 1 AND 2000),
    forgotten_at timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, decision_id) REFERENCES credit_decisions (merchant_id, id) ON DELETE RESTRICT,
    CHECK ((state = 'open') = (resolved_at IS NULL)),
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL)),
    CHECK ((kind = 'credit') = (decision_id IS NOT NULL))
);
CREATE UNIQUE INDEX cases_public ON cases (public_id);
CREATE INDEX cases_session ON cases (merchant_id, session_id, id);
-- A session waits for one answer at a time.
CREATE UNIQUE INDEX cases_open_once ON cases (merchant_id, session_id) WHERE state = 'open';
CREATE INDEX cases_queue ON cases (merchant_id, due_at, id) WHERE state = 'open';
CREATE INDEX cases_resolved ON cases (merchant_id, id) WHERE state IN ('approved', 'declined');
CREATE INDEX cases_to_forget ON cases (resolved_at) WHERE forgotten_at IS NULL AND resolved_at IS NOT NULL;

CREATE TABLE case_history (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    subject_id  uuid NOT NULL,
    from_state  text,
    to_state    text NOT NULL,
    event       text NOT NULL,
    actor       text NOT NULL,
    at          timestamptz NOT NULL,
    detail      jsonb NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subject_id) REFERENCES cases (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX case_history_subject ON case_history (merchant_id, subject_id, id);
CREATE TRIGGER case_history_only_grows BEFORE UPDATE OR DELETE ON case_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE credit_decisions
    ADD FOREIGN KEY (merchant_id, case_id) REFERENCES cases (merchant_id, id) ON DELETE RESTRICT;
CREATE INDEX credit_decisions_case ON credit_decisions (merchant_id, case_id) WHERE case_id IS NOT NULL;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
