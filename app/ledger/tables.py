"""Accounts, transfers and postings. The database has composite keys: see migrations/."""

from piccolo.columns import UUID, BigInt, Text, Timestamptz
from piccolo.table import Table


class LedgerAccount(Table, tablename="ledger_accounts"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    address = Text(default=None)
    kind = Text(default=None)
    normal_side = Text(default=None)
    currency = Text(default=None)
    balance_minor = BigInt(default=None)


class Transfer(Table, tablename="transfers"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    key = Text(default=None)
    cause = Text(default=None)
    about = Text(default=None)
    posted_at = Timestamptz(default=None)


class Posting(Table, tablename="postings"):
    merchant_id = UUID(default=None)
    id = UUID(primary_key=True, default=None)
    transfer_id = UUID(default=None)
    account_id = UUID(default=None)
    currency = Text(default=None)
    amount_minor = BigInt(default=None)
