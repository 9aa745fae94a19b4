"""What came of decisions about risk, and the models that learn from it."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T07:40:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What came of decisions about risk, and the models that learn from it"

SQL = """
-- What is learnt of a decision later, one row a source: a person's answer, an answer to a blind look, whether it was
-- paid, goods that came back as somebody else's order.
CREATE TABLE risk_labels (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    decision_id uuid NOT NULL,
    at          timestamptz NOT NULL,
    source      text NOT NULL CHECK (source IN ('reviewer', 'blind', 'unpaid', 'refund')),
    is_bad      boolean NOT NULL,
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, decision_id) REFERENCES risk_decisions (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX risk_labels_once ON risk_labels (merchant_id, decision_id, source);
CREATE INDEX risk_labels_newest ON risk_labels (merchant_id, at);

CREATE FUNCTION refuse_edit_of_risk_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what came of a decision is written down once' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER risk_labels_never_change BEFORE UPDATE OR DELETE ON risk_labels
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_risk_label();

-- Every model a shop ever had: plain numbers, their SHA-256, how it did in its replay. The newest is the one that
-- counts. mode: shadow says nothing aloud, on may ask for a person, off does not look.
CREATE TABLE risk_models (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    made_at     timestamptz NOT NULL,
    content     jsonb NOT NULL,
    digest      bytea NOT NULL CHECK (length(digest) = 32),
    figures     jsonb NOT NULL,
    mode        text NOT NULL CHECK (mode IN ('shadow', 'on', 'off')),
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL CHECK (changed_by <> ''),
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX risk_models_version ON risk_models (merchant_id, version);

-- A decision names the model it was made with: so no model changes, but for whether it is on.
CREATE FUNCTION refuse_edit_of_risk_model() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    switch CONSTANT text[] := ARRAY['mode', 'changed_at', 'changed_by'];
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - switch IS DISTINCT FROM to_jsonb(OLD) - switch THEN
        RAISE EXCEPTION 'a model never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_models_never_change BEFORE UPDATE OR DELETE ON risk_models
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_risk_model();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
