"""Money that came outside the checkout. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, BigInt, Date, Text, Timestamptz
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
