"""What was decided about the risk of a purchase, on which facts, with which findings."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T07:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Decisions about risk, their facts and findings"

SQL = """
-- One row a press of "Confirm". forced: an outcome that test mode asked for. phone to basket: keyed digests by which
-- later purchases are compared with this one, NULL when unknown; network: that of a block of addresses.
CREATE TABLE risk_decisions (
    merchant_id   uuid NOT NULL,
    id            uuid NOT NULL,
    session_id    uuid NOT NULL,
    order_id      uuid NOT NULL,
    customer_id   uuid REFERENCES customers (id) ON DELETE RESTRICT,
    at            timestamptz NOT NULL,
    outcome       text NOT NULL CHECK (outcome IN ('approve', 'hold', 'decline')),
    weight        integer NOT NULL CHECK (weight BETWEEN 0 AND 100000),
    forced        text CHECK (forced IN ('approve', 'hold', 'decline')),
    amount_minor  bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000000),
    currency      text NOT NULL CHECK (currency IN ('EUR', 'SEK', 'DKK')),
    facts         jsonb,
    findings      jsonb NOT NULL,
    model_id      uuid,
    model_score   double precision CHECK (model_score BETWEEN 0 AND 1),
    phone         bytea,
    email         bytea,
    address       bytea,
    device        bytea,
    network       bytea,
    basket        bytea,
    rules_version text NOT NULL CHECK (rules_version <> ''),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, session_id) REFERENCES checkout_sessions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, order_id) REFERENCES orders (merchant_id, id) ON DELETE RESTRICT
);
-- A decision reads the newest of each subject, a few hundred at most: each index gives them in that order.
CREATE INDEX risk_decisions_phone ON risk_decisions (merchant_id, phone, at) WHERE phone IS NOT NULL;
CREATE INDEX risk_decisions_email ON risk_decisions (merchant_id, email, at) WHERE email IS NOT NULL;
CREATE INDEX risk_decisions_address ON risk_decisions (merchant_id, address, at) WHERE address IS NOT NULL;
CREATE INDEX risk_decisions_device ON risk_decisions (merchant_id, device, at) WHERE device IS NOT NULL;
CREATE INDEX risk_decisions_network ON risk_decisions (merchant_id, network, at) WHERE network IS NOT NULL;
CREATE INDEX risk_decisions_basket ON risk_decisions (merchant_id, basket, at) WHERE basket IS NOT NULL;
CREATE INDEX risk_decisions_customer ON risk_decisions (customer_id, merchant_id, at) WHERE customer_id IS NOT NULL;
CREATE INDEX risk_decisions_session ON risk_decisions (merchant_id, session_id, at);
CREATE INDEX risk_decisions_order ON risk_decisions (merchant_id, order_id);
CREATE INDEX risk_decisions_newest ON risk_decisions (merchant_id, at);
CREATE INDEX risk_decisions_to_forget ON risk_decisions (at) WHERE facts IS NOT NULL;

-- A decision stays as it was made. When its time is over, what it knew of people goes, all at once.
CREATE FUNCTION refuse_edit_of_risk_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    personal CONSTANT text[] := ARRAY['facts', 'phone', 'email', 'address', 'device', 'network', 'basket'];
BEGIN
    IF TG_OP = 'DELETE'
       OR to_jsonb(NEW) - personal IS DISTINCT FROM to_jsonb(OLD) - personal
       OR num_nonnulls(NEW.facts, NEW.phone, NEW.email, NEW.address, NEW.device, NEW.network, NEW.basket) > 0 THEN
        RAISE EXCEPTION 'a decision about risk never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_decisions_never_change BEFORE UPDATE OR DELETE ON risk_decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_edit_of_risk_decision();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
