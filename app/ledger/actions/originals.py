"""A transfer that another one takes back, as it was written; it never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.kernel import db
from app.kernel.money import amount_of
from app.ledger.errors import NoSuchTransfer
from app.ledger.rules import LOTTED, Account, AccountKind, Entry, Side


@dataclass(frozen=True, slots=True)
class Original:
    """`purse` is its account with lots, by `purse_minor` changed (a debit is positive); `entries` are the others."""

    id: UUID
    about: str
    unit: str
    takes_back: bool
    purse: Account | None
    purse_minor: int
    entries: Sequence[Entry]


async def original_of(merchant_id: UUID, key: str) -> Original:
    """The transfer with this key. Raises NoSuchTransfer."""
    rows = await db.fetch_all(
        """SELECT t.id, t.about, t.reverses_id, t.restores_id, a.address, a.kind, p.currency, p.amount_minor
           FROM transfers t
           JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
           JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id
           WHERE t.merchant_id = $1 AND t.key = $2 ORDER BY a.address, p.currency""",
        merchant_id,
        key,
    )
    if not rows:
        raise NoSuchTransfer
    first = rows[0]
    purse, purse_minor, entries = None, 0, []
    for row in rows:
        account = Account(row["address"], AccountKind(row["kind"]))
        if account.kind in LOTTED:
            purse, purse_minor = account, row["amount_minor"]
        else:
            side: Side = "debit" if row["amount_minor"] > 0 else "credit"
            entries.append(Entry(account, side, amount_of(abs(row["amount_minor"]), row["currency"])))
    takes_back = first["reverses_id"] is not None or first["restores_id"] is not None
    return Original(first["id"], first["about"], first["currency"], takes_back, purse, purse_minor, entries)
