"""Signed agreements. Rows are only added. The database has composite keys: see migrations/."""

from piccolo.columns import JSONB, UUID, Bytea, Text, Timestamptz
from piccolo.table import Table


class Agreement(Table, tablename="agreements"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    public_id = Text(default=None)
    order_id = UUID(default=None)
    customer_id = UUID(default=None)
    quote_id = Text(default=None)
    quote_hash = Text(default=None)
    lang = Text(default=None)
    signed_at = Timestamptz(default=None)
    content = JSONB(default=None)
    document = Bytea(default=None)
    document_hash = Text(default=None)
    remind_at = Timestamptz(default=None)
    created_at = Timestamptz(default=None)
