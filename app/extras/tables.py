"""Fees of ways to pay, insurance offers, answers and insurances. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table


class MethodFeeRow(Table, tablename="method_fees"):
    merchant_id = UUID(default=None)
    buyer = Text(default=None)
    method = Text(primary_key=True, default=None)
    fixed_minor = BigInt(default=None)
    rate_points = Integer(default=None)
    changed_at = Timestamptz(default=None)
    changed_by = Text(default=None)


class InsuranceOfferRow(Table, tablename="insurance_offers"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    name = Text(default=None)
    insurer = Text(default=None)
    covers = JSONB(default=None)
    terms_url = Text(null=True, default=None)
    terms_text = Text(null=True, default=None)
    currency = Text(default=None)
    categories = Array(base_column=Text(), default=None)
    from_minor = BigInt(default=None)
    to_minor = BigInt(null=True, default=None)
    fixed_minor = BigInt(null=True, default=None)
    rate_points = Integer(null=True, default=None)
    least_minor = BigInt(null=True, default=None)
    most_minor = BigInt(null=True, default=None)
    cancel_days = Integer(default=None)
    created_at = Timestamptz(default=None)
    created_by = Text(default=None)
    ended_at = Timestamptz(null=True, default=None)


class InsuranceAnswer(Table, tablename="insurance_answers"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    session_id = UUID(default=None)
    offer_id = UUID(default=None)
    answer = Text(default=None)
    premium_minor = BigInt(default=None)
    at = Timestamptz(default=None)


class Insurance(Table, tablename="insurances"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    order_id = UUID(default=None)
    offer_id = UUID(default=None)
    position = Integer(default=None)
    state = Text(default=None)
    premium_minor = BigInt(default=None)
    currency = Text(default=None)
    lang = Text(default=None)
    taken_at = Timestamptz(default=None)
    cancel_until = Date(default=None)


class InsuranceHistory(Table, tablename="insurance_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)
