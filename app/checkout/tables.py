"""Sessions and their history. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Boolean, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table


class CheckoutSession(Table, tablename="checkout_sessions"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    order_id = UUID(default=None)
    state = Text(default=None)
    locale = Text(null=True, default=None)
    success_url = Text(default=None)
    cancel_url = Text(default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    browser_id = UUID(null=True, default=None)
    delivery = Text(null=True, default=None)
    quote_id = Text(null=True, default=None)
    phone = Text(null=True, default=None)
    postcode = Text(null=True, default=None)
    phone_proved_at = Timestamptz(null=True, default=None)
    customer_id = UUID(null=True, default=None)
    identified_by = Text(null=True, default=None)
    identified_at = Timestamptz(null=True, default=None)
    decisions_made = SmallInt(default=0)
    decision_id = UUID(null=True, default=None)
    contact_elsewhere = Boolean(default=False)
    forgotten_at = Timestamptz(null=True, default=None)
    held_until = Timestamptz(null=True, default=None)
    link_id = UUID(null=True, default=None)
    typed = JSONB(null=True, default=None)
    seen_version = Integer(null=True, default=None)
    hold_id = UUID(null=True, default=None)
    payment_failure = Text(null=True, default=None)
    choice = JSONB(null=True, default=None)
    review_first = Boolean(default=False)


class SessionHistory(Table, tablename="session_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)
