"""What a customer has in a shop's wallet, what makes it up, and every movement of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money
from app.ledger import queries as ledger
from app.ledger.lots import Lot, available_minor
from app.ledger.queries import StatementLine
from app.ledger.rules import wallet_of
from app.merchants.queries import Merchant

LIMIT_MAX: Final = 100
EXPORT_STEP: Final = 500
HOLDS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class LotView:
    """Money that came at once: so much is left of it, so much of that set aside. Minor units of the wallet's currency.

    `about` is the public id of what it came from; `expires_at` None: it never lapses.
    """

    cause: str
    about: str
    came_minor: int
    left_minor: int
    held_minor: int
    came_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wallet:
    """Amounts are minor units of `currency`. `balance_minor` is what `lots` sum up to; of it `held_minor` is set aside
    and `available_minor` can be paid with now. `lots` are in the order they are spent."""

    customer_id: str
    currency: str
    balance_minor: int
    available_minor: int
    held_minor: int
    lots: Sequence[LotView]

    @property
    def by_cause(self) -> Sequence[tuple[str, Money]]:
        """What makes it up, the largest first."""
        sums: dict[str, int] = {}
        for lot in self.lots:
            sums[lot.cause] = sums.get(lot.cause, 0) + lot.left_minor
        largest_first = sorted(sums.items(), key=lambda each: -each[1])
        return [(cause, Money(minor, self.currency)) for cause, minor in largest_first]

    @property
    def next_lapse(self) -> tuple[datetime, Money] | None:
        """When something lapses next, and how much of it is free then; what is set aside for a purchase stays."""
        ends = [lot.expires_at for lot in self.lots if lot.expires_at and lot.left_minor > lot.held_minor]
        if not ends:
            return None
        first = min(ends)
        free = sum(lot.left_minor - lot.held_minor for lot in self.lots if lot.expires_at == first)
        return first, Money(free, self.currency)


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a statement: what came is positive, what went negative, in minor units. `number` counts from 1;
    `about` is the public id of the order, the change by staff or the payout that it speaks of, `key` its own name."""

    number: int
    key: str
    at: datetime
    cause: str
    about: str
    amount_minor: int
    balance_after_minor: int


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Newest first. `next_cursor` leads to the page behind it; None on the last."""

    movements: Sequence[Movement]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class HoldView:
    """Money set aside for what `about` names, an order or a payout, until `expires_at`. Minor units."""

    about: str
    amount_minor: int
    held_at: datetime
    expires_at: datetime


async def is_customer(merchant_id: UUID, customer_public_id: str) -> bool:
    """Whether this person has a profile, and so a wallet, at this shop."""
    found = await db.fetch_value(
        """SELECT EXISTS (SELECT FROM customers c JOIN profiles p ON p.customer_id = c.id AND p.merchant_id = $1
                          WHERE c.public_id = $2)""",
        merchant_id,
        customer_public_id,
    )
    return bool(found)


async def wallet(merchant: Merchant, customer_public_id: str, now: datetime) -> Wallet:
    """A customer's wallet at this shop, empty when nothing ever came into it. One statement, so its parts agree.

    Who has no profile here has an empty one too: see `is_customer`.
    """
    lots = await ledger.lots_of(merchant.id, wallet_of(customer_public_id), merchant.currency)
    return Wallet(
        customer_id=customer_public_id,
        currency=merchant.currency,
        balance_minor=sum(lot.left_minor for lot in lots),
        available_minor=available_minor(lots, 0, now),
        held_minor=sum(lot.held_minor for lot in lots),
        lots=[_lot(lot) for lot in lots],
    )


def _lot(lot: Lot) -> LotView:
    return LotView(
        cause=lot.cause,
        about=lot.about,
        came_minor=lot.amount_minor,
        left_minor=lot.left_minor,
        held_minor=lot.held_minor,
        came_at=lot.created_at,
        expires_at=lot.expires_at,
    )


async def holds_of(merchant: Merchant, customer_public_id: str) -> Sequence[HoldView]:
    """What is set aside in a wallet now, the newest first; at most HOLDS_SHOWN."""
    rows = await db.fetch_all(
        """SELECT h.about, h.amount_minor, h.created_at AS held_at, h.expires_at
           FROM ledger_accounts a JOIN holds h ON h.merchant_id = a.merchant_id AND h.account_id = a.id
           WHERE a.merchant_id = $1 AND a.address = $2 AND a.currency = $3 AND h.state = 'pending'
           ORDER BY h.id DESC LIMIT $4""",
        merchant.id,
        wallet_of(customer_public_id).address,
        merchant.currency,
        HOLDS_SHOWN,
    )
    return [HoldView(**dict(row.items())) for row in rows]


async def statement(
    merchant: Merchant, customer_public_id: str, *, cursor: str | None = None, limit: int = 25
) -> StatementPage:
    """A page of movements, newest first: one statement along an index, however many there are. Raises CursorRefused."""
    assert 1 <= limit <= LIMIT_MAX, "the caller checks the limit"
    page = await ledger.statement(
        merchant.id, wallet_of(customer_public_id), merchant.currency, cursor, limit
    )
    return StatementPage([_movement(line) for line in page.lines], page.next_cursor)


async def each_movement(merchant: Merchant, customer_public_id: str) -> AsyncIterator[Movement]:
    """Every movement, newest first, for an export. No connection is held from one to the next."""
    cursor: str | None = None
    while True:
        page = await ledger.statement(
            merchant.id, wallet_of(customer_public_id), merchant.currency, cursor, EXPORT_STEP
        )
        for line in page.lines:
            yield _movement(line)
        cursor = page.next_cursor
        if cursor is None:
            return


def _movement(line: StatementLine) -> Movement:
    return Movement(
        number=line.seq,
        key=line.key,
        at=line.posted_at,
        cause=line.cause,
        about=line.about,
        amount_minor=line.amount_minor,
        balance_after_minor=line.balance_after_minor,
    )


async def balance_at(merchant: Merchant, customer_public_id: str, at: datetime) -> Money:
    """What was in the wallet at a moment."""
    minor = await ledger.balance_at(merchant.id, wallet_of(customer_public_id), merchant.currency, at)
    return Money(minor, merchant.currency)
