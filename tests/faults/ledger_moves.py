"""The ledger's own verbs, on points that are nobody's: what every move of the product is made of.

What is set aside always waits for a purchase or a payout, so holds die with those.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from app.kernel import clock, db, ids
from app.kernel.money import Points
from app.ledger import actions as ledger
from app.ledger.actions import NewLot
from app.ledger.rules import POINTS_ISSUED, Account, points_of
from app.merchants.queries import Merchant
from tests.faults.moves import Args, Move, merchant_id, transfers

START: Final = Points(1_000)
MOVED: Final = Points(400)
PART: Final = Points(399)


def _account(args: Args) -> Account:
    return points_of(args["customer"])


def _in_tx(verb: Callable[[Args, datetime], Awaitable[object]]) -> Callable[[Args], Awaitable[object]]:
    async def make(args: Args) -> object:
        now = await clock.business_now()
        return await db.in_tx(lambda: verb(args, now))

    return make


async def _put_points(
    args: Args, key: str, amount: Points, now: datetime, expires_at: datetime | None = None
) -> None:
    await ledger.put(
        merchant_id(args),
        key=key,
        cause="test",
        about=args["customer"],
        account=_account(args),
        against=POINTS_ISSUED,
        amount=amount,
        lot=NewLot(expires_at),
        now=now,
    )


@_in_tx
async def _put(args: Args, now: datetime) -> None:
    await _put_points(args, args["key"], MOVED, now)


@_in_tx
async def _take(args: Args, now: datetime) -> None:
    await ledger.take(
        merchant_id(args),
        key=args["key"],
        cause="test",
        about=args["customer"],
        account=_account(args),
        against=POINTS_ISSUED,
        amount=MOVED,
        now=now,
    )


@_in_tx
async def _restore(args: Args, now: datetime) -> None:
    await ledger.restore(
        merchant_id(args),
        of_key=args["of"],
        key=args["key"],
        cause="test",
        about=args["customer"],
        amount=PART,
        now=now,
    )


@_in_tx
async def _reverse(args: Args, now: datetime) -> None:
    await ledger.reverse(merchant_id(args), of_key=args["of"], key=args["key"], cause="test", now=now)


@_in_tx
async def _claw_back(args: Args, now: datetime) -> None:
    await ledger.claw_back(
        merchant_id(args),
        key=args["key"],
        cause="test",
        about=args["customer"],
        account=_account(args),
        against=POINTS_ISSUED,
        amount=Points(START.amount_minor + 1),
        now=now,
    )


async def _filled(merchant: Merchant, _person: int) -> Args:
    return await _filled_until(merchant, None)


async def _filled_until(merchant: Merchant, expires_at: datetime | None) -> Args:
    customer = ids.public_id("cus")
    args = {"merchant": str(merchant.id), "customer": customer, "key": f"move:{customer}"}
    now = await clock.business_now()
    await db.in_tx(lambda: _put_points(args, f"fill:{customer}", START, now, expires_at))
    return args


async def _taken(merchant: Merchant, person: int) -> Args:
    return await _taken_of(await _filled(merchant, person))


async def _taken_in_the_last_hour(merchant: Merchant, _person: int) -> Args:
    return await _taken_of(await _filled_until(merchant, await clock.business_now() + timedelta(hours=1)))


async def _taken_of(args: Args) -> Args:
    of_key = f"taken:{args['customer']}"
    await _take({**args, "key": of_key})
    return {**args, "of": of_key}


LEDGER_MOVES: Final[Mapping[str, Move]] = {
    "ledger: put": Move(_filled, _put, transfers),
    "ledger: take": Move(_filled, _take, transfers),
    "ledger: restore": Move(_taken, _restore, transfers),
    "ledger: restore what is nearly over": Move(_taken_in_the_last_hour, _restore, transfers),
    "ledger: reverse": Move(_taken, _reverse, transfers),
    "ledger: claw back into debt": Move(_filled, _claw_back, transfers),
}
