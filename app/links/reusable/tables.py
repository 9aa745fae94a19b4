"""Reusable links, their history and their uses. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, BigInt, Bytea, Integer, Numeric, Text, Timestamptz
from piccolo.table import Table


class ReusableLink(Table, tablename="reusable_links"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    token = Text(default=None)
    state = Text(default=None)
    title = Text(default=None)
    country = Text(default=None)
    currency = Text(default=None)
    buyer = Text(default=None)
    amount_minor = BigInt(null=True, default=None)
    min_minor = BigInt(null=True, default=None)
    max_minor = BigInt(null=True, default=None)
    vat_percent = Numeric(digits=(5, 2), default=None)
    reference = Text(null=True, default=None)
    reference_hint = Text(null=True, default=None)
    uses_max = Integer(null=True, default=None)
    expires_at = Timestamptz(null=True, default=None)
    form_key = UUID(default=None)
    created_at = Timestamptz(default=None)
    created_by = Text(default=None)


class ReusableLinkHistory(Table, tablename="reusable_link_history"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    subject_id = UUID(default=None)
    from_state = Text(null=True, default=None)
    to_state = Text(default=None)
    event = Text(default=None)
    actor = Text(default=None)
    at = Timestamptz(default=None)
    detail = JSONB(default=None)


class ReusableUse(Table, tablename="reusable_uses"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    link_id = UUID(default=None)
    order_id = UUID(default=None)
    form_key = UUID(default=None)
    digest = Bytea(default=None)
    used_at = Timestamptz(default=None)
