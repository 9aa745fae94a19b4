"""What a shop asks of orders by rules of its own, what each rule said before, and for whom one is silent."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T07:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Merchant's rules, their versions, and snoozes"

SQL = """
CREATE TABLE risk_rules (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    public_id   text NOT NULL,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    version     integer NOT NULL CHECK (version > 0),
    conditions  jsonb NOT NULL CHECK (jsonb_array_length(conditions) BETWEEN 1 AND 5),
    outcome     text NOT NULL CHECK (outcome IN ('hold', 'decline')),
    mode        text NOT NULL CHECK (mode IN ('shadow', 'on', 'off')),
    form_key    uuid NOT NULL,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    changed_by  text NOT NULL CHECK (changed_by <> ''),
    PRIMARY KEY (merchant_id, id)
);
CREATE UNIQUE INDEX risk_rules_public ON risk_rules (merchant_id, public_id);
-- A form sent twice makes one rule.
CREATE UNIQUE INDEX risk_rules_once ON risk_rules (merchant_id, form_key);

-- Every change, a switch of the mode too, is a version: a finding names the one that it came from.
CREATE TABLE risk_rule_versions (
    merchant_id uuid NOT NULL,
    id          uuid NOT NULL,
    rule_id     uuid NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    name        text NOT NULL,
    conditions  jsonb NOT NULL CHECK (jsonb_array_length(conditions) BETWEEN 1 AND 5),
    outcome     text NOT NULL CHECK (outcome IN ('hold', 'decline')),
    mode        text NOT NULL CHECK (mode IN ('shadow', 'on', 'off')),
    made_at     timestamptz NOT NULL,
    made_by     text NOT NULL CHECK (made_by <> ''),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, rule_id) REFERENCES risk_rules (merchant_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX risk_rule_versions_number ON risk_rule_versions (merchant_id, rule_id, version);
CREATE TRIGGER risk_rule_versions_only_grow BEFORE UPDATE OR DELETE ON risk_rule_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A rule (the house's own by its word, the shop's by its public id) says nothing of this customer until then.
-- Ended early, `until` is the time when it was ended.
CREATE TABLE risk_snoozes (
    merchant_id uuid NOT NULL REFERENCES merchants (id) ON DELETE RESTRICT,
    id          uuid NOT NULL,
    rule        text NOT NULL CHECK (char_length(rule) BETWEEN 1 AND 64),
    customer_id uuid NOT NULL REFERENCES customers (id) ON DELETE RESTRICT,
    until       timestamptz NOT NULL,
    by          text NOT NULL CHECK (by <> ''),
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, id),
    CHECK (until >= made_at)
);
CREATE INDEX risk_snoozes_customer ON risk_snoozes (merchant_id, customer_id, until);
CREATE INDEX risk_snoozes_of ON risk_snoozes (customer_id);
CREATE INDEX risk_snoozes_running ON risk_snoozes (merchant_id, until);
CREATE INDEX risk_snoozes_ended ON risk_snoozes (until);
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
