"""A customer's wallet and points at a shop, and what a test does to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.money import Amount, Money, Points
from app.ledger import actions as ledger
from app.ledger import queries
from app.ledger.actions import ClawedBack, Hold, NewLot
from app.ledger.queries import Balance
from app.ledger.rules import GOODWILL, MERCHANT_SALES, POINTS_ISSUED, Account, points_of, wallet_of
from tests.factories.checkout import a_merchant

NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_AT_ONCE: Final = NewLot()


def euros(minor: int) -> Money:
    return Money(minor, "EUR")


@dataclass
class Purse:
    """A wallet, or points, of one customer. Each verb is a transaction of its own, at `now`."""

    merchant_id: UUID
    account: Account
    unit: str = "EUR"
    now: datetime = NOON
    keys: list[str] = field(default_factory=list)

    @classmethod
    async def wallet(cls, merchant_id: UUID | None = None) -> Purse:
        return cls(merchant_id or (await a_merchant()).id, wallet_of(ids.public_id("cus")))

    @classmethod
    async def points(cls, merchant_id: UUID | None = None) -> Purse:
        return cls(merchant_id or (await a_merchant()).id, points_of(ids.public_id("cus")), "PTS")

    @property
    def against(self) -> Account:
        return POINTS_ISSUED if self.unit == "PTS" else GOODWILL

    def amount(self, minor: int) -> Amount:
        return Points(minor) if self.unit == "PTS" else Money(minor, self.unit)

    def new_key(self) -> str:
        key = ids.public_id("key")
        self.keys.append(key)
        return key

    async def put(
        self, minor: int, lot: NewLot = _AT_ONCE, *, key: str | None = None, about: str = "o_1"
    ) -> bool:
        return await db.in_tx(
            lambda: ledger.put(
                self.merchant_id,
                key=key or self.new_key(),
                cause="given",
                about=about,
                account=self.account,
                against=self.against,
                amount=self.amount(minor),
                lot=lot,
                now=self.now,
            )
        )

    async def take(self, minor: int, *, key: str | None = None, about: str = "o_2") -> bool:
        return await db.in_tx(
            lambda: ledger.take(
                self.merchant_id,
                key=key or self.new_key(),
                cause="spent",
                about=about,
                account=self.account,
                against=POINTS_ISSUED if self.unit == "PTS" else MERCHANT_SALES,
                amount=self.amount(minor),
                now=self.now,
            )
        )

    async def hold(self, minor: int, until: datetime, *, key: str | None = None) -> Hold:
        return await db.in_tx(
            lambda: ledger.hold(
                self.merchant_id,
                key=key or self.new_key(),
                about="cs_1",
                account=self.account,
                amount=self.amount(minor),
                expires_at=until,
                now=self.now,
            )
        )

    async def capture(self, hold_id: UUID, minor: int | None = None, *, key: str | None = None) -> bool:
        return await db.in_tx(
            lambda: ledger.capture(
                self.merchant_id,
                hold_id,
                key=key or self.new_key(),
                cause="spent",
                about="o_2",
                against=POINTS_ISSUED if self.unit == "PTS" else MERCHANT_SALES,
                amount=None if minor is None else self.amount(minor),
                now=self.now,
            )
        )

    async def release(self, hold_id: UUID) -> bool:
        return await db.in_tx(
            lambda: ledger.release(self.merchant_id, hold_id, actor="shopper", now=self.now)
        )

    async def claw_back(
        self, minor: int, *, first_about: str | None = None, key: str | None = None
    ) -> ClawedBack:
        return await db.in_tx(
            lambda: ledger.claw_back(
                self.merchant_id,
                key=key or self.new_key(),
                cause="clawed_back",
                about="o_1",
                account=self.account,
                against=self.against,
                amount=self.amount(minor),
                first_about=first_about,
                now=self.now,
            )
        )

    async def restore(self, of_key: str, minor: int, *, key: str | None = None) -> bool:
        return await db.in_tx(
            lambda: ledger.restore(
                self.merchant_id,
                of_key=of_key,
                key=key or self.new_key(),
                cause="restored",
                about="o_2",
                amount=self.amount(minor),
                now=self.now,
            )
        )

    async def reverse(self, of_key: str, *, key: str | None = None) -> bool:
        return await db.in_tx(
            lambda: ledger.reverse(
                self.merchant_id,
                of_key=of_key,
                key=key or self.new_key(),
                cause="reversal",
                now=self.now,
            )
        )

    async def balance(self) -> Balance:
        return await queries.balance(self.merchant_id, self.account, self.unit, self.now)

    async def lefts(self) -> list[int]:
        """What is left of each lot, in the order they are spent."""
        return [lot.left_minor for lot in await queries.lots_of(self.merchant_id, self.account, self.unit)]
