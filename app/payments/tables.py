"""Money through a provider, and money that came outside the checkout. Composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.table import Table


class RecordedPayment(Table, tablename="recorded_payments"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    key = Text(default=None)
    order_id = UUID(default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    source = Text(default=None)
    received_on = Date(default=None)
    note = Text(null=True, default=None)
    actor = Text(default=None)
    recorded_at = Timestamptz(default=None)


class SavedMethodRow(Table, tablename="saved_methods"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    method = Text(default=None)
    sealed = Bytea(null=True, default=None)
    label = Text(default=None)
    expires_on = Text(null=True, default=None)
    created_at = Timestamptz(default=None)
    forgotten_at = Timestamptz(null=True, default=None)


class Payment(Table, tablename="payments"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    kind = Text(default=None)
    method = Text(default=None)
    state = Text(default=None)
    order_id = UUID(default=None)
    session_id = UUID(null=True, default=None)
    quote_id = Text(default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    country = Text(default=None)
    lang = Text(default=None)
    way = Text(default=None)
    description = Text(default=None)
    is_saving = Boolean(default=False)
    saved_method_id = UUID(null=True, default=None)
    contact = JSONB(null=True, default=None)
    provider_ref = Text(null=True, default=None)
    url = Text(null=True, default=None)
    qr_url = Text(null=True, default=None)
    failure = Text(null=True, default=None)
    authorised_minor = BigInt(default=0)
    captured_minor = BigInt(default=0)
    refunded_minor = BigInt(default=0)
    is_letting_go = Boolean(default=False)
    is_taking = Boolean(default=False)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
    checks = Integer(default=0)
    next_check_at = Timestamptz(null=True, default=None)
    leased_until = Timestamptz(null=True, default=None)


class PaymentHistory(Table, tablename="payment_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class PaymentRefund(Table, tablename="payment_refunds"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    payment_id = UUID(default=None)
    refund_id = UUID(null=True, default=None)
    state = Text(default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    provider_ref = Text(null=True, default=None)
    reason = Text(null=True, default=None)
    asked_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
    checks = Integer(default=0)
    next_check_at = Timestamptz(null=True, default=None)
    leased_until = Timestamptz(null=True, default=None)


class PaymentRefundHistory(Table, tablename="payment_refund_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class PaymentDispute(Table, tablename="payment_disputes"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    payment_id = UUID(default=None)
    provider_ref = Text(default=None)
    state = Text(default=None)
    amount_minor = BigInt(default=None)
    currency = Text(default=None)
    reason = Text(default=None)
    answer_by = Timestamptz(null=True, default=None)
    opened_at = Timestamptz(default=None)
    ended_at = Timestamptz(null=True, default=None)
    moves = Integer(default=0)
    told_at = Timestamptz(default=None)


class PaymentDisputeHistory(Table, tablename="payment_dispute_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class DisputeLook(Table, tablename="dispute_looks"):
    method = Text(primary_key=True, default=None)
    next_at = Timestamptz(default=None)
    leased_until = Timestamptz(null=True, default=None)
    checks = Integer(default=0)


class MethodHealth(Table, tablename="method_health"):
    method = Text(primary_key=True, default=None)
    state = Text(default=None)
    since = Timestamptz(default=None)
    failures = Integer(default=None)
    reason = Text(null=True, default=None)
    noted_at = Timestamptz(default=None)
    probed_at = Timestamptz(null=True, default=None)
