"""What is decided about risk, and the rules of a shop. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, DoublePrecision, Integer, Text, Timestamptz
from piccolo.table import Table


class RiskDecision(Table, tablename="risk_decisions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    session_id = UUID(default=None)
    order_id = UUID(default=None)
    customer_id = UUID(null=True, default=None)
    at = Timestamptz(default=None)
    outcome = Text(default=None)
    weight = Integer(default=None)
    forced = Text(null=True, default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    facts = JSONB(null=True, default=None)
    findings = JSONB(default=None)
    model_id = UUID(null=True, default=None)
    model_score = DoublePrecision(null=True, default=None)
    phone = Bytea(null=True, default=None)
    email = Bytea(null=True, default=None)
    address = Bytea(null=True, default=None)
    device = Bytea(null=True, default=None)
    network = Bytea(null=True, default=None)
    basket = Bytea(null=True, default=None)
    rules_version = Text(default=None)


class RiskRule(Table, tablename="risk_rules"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    name = Text(default=None)
    version = Integer(default=None)
    conditions = JSONB(default=None)
    outcome = Text(default=None)
    mode = Text(default=None)
    form_key = UUID(default=None)
    created_at = Timestamptz(default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)


class RiskRuleVersion(Table, tablename="risk_rule_versions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    rule_id = UUID(default=None)
    version = Integer(default=None)
    name = Text(default=None)
    conditions = JSONB(default=None)
    outcome = Text(default=None)
    mode = Text(default=None)
    made_at = Timestamptz(default=None)
    made_by = Text(default=None)


class RiskSnooze(Table, tablename="risk_snoozes"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    rule = Text(default=None)
    customer_id = UUID(default=None)
    until = Timestamptz(default=None)
    by = Text(default=None)
    made_at = Timestamptz(default=None)


class RiskLabel(Table, tablename="risk_labels"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    decision_id = UUID(default=None)
    at = Timestamptz(default=None)
    source = Text(default=None)
    is_bad = Boolean(default=None)


class RiskModel(Table, tablename="risk_models"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    version = Integer(default=None)
    made_at = Timestamptz(default=None)
    content = JSONB(default=None)
    digest = Bytea(default=None)
    figures = JSONB(default=None)
    mode = Text(default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)
