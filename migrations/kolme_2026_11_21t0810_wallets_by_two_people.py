"""Above the shop's limit a second person approves what staff change in a wallet, and what they pay out of one."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Wallet adjustments and payouts that wait for a second person"

SQL = """
-- decided_by: the second person. It stays empty of a change that one person was enough for.
ALTER TABLE wallet_adjustments
    ADD COLUMN state text NOT NULL DEFAULT 'done',
    ADD COLUMN decided_by text,
    ADD COLUMN decided_at timestamptz,
    ADD CONSTRAINT wallet_adjustments_state CHECK (state IN ('pending_approval', 'done', 'refused')),
    ADD CONSTRAINT wallet_adjustments_decided
        CHECK ((decided_by IS NULL) = (decided_at IS NULL)
               AND (state <> 'pending_approval' OR decided_by IS NULL)
               AND (state <> 'refused' OR decided_by IS NOT NULL)),
    ADD CONSTRAINT wallet_adjustments_two_people CHECK (state <> 'done' OR decided_by IS DISTINCT FROM adjusted_by);
ALTER TABLE wallet_adjustments ALTER COLUMN state DROP DEFAULT;
CREATE INDEX wallet_adjustments_waiting ON wallet_adjustments (merchant_id, id) WHERE state = 'pending_approval';

-- What was asked never changes, and what was decided is decided once.
DROP TRIGGER wallet_adjustments_only_grow ON wallet_adjustments;
CREATE FUNCTION refuse_edit_of_adjustment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided CONSTANT text[] := ARRAY['state', 'decided_by', 'decided_at'];
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'pending_approval'
       OR to_jsonb(NEW) - decided IS DISTINCT FROM to_jsonb(OLD) - decided THEN
        RAISE EXCEPTION 'wallet_adjustments only grows: % of % is refused', TG_OP, OLD.public_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wallet_adjustments_only_decided BEFORE UPDATE OR DELETE ON wallet_adjustments
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_adjustment();

CREATE TABLE wallet_adjustment_history (
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
    FOREIGN KEY (merchant_id, subject_id) REFERENCES wallet_adjustments (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX wallet_adjustment_history_subject ON wallet_adjustment_history (merchant_id, subject_id, id);
CREATE TRIGGER wallet_adjustment_history_only_grows BEFORE UPDATE OR DELETE ON wallet_adjustment_history
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Changes from before were made by one person, at once. An id tells when that was, here as everywhere: what is new is
-- found by it, and these are not.
INSERT INTO wallet_adjustment_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT merchant_id, id, id, NULL, 'done', 'adjustment.made', adjusted_by, created_at, '{}'
FROM wallet_adjustments;

-- A payout that waits for a second person has its hold and its account already, and is paid only once it is requested.
ALTER TABLE wallet_payouts
    ADD COLUMN approved_by text,
    ADD COLUMN approved_at timestamptz,
    DROP CONSTRAINT wallet_payouts_state_check,
    DROP CONSTRAINT wallet_payouts_check,
    ADD CONSTRAINT wallet_payouts_state CHECK (state IN ('pending_approval', 'requested', 'paid', 'cancelled')),
    ADD CONSTRAINT wallet_payouts_ended
        CHECK ((state IN ('pending_approval', 'requested')) = (ended_at IS NULL)
               AND (state IN ('pending_approval', 'requested')) = (sealed IS NOT NULL)),
    ADD CONSTRAINT wallet_payouts_two_people
        CHECK ((approved_by IS NULL) = (approved_at IS NULL) AND approved_by IS DISTINCT FROM requested_by
               AND (state <> 'pending_approval' OR approved_by IS NULL));
CREATE INDEX wallet_payouts_to_approve ON wallet_payouts (merchant_id, id) WHERE state = 'pending_approval';
DROP INDEX wallet_payouts_ended;
CREATE INDEX wallet_payouts_ended ON wallet_payouts (merchant_id, ended_at DESC, id DESC)
    WHERE state IN ('paid', 'cancelled');
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
