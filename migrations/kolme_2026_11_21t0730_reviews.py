"""Cases that one person takes, answers and may take back; questions to the shopper; a sample of approved orders."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T07:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Taking, answering and undoing a case, questions to the shopper, and settings of reviews"

SQL = """
-- decided: somebody has answered, and may take it back until effective_at; then a worker carries it out.
-- is_blind: an approved order that somebody looks at without knowing what the machine said. It holds nothing.
-- taken_until and first_taken_at are wall time, everything else business time. rank_at: the queue's order.
-- first_by: the first of two people, who has approved. refused: why the last answer could not be carried out.
ALTER TABLE cases
    ADD COLUMN is_blind boolean NOT NULL DEFAULT false,
    ADD COLUMN rank_at timestamptz,
    ADD COLUMN taken_by text CHECK (taken_by <> ''),
    ADD COLUMN taken_until timestamptz,
    ADD COLUMN first_taken_at timestamptz,
    ADD COLUMN assigned_to text CHECK (assigned_to <> ''),
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN answer text CHECK (answer IN ('approved', 'declined')),
    ADD COLUMN reason text CHECK (length(reason) BETWEEN 1 AND 40),
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10),
    ADD COLUMN decided_by text CHECK (decided_by <> ''),
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN effective_at timestamptz,
    ADD COLUMN checked_name text,
    ADD COLUMN checked_how text CHECK (checked_how IN ('call', 'document')),
    ADD COLUMN first_by text CHECK (first_by <> ''),
    ADD COLUMN first_at timestamptz,
    ADD COLUMN refused text CHECK (length(refused) BETWEEN 1 AND 40),
    DROP CONSTRAINT cases_kind_check,
    DROP CONSTRAINT cases_state_check,
    DROP CONSTRAINT cases_check1,
    DROP CONSTRAINT cases_have_a_session,
    ADD CONSTRAINT cases_kind_check
        CHECK (kind IN ('credit', 'identity', 'late_payment', 'refund_refused', 'risk')),
    ADD CONSTRAINT cases_state_check
        CHECK (state IN ('open', 'decided', 'approved', 'declined', 'withdrawn', 'lapsed', 'returned', 'kept')),
    ADD CONSTRAINT cases_end_once CHECK ((state IN ('open', 'decided')) = (resolved_at IS NULL)),
    ADD CONSTRAINT cases_have_a_session
        CHECK ((kind IN ('credit', 'identity', 'risk')) = (session_id IS NOT NULL)),
    ADD CONSTRAINT cases_only_risk_is_sampled CHECK (kind = 'risk' OR NOT is_blind),
    ADD CONSTRAINT cases_taken_for_a_time CHECK ((taken_by IS NULL) = (taken_until IS NULL)),
    ADD CONSTRAINT cases_decided_by_somebody
        CHECK (state <> 'decided' OR num_nulls(answer, decided_by, decided_at, effective_at) = 0),
    ADD CONSTRAINT cases_first_of_two CHECK ((first_by IS NULL) = (first_at IS NULL));

UPDATE cases SET rank_at = due_at;
ALTER TABLE cases ALTER COLUMN rank_at SET NOT NULL;

DROP INDEX cases_open_once;
CREATE UNIQUE INDEX cases_open_once ON cases (merchant_id, session_id) WHERE state IN ('open', 'decided');
DROP INDEX cases_queue;
CREATE INDEX cases_queue ON cases (merchant_id, rank_at, id)
    WHERE state = 'open' AND kind IN ('credit', 'identity', 'risk');
CREATE INDEX cases_of_money ON cases (merchant_id, due_at, id)
    WHERE state = 'open' AND kind IN ('late_payment', 'refund_refused');
CREATE INDEX cases_decided ON cases (merchant_id, decided_by, effective_at) WHERE state = 'decided';
CREATE INDEX cases_blind_due ON cases (due_at) WHERE is_blind AND state = 'open';
CREATE INDEX cases_ended ON cases (merchant_id, resolved_at) WHERE resolved_at IS NOT NULL;

-- What the shopper is asked meanwhile, and says. An answer is given once.
CREATE TABLE case_questions (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    case_id     uuid NOT NULL,
    asked_by    text NOT NULL CHECK (asked_by <> ''),
    asked_at    timestamptz NOT NULL,
    question    text CHECK (length(question) BETWEEN 1 AND 2000),
    answer      text CHECK (length(answer) BETWEEN 1 AND 2000),
    answered_at timestamptz,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, case_id) REFERENCES cases (merchant_id, id) ON DELETE RESTRICT,
    CHECK (answered_at IS NOT NULL OR answer IS NULL)
);
CREATE UNIQUE INDEX case_questions_public ON case_questions (merchant_id, public_id);
CREATE INDEX case_questions_case ON case_questions (merchant_id, case_id, id);
CREATE INDEX case_questions_age ON case_questions (asked_at) WHERE question IS NOT NULL;

-- sample_ppm: of a million approved orders so many are looked at blind. second_above_minor: an approval above this
-- sum takes two people; NULL where one is enough.
CREATE TABLE review_settings (
    merchant_id        uuid NOT NULL PRIMARY KEY REFERENCES merchants (id) ON DELETE RESTRICT,
    sample_ppm         integer NOT NULL CHECK (sample_ppm BETWEEN 0 AND 1000000),
    second_above_minor bigint CHECK (second_above_minor BETWEEN 0 AND 1000000000000),
    changed_at         timestamptz NOT NULL,
    changed_by         text NOT NULL CHECK (changed_by <> '')
);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
