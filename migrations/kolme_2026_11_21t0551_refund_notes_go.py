"""What staff wrote down of a refund may go in time; everything else of it stays as it was."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T05:51:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Notes on refunds can be forgotten"

SQL = """
CREATE INDEX refunds_to_forget ON refunds (decided_at) WHERE note IS NOT NULL;

-- What was asked never changes, and what was decided is decided once. The note alone goes, once all is decided.
CREATE OR REPLACE FUNCTION refuse_edit_of_refund() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided CONSTANT text[] := ARRAY['state', 'decided_by', 'decided_at', 'restored_minor', 'put_minor',
                                     'lowered_minor', 'back_minor', 'costs_minor', 'credit_note_id', 'quote_id'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'pending_approval' AND NEW.note IS NULL
       AND to_jsonb(NEW) - 'note' IS NOT DISTINCT FROM to_jsonb(OLD) - 'note' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.state <> 'pending_approval'
       OR to_jsonb(NEW) - decided IS DISTINCT FROM to_jsonb(OLD) - decided THEN
        RAISE EXCEPTION 'refund % never changes', OLD.public_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
