"""Plans a merchant offers, and the quotes made from them. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table


class Plan(Table, tablename="plans"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    key = Text(default=None)
    kind = Text(default=None)
    currency = Text(default=None)
    style = Text(default=None)
    nominal_rate = Numeric(digits=(7, 4), default=None)
    due_days = Integer(default=None)
    min_months = Integer(default=None)
    max_months = Integer(default=None)
    interest_free_months = Integer(default=None)
    fee_minor = BigInt(default=None)
    arrangement_fee_minor = BigInt(default=None)
    paper_fee_minor = BigInt(default=None)
    min_instalment_minor = BigInt(default=None)
    min_amount_minor = BigInt(default=None)
    max_amount_minor = BigInt(default=None)
    active = Boolean(default=None)
    position = Integer(default=None)


class Quote(Table, tablename="quotes"):
    merchant_id = UUID(default=None)
    id = Text(primary_key=True, default=None)
    content = JSONB(default=None)
    created_at = Timestamptz(default=None)
