"""What an operator vouched for. Rows are only added."""

from piccolo.columns import UUID, Date, Text, Timestamptz
from piccolo.table import Table


class LawConfirmation(Table, tablename="law_confirmations"):
    id = UUID(primary_key=True, default=None)
    country = Text(default=None)
    key = Text(default=None)
    value = Text(default=None)
    since = Date(default=None)
    source = Text(default=None)
    confirmed_by = Text(default=None)
    confirmed_at = Timestamptz(default=None)
