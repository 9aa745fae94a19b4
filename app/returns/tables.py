"""Refunds, returns and a shop's conditions. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


class ReturnConditions(Table, tablename="return_conditions"):
    merchant_id = UUID(primary_key=True, default=None)
    days = Integer(default=None)
    delivery_days = Integer(default=None)
    fee_minor = BigInt(default=None)
    fee_waived_to_wallet = Boolean(default=None)
    kept_categories = Array(base_column=Text(), default=None)
    approval_above_minor = BigInt(null=True, default=None)


class ReturnNumber(Table, tablename="return_numbers"):
    merchant_id = UUID(primary_key=True, default=None)
    last_number = Integer(default=None)


class Return(Table, tablename="returns"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    number = Integer(default=None)
    order_id = UUID(default=None)
    state = Text(default=None)
    destination = Text(default=None)
    reason = Text(default=None)
    statement = Text(null=True, default=None)
    value_minor = BigInt(default=None)
    fee_minor = BigInt(default=None)
    currency = Text(default=None)
    announced_by = Text(default=None)
    announced_at = Timestamptz(default=None)
    received_at = Timestamptz(null=True, default=None)
    ended_at = Timestamptz(null=True, default=None)
    refusal = Text(null=True, default=None)


class ReturnLine(Table, tablename="return_lines"):
    merchant_id = UUID(default=None)
    return_id = UUID(default=None)
    position = Integer(primary_key=True, default=None)
    quantity = Integer(default=None)


class ReturnHistory(Table, tablename="return_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class Refund(Table, tablename="refunds"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    key = Text(default=None)
    order_id = UUID(default=None)
    return_id = UUID(null=True, default=None)
    state = Text(default=None)
    destination = Text(default=None)
    amount_minor = BigInt(default=None)
    fee_minor = BigInt(default=None)
    currency = Text(default=None)
    note = Text(null=True, default=None)
    asked_by = Text(default=None)
    asked_at = Timestamptz(default=None)
    decided_by = Text(null=True, default=None)
    decided_at = Timestamptz(null=True, default=None)
    restored_minor = BigInt(default=None)
    put_minor = BigInt(default=None)
    lowered_minor = BigInt(default=None)
    back_minor = BigInt(default=None)
    costs_minor = BigInt(default=None)
    credit_note_id = UUID(null=True, default=None)
    quote_id = Text(null=True, default=None)
    is_fraud = Boolean(default=False)


class RefundLine(Table, tablename="refund_lines"):
    merchant_id = UUID(default=None)
    refund_id = UUID(default=None)
    place = Integer(primary_key=True, default=None)
    position = Integer(null=True, default=None)
    kind = Text(default=None)
    name = Text(default=None)
    sku = Text(null=True, default=None)
    quantity = Integer(default=None)
    unit_price_minor = BigInt(default=None)
    vat_percent = Text(default=None)
    total_minor = BigInt(default=None)


class RefundHistory(Table, tablename="refund_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)
