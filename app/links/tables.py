"""Payment links, their history and what was sent. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Boolean, Integer, Text, Timestamptz
from piccolo.table import Table


class PaymentLink(Table, tablename="payment_links"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    token = Text(default=None)
    order_id = UUID(default=None)
    state = Text(default=None)
    expires_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=None)
    created_by = Text(default=None)
    opened_at = Timestamptz(null=True, default=None)


class LinkHistory(Table, tablename="link_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class LinkSend(Table, tablename="link_sends"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    link_id = UUID(default=None)
    channel = Text(default=None)
    recipient = Text(null=True, default=None)
    lang = Text(default=None)
    subject = Text(null=True, default=None)
    body = Text(null=True, default=None)
    state = Text(default=None)
    reason = Text(null=True, default=None)
    reminder = Boolean(default=None)
    created_at = Timestamptz(default=None)
    sent_at = Timestamptz(null=True, default=None)
    settled_at = Timestamptz(null=True, default=None)
    actor = Text(default=None)


class LinkWords(Table, tablename="link_words"):
    merchant_id = UUID(default=None)
    lang = Text(primary_key=True, default=None)
    occasion = Text(default=None)
    subject = Text(default=None)
    message = Text(default=None)
    sms = Text(default=None)
    saved_at = Timestamptz(default=None)
    saved_by = Text(default=None)


class LinkReminder(Table, tablename="link_reminders"):
    merchant_id = UUID(default=None)
    link_id = UUID(primary_key=True, default=None)
    expires_at = Timestamptz(default=None)
    hours = Integer(default=None)
    decided_at = Timestamptz(default=None)
