"""Who has said no to which price: an answer that stays."""

from app.kernel.migration import SqlMigration

ID = "2026-11-21T08:21:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Subscriptions: prices that were declined"

SQL = """
CREATE TABLE subscription_declines (
    merchant_id     uuid NOT NULL,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    version_id      uuid NOT NULL,
    declined_at     timestamptz NOT NULL,
    declined_by     text NOT NULL CHECK (declined_by <> ''),
    PRIMARY KEY (merchant_id, id),
    FOREIGN KEY (merchant_id, subscription_id) REFERENCES subscriptions (merchant_id, id) ON DELETE RESTRICT,
    FOREIGN KEY (merchant_id, version_id) REFERENCES subscription_plan_versions (merchant_id, id) ON DELETE RESTRICT
);
CREATE INDEX subscription_declines_of ON subscription_declines (merchant_id, subscription_id, id);
CREATE INDEX subscription_declines_version ON subscription_declines (merchant_id, version_id);
CREATE TRIGGER subscription_declines_only_grow BEFORE UPDATE OR DELETE ON subscription_declines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

forwards = SqlMigration(ID, DESCRIPTION, SQL)
