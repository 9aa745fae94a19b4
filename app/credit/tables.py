"""Credit decisions and exposure. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, Array, BigInt, Bytea, Text, Timestamptz
from piccolo.table import Table


class CreditDecision(Table, tablename="credit_decisions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    session_id = UUID(default=None)
    customer_id = UUID(default=None)
    quote_id = Text(default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    outcome = Text(default=None)
    reasons = Array(base_column=Text(), default=None)
    would_pass_minor = BigInt(null=True, default=None)
    rules_version = Text(default=None)
    register_answer = Text(null=True, default=None)
    facts_digest = Bytea(default=None)
    decided_at = Timestamptz(default=None)
    valid_until = Timestamptz(default=None)
    decided_by = Text(default="rules")
    case_id = UUID(null=True, default=None)


class CreditFacts(Table, tablename="credit_facts"):
    merchant_id = UUID(default=None)
    decision_id = UUID(primary_key=True, default=None)
    sealed = Bytea(default=None)
    created_at = Timestamptz(default=None)


class CreditExposure(Table, tablename="credit_exposures"):
    merchant_id = UUID(default=None)
    customer_id = UUID(primary_key=True, default=None)
    currency = Text(default=None)
    exposure_minor = BigInt(default=None)
    limit_minor = BigInt(default=None)
