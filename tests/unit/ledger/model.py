"""A purse as plain Python: what the ledger must be like, said a second time and as simply as can be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.ledger.actions import ClawedBack
from app.ledger.errors import (
    AlreadyReversed,
    HoldEnded,
    InsufficientFunds,
    MoreThanTaken,
    NotReversible,
)
from app.ledger.lots import BACK_LASTS_MIN
from app.ledger.queries import Balance

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Lot:
    number: int
    left: int
    about: str
    born: datetime
    usable_from: datetime | None
    expires_at: datetime | None
    held: int = 0

    @property
    def free(self) -> int:
        return self.left - self.held

    def order(self) -> tuple[datetime, datetime, int]:
        return self.expires_at or NEVER, self.born, self.number

    def over(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def pending(self, now: datetime) -> bool:
        return self.usable_from is not None and now < self.usable_from


@dataclass
class Hold:
    parts: list[tuple[Lot, int]]
    expires_at: datetime
    state: str = "pending"

    @property
    def amount(self) -> int:
        return sum(amount for _, amount in self.parts)


@dataclass
class Transfer:
    """What a transfer did to lots and to the debt, and what came of it since."""

    parts: list[tuple[Lot, int]]
    debt: int = 0
    restored: int = 0
    reversed: bool = False
    takes_back: bool = False
    back: dict[int, int] = field(default_factory=dict)


@dataclass
class Model:
    is_points: bool
    now: datetime
    lots: list[Lot] = field(default_factory=list)
    debt: int = 0

    def usable(self) -> list[Lot]:
        found = [
            lot for lot in self.lots if lot.free and not lot.over(self.now) and not lot.pending(self.now)
        ]
        return sorted(found, key=Lot.order)

    def balance(self) -> Balance:
        return Balance(
            total=sum(lot.left for lot in self.lots) - self.debt,
            available=max(0, sum(lot.free for lot in self.usable()) - self.debt),
            held=sum(lot.held for lot in self.lots),
            pending=sum(lot.free for lot in self.lots if lot.pending(self.now)),
            debt=self.debt,
        )

    def lefts(self) -> list[int]:
        return [lot.left for lot in sorted(self.lots, key=Lot.order) if lot.left]

    def put(self, minor: int, about: str, wait: timedelta | None, life: timedelta | None) -> Transfer:
        settled = min(self.debt, minor)
        lot = Lot(
            number=len(self.lots),
            left=minor - settled,
            about=about,
            born=self.now,
            usable_from=None if wait is None else self.now + wait,
            expires_at=None if life is None else self.now + life,
        )
        self.lots.append(lot)
        self.debt -= settled
        return Transfer([(lot, minor - settled)], debt=-settled)

    def _parts(self, lots: list[Lot], minor: int) -> list[tuple[Lot, int]]:
        parts = []
        for lot in lots:
            part = min(lot.free, minor)
            minor -= part
            if part:
                parts.append((lot, part))
        return parts

    def _payable(self, minor: int) -> list[tuple[Lot, int]]:
        available = self.balance().available
        if available < minor:
            raise InsufficientFunds(available, minor)
        return self._parts(self.usable(), minor)

    def take(self, minor: int) -> Transfer:
        return self._took(self._payable(minor))

    @staticmethod
    def _took(parts: list[tuple[Lot, int]], debt: int = 0) -> Transfer:
        for lot, part in parts:
            lot.left -= part
        return Transfer([(lot, -part) for lot, part in parts], debt=debt)

    def hold(self, minor: int, span: timedelta) -> Hold:
        parts = self._payable(minor)
        for lot, part in parts:
            lot.held += part
        return Hold(parts, self.now + span)

    def capture(self, hold: Hold, minor: int) -> Transfer:
        if hold.state != "pending" or hold.expires_at <= self.now:
            raise HoldEnded("")
        self._let_go(hold, "captured")
        taken = []
        for lot, held in sorted(hold.parts, key=lambda part: part[0].order()):
            part = min(held, minor)
            minor -= part
            if part:
                taken.append((lot, part))
        return self._took(taken)

    def release(self, hold: Hold) -> bool:
        if hold.state != "pending":
            return False
        self._let_go(hold, "released")
        return True

    @staticmethod
    def _let_go(hold: Hold, state: str) -> None:
        for lot, part in hold.parts:
            lot.held -= part
        hold.state = state

    def claw_back(self, minor: int, first_about: str | None) -> tuple[ClawedBack, Transfer]:
        living = [lot for lot in self.lots if not lot.over(self.now)]
        living.sort(key=lambda lot: (lot.about != first_about, lot.order()))
        parts = self._parts(living, minor)
        taken = sum(part for _, part in parts)
        debt = minor - taken if self.is_points else 0
        self.debt += debt
        return ClawedBack(taken, debt), self._took(parts, debt)

    def restore(self, of: Transfer, minor: int) -> Transfer:
        missing = [(lot, -part - of.back.get(lot.number, 0)) for lot, part in of.parts]
        if of.reversed:
            missing = []
        missing.sort(key=lambda part: part[0].order(), reverse=True)
        left = sum(part for _, part in missing)
        if left < minor:
            raise MoreThanTaken(left, minor)
        settle = min(self.debt, minor)
        self.debt -= settle
        for lot, part in missing:
            given = min(part, minor)
            minor -= given
            kept = min(given, settle)
            settle -= kept
            of.back[lot.number] = of.back.get(lot.number, 0) + given
            if given > kept:
                self._give_back(lot, given - kept)
        of.restored += 1
        return Transfer([], takes_back=True)

    def _give_back(self, lot: Lot, minor: int) -> None:
        ends = self.now + BACK_LASTS_MIN
        if lot.expires_at is not None and lot.expires_at < ends:
            lot = Lot(len(self.lots), 0, lot.about, self.now, None, ends)
            self.lots.append(lot)
        lot.left += minor

    def reverse(self, of: Transfer) -> Transfer:
        if of.takes_back:
            raise NotReversible
        if of.reversed:
            raise AlreadyReversed
        if of.restored:
            raise NotReversible
        for lot, change in of.parts:
            if change > 0 and lot.free < change:
                raise InsufficientFunds(lot.free, change)
        if self.debt - of.debt < 0:
            raise NotReversible
        for lot, change in of.parts:
            lot.left -= change
        self.debt -= of.debt
        of.reversed = True
        return Transfer([], takes_back=True)

    def lapse(self) -> int:
        lapsed = [lot for lot in self.lots if lot.over(self.now) and lot.free]
        for lot in lapsed:
            lot.left -= lot.free
        return len(lapsed)

    def end_holds(self, holds: list[Hold]) -> int:
        due = [hold for hold in holds if hold.state == "pending" and hold.expires_at <= self.now]
        for hold in due:
            self._let_go(hold, "expired")
        return len(due)
