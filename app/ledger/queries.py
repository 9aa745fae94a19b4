"""Reads of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import CursorRefused
from app.ledger.lots import Lot, available_minor, spending_order
from app.ledger.rules import NORMAL_SIDE, Account, receivable_of


@dataclass(frozen=True, slots=True)
class PostingView:
    """One posting as an accountant reads it: a debit is positive, a credit negative, in minor units."""

    cause: str
    address: str
    currency: str
    amount_minor: int
    posted_at: datetime


async def postings_about(merchant_id: UUID, about: str) -> list[PostingView]:
    """Every posting of the transfers about a thing (an order's public id), oldest first."""
    rows = await db.fetch_all(
        """SELECT t.cause, a.address, p.currency, p.amount_minor, t.posted_at
           FROM transfers t
           JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
           JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id
           WHERE t.merchant_id = $1 AND t.about = $2 ORDER BY t.id, p.amount_minor DESC""",
        merchant_id,
        about,
    )
    return [PostingView(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Balance:
    """What a customer has, in minor units or points: `available` can be spent now, `held` is set aside, `pending` is
    not usable yet, `debt` is settled first. `total` is all of it, below zero when more is owed than there is."""

    total: int
    available: int
    held: int
    pending: int
    debt: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement as the account's owner reads it: what came is positive, what went negative."""

    seq: int
    key: str
    cause: str
    about: str
    amount_minor: int
    balance_after_minor: int
    posted_at: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of movements, newest first; `next_cursor` leads to the page behind it."""

    lines: Sequence[StatementLine]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Freeze:
    """Money is frozen, since when and why."""

    because: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class BookState:
    """For whoever watches: whether money is frozen, and when the books were last found to hold."""

    frozen: bool
    proven_at: datetime | None


async def book_state() -> BookState:
    """Both in one look."""
    row = await db.fetch_one(
        """SELECT EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL) AS frozen,
                  (SELECT proven_at FROM book_proofs WHERE violations = 0 ORDER BY id DESC LIMIT 1) AS proven_at"""
    )
    assert row is not None
    return BookState(**row)


async def frozen() -> Freeze | None:
    """Whether money is frozen."""
    row = await db.fetch_one("SELECT because, began_at FROM money_freezes WHERE ended_at IS NULL")
    return Freeze(**row) if row is not None else None


async def balance(merchant_id: UUID, account: Account, currency: str, now: datetime) -> Balance:
    """What stands in an account with lots; nothing when it was never used."""
    row = await db.fetch_one(
        """SELECT balance_minor, held_minor, debt_minor FROM ledger_accounts
           WHERE merchant_id = $1 AND address = $2 AND currency = $3""",
        merchant_id,
        account.address,
        currency,
    )
    if row is None:
        return Balance(0, 0, 0, 0, 0)
    lots = await lots_of(merchant_id, account, currency)
    return Balance(
        total=-row["balance_minor"],
        available=available_minor(lots, row["debt_minor"], now),
        held=row["held_minor"],
        pending=sum(lot.free_minor for lot in lots if lot.is_pending(now)),
        debt=row["debt_minor"],
    )


async def owed_minor(merchant_id: UUID, customer_public_id: str, currency: str) -> int:
    """What this customer owes on all purchases at this shop together, in minor units; never below zero."""
    owed = await db.fetch_value(
        "SELECT balance_minor FROM ledger_accounts WHERE merchant_id = $1 AND address = $2 AND currency = $3",
        merchant_id,
        receivable_of(customer_public_id).address,
        currency,
    )
    return max(0, owed or 0)


async def lots_of(merchant_id: UUID, account: Account, currency: str) -> list[Lot]:
    """What a balance is made of: the lots with something left, in the order they are spent."""
    rows = await db.fetch_all(
        """SELECT l.id, l.cause, l.about, l.amount_minor, l.left_minor, l.held_minor, l.usable_from, l.expires_at,
                  l.created_at
           FROM lots l JOIN ledger_accounts a ON a.merchant_id = l.merchant_id AND a.id = l.account_id
           WHERE l.merchant_id = $1 AND a.address = $2 AND a.currency = $3 AND l.left_minor > 0""",
        merchant_id,
        account.address,
        currency,
    )
    return spending_order(Lot(**row) for row in rows)


# The rows of the page first, along the index of the account, and what they belong to afterwards: a long statement
# costs what a short one does.
_PAGE: Final = """
WITH page AS MATERIALIZED (
    SELECT merchant_id, transfer_id, account_seq, amount_minor, balance_after_minor, posted_at FROM postings
    WHERE merchant_id = $1 AND account_seq < $4 AND account_id = (
        SELECT id FROM ledger_accounts WHERE merchant_id = $1 AND address = $2 AND currency = $3)
    ORDER BY account_seq DESC LIMIT $5
)
SELECT p.account_seq AS seq, t.key, t.cause, t.about, p.amount_minor, p.balance_after_minor, p.posted_at
FROM page p JOIN transfers t ON t.merchant_id = p.merchant_id AND t.id = p.transfer_id
ORDER BY p.account_seq DESC
"""


async def statement(
    merchant_id: UUID, account: Account, currency: str, cursor: str | None, limit: int
) -> Statement:
    """A page of the account's movements, newest first, in the order they were posted, whatever clocks said.

    Raises CursorRefused.
    """
    rows = await db.fetch_all(
        _PAGE,
        merchant_id,
        account.address,
        currency,
        _before(cursor),
        limit + 1,
    )
    sign = _sign(account)
    lines = [
        StatementLine(
            **{
                **row,
                "amount_minor": sign * row["amount_minor"],
                "balance_after_minor": sign * row["balance_after_minor"],
            }
        )
        for row in rows[:limit]
    ]
    return Statement(lines, str(lines[-1].seq) if len(rows) > limit else None)


def _before(cursor: str | None) -> int:
    if cursor is None:
        return 2**63 - 1
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise CursorRefused
    return int(cursor)


def _sign(account: Account) -> int:
    return 1 if NORMAL_SIDE[account.kind] == "debit" else -1


async def balance_at(merchant_id: UUID, account: Account, currency: str, at: datetime) -> int:
    """What stood in the account after the last movement that was posted at this time or before."""
    after = await db.fetch_value(
        """SELECT balance_after_minor FROM postings
           WHERE merchant_id = $1 AND posted_at <= $4 AND account_id = (
               SELECT id FROM ledger_accounts WHERE merchant_id = $1 AND address = $2 AND currency = $3)
           ORDER BY account_seq DESC LIMIT 1""",
        merchant_id,
        account.address,
        currency,
        at,
    )
    return _sign(account) * after if after is not None else 0
