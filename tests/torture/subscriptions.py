"""A year of subscriptions by the sandbox's clock: declines, lost answers, a pause, a price that rises, a cancellation.

python -m tests.torture.subscriptions [--days 400] [--seed 1]

Each plays a part of its own. Every day the clock comes to noon, a provider that sometimes declines or whose answer is
sometimes lost is asked for what falls due, and at the end the provider's own book, ours and the periods must say the
same. Prints a table; returns 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.keys import Keyring, use_keyring
from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.subscriptions import actions
from app.subscriptions.queries import SubscriptionView
from app.subscriptions.states import SubscriptionState
from tests.factories.checkout import a_merchant
from tests.factories.subscriptions import (
    MONTHLY,
    STAFF,
    TRIAL,
    YEARLY,
    Days,
    a_plan,
    a_subscription,
    again,
    paid_periods,
)
from tests.support import database
from tests.support.providers import FakeProvider

SHOPPER: Final = "shopper"
# Of a hundred days with something due: how many the provider declines on, and on how many its answer is lost.
DECLINES: Final = 20
LOST: Final = 10
DEARER: Final = Money(24_90, "EUR")


@dataclass(frozen=True, slots=True)
class Lived:
    """What became of one. Sums are minor units; `faults` are empty where all is as it should be."""

    part: str
    state: str
    periods: int
    paid_minor: int
    refusals: int
    faults: tuple[str, ...]


async def a_year(days: int, seed: int) -> tuple[list[Lived], list[str]]:
    """Live it. Answers what became of each, and what does not hold of the books."""
    chance = random.Random(seed)
    merchant, provider = await a_merchant(credit_limit_minor=10_000_000), FakeProvider()
    clockwork = Days(provider)
    parts = await _begin(merchant, provider)
    began = (await clock.business_now()).date()
    for day in range(1, days + 1):
        _weather(clockwork, provider, chance)
        await clockwork.go_to(began + timedelta(days=day))
        await _look_again()
        await _plays(merchant, parts, day)
    clockwork.declines(None)
    await _look_again()
    await clockwork.work()
    lived = [await _lived(merchant, part, sub) for part, sub in parts.items()]
    books = [f"{found.invariant}: {found.where}" for found in await check_books()]
    return lived, books + await _same_book(provider)


async def _begin(merchant: Merchant, provider: FakeProvider) -> dict[str, SubscriptionView]:
    """One for each part; the prices rise on a plan that two of them share."""
    shared = await a_plan(merchant)
    wanted = {
        "monthly, says yes": {"plan": shared},
        "monthly, says nothing": {"plan": shared},
        "pauses": {"terms": MONTHLY},
        "cancels": {"terms": replace(MONTHLY, notice_days=14)},
        "changes its mind": {"terms": MONTHLY},
        "trial": {"terms": TRIAL},
        "yearly": {"terms": YEARLY},
        "every two weeks": {"terms": replace(MONTHLY, unit="week", every=2, amount_minor=9_90)},
        "on invoice": {"terms": MONTHLY, "by_invoice": True},
    }
    parts = {}
    for number, (part, how) in enumerate(wanted.items()):
        phone = f"+3584800002{number:02d}"
        parts[part] = await a_subscription(merchant, provider, phone=phone, **how)  # type: ignore[arg-type]
    return parts


def _weather(clockwork: Days, provider: FakeProvider, chance: random.Random) -> None:
    roll = chance.randrange(100)
    clockwork.declines("insufficient_funds" if roll < DECLINES else None)
    if DECLINES <= roll < DECLINES + LOST:
        provider.cut("charge", after=chance.random() < 0.5)


async def _look_again() -> None:
    """Time has passed on the wall as well: what nobody knows of is asked after."""
    await db.execute_alone(
        "UPDATE payments SET next_check_at = now() - interval '1 s', leased_until = NULL WHERE ended_at IS NULL"
    )


async def _plays(merchant: Merchant, parts: dict[str, SubscriptionView], day: int) -> None:
    """What people do on a day of the year."""
    now = await clock.business_now()

    def public_id(part: str) -> str:
        return parts[part].public_id

    if day == 40:
        today = merchant.local_date(now)
        sub = await again(merchant, parts["pauses"])
        if sub.state is SubscriptionState.ACTIVE:
            await actions.pause(
                merchant, sub.public_id, until=today + timedelta(days=50), actor=SHOPPER, now=now
            )
    if day == 100:
        plan = parts["monthly, says yes"].plan_public_id
        dearer = replace(MONTHLY, amount_minor=DEARER.amount_minor)
        await actions.change_plan_terms(merchant, plan, dearer, version=1, actor=STAFF, now=now)
        await actions.ask_price(merchant, plan, actor=STAFF, now=now)
    if day == 105 and (await again(merchant, parts["monthly, says yes"])).asked is not None:
        await actions.accept_price(merchant, public_id("monthly, says yes"), price=DEARER, now=now)
    if day == 200:
        await actions.cancel(merchant, public_id("cancels"), actor=SHOPPER, now=now)
    if day == 250:
        await actions.cancel(merchant, public_id("changes its mind"), actor=SHOPPER, now=now)
    if day == 251:
        sub = await again(merchant, parts["changes its mind"])
        if sub.state is SubscriptionState.CANCELLING:
            await actions.keep(merchant, sub.public_id, actor=SHOPPER, now=now)


async def _lived(merchant: Merchant, part: str, before: SubscriptionView) -> Lived:
    sub = await again(merchant, before)
    paid = await paid_periods(merchant, sub)
    refusals = await db.fetch_value(
        """SELECT count(*) FROM payments y JOIN subscription_periods d
               ON d.merchant_id = y.merchant_id AND d.order_id = y.order_id
           WHERE d.subscription_id = $1 AND y.kind = 'charge' AND y.state = 'failed'""",
        sub.id,
    )
    amounts = {amount for _, _, amount in paid}
    faults = [f"{start} twice" for start in _twice([start for start, _, _ in paid])]
    if part == "monthly, says nothing" and amounts != {19_90}:
        faults.append("a price that nobody said yes to")
    if part == "monthly, says yes" and sub.state is not SubscriptionState.ENDED and amounts != {19_90, 24_90}:
        faults.append("the price that was said yes to was never asked")
    if part == "cancels" and sub.state is not SubscriptionState.ENDED:
        faults.append("it goes on after its end")
    if sub.ended_on is not None and any(start >= sub.ended_on for start, _, _ in paid):
        faults.append("paid for after its end")
    return Lived(
        part, sub.state.value, len(paid), sum(amount for _, _, amount in paid), refusals, tuple(faults)
    )


def _twice(days: list[date]) -> list[date]:
    return sorted({day for day in days if days.count(day) > 1})


async def _same_book(provider: FakeProvider) -> list[str]:
    """What the provider took, by its own book, is what our payments say."""
    ours = await db.fetch_value("SELECT coalesce(sum(captured_minor), 0)::bigint FROM payments")
    theirs = provider.taken_minor()
    references = [each.reference for each in provider.book.values() if each.captured_minor]
    faults = [] if ours == theirs else [f"we say {ours}, the provider says {theirs}"]
    if len(references) != len(set(references)):
        faults.append("a payment was taken twice")
    return faults


async def _run(days: int, seed: int) -> tuple[list[Lived], list[str]]:
    with database.test_server() as server:
        template = await database.migrated_template(server)
        async with database.clone(server, template) as url:
            use_keyring(Keyring({"torture": bytes(range(32))}))
            await db.start_pool(url)
            try:
                return await a_year(days, seed)
            finally:
                await db.close_pool()


def table(lived: list[Lived]) -> str:
    """As it stands in docs/torture.md."""
    rows = [
        "| part | at the end | periods paid | paid | declined tries | faults |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    rows += [
        f"| {each.part} | {each.state} | {each.periods} | {each.paid_minor / 100:.2f} | {each.refusals}"
        f" | {len(each.faults)} |"
        for each in lived
    ]
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="subscriptions", description="Live a year of subscriptions.")
    parser.add_argument("--days", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    lived, books = asyncio.run(_run(given.days, given.seed))
    print(table(lived))
    faults = [f"{each.part}: {fault}" for each in lived for fault in each.faults] + books
    print(f"\n{given.days} days, seed {given.seed}: {len(faults)} faults")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
