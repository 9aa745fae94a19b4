"""Plans and subscriptions, and the days that pass, as a test would say them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Generic, TypeVar

from app import reactions
from app.checkout import exchanging, paying, renewals
from app.checkout.paying import PaymentDoors
from app.kernel import clock, db, ids, outbox
from app.kernel.jobs import Done, Handler, Now, Outcome
from app.kernel.outbox import Job
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.payments.actions import FORGET_JOB
from app.payments.jobs import tell_forgotten
from app.payments.ports import PaymentProvider, Standing
from app.subscriptions import actions, jobs
from app.subscriptions.actions import make_plan, offer_in_tx, plan_to_offer
from app.subscriptions.queries import SubscriptionView, periods_of, subscription_of
from app.subscriptions.rules import Terms
from app.worker import Worker
from tests.factories.checkout import PHONE, Shopper, a_known_person, a_session
from tests.factories.payments import asked, choose_paid, confirmed, doors_to
from tests.support.providers import FakeProvider

MONTHLY: Final = Terms({"en": "Coffee", "fi": "Kahvi"}, "fi", "EUR", 19_90, Decimal(14), "month", 1)
YEARLY: Final = replace(MONTHLY, every=12, amount_minor=199_00)
TRIAL: Final = replace(MONTHLY, trial_days=14, trial_minor=1_00)
P = TypeVar("P", bound=PaymentProvider)
STAFF: Final = "staff:usr_test"


async def a_plan(merchant: Merchant, terms: Terms = MONTHLY) -> str:
    now = await clock.business_now()
    return await make_plan(merchant, terms, form_key=ids.internal_id(), actor=STAFF, now=now)


async def a_subscription(
    merchant: Merchant,
    provider: FakeProvider,
    terms: Terms = MONTHLY,
    *,
    plan: str | None = None,
    by_invoice: bool = False,
    phone: str = PHONE,
) -> SubscriptionView:
    """Somebody bought a plan: by a card that is kept for later charges, or on invoice."""
    if await clock.read_offset_s() == 0:
        # Whatever the hour of the run, it is noon in the shop, and no midnight comes between two lines of a test.
        await _set(datetime.combine(clock.wall().date() + timedelta(days=1), NOON, tzinfo=UTC))
    offered = await plan_to_offer(merchant.id, plan or await a_plan(merchant, terms))
    await a_known_person(phone, subject=phone)
    line = Line("item", offered.terms.name("en"), 1, offered.terms.first_minor, offered.terms.vat_percent)
    shopper = Shopper.at(await a_session(merchant, line))
    flow = await shopper.flow()
    await db.in_tx(lambda: offer_in_tx(merchant.id, flow.order_id, offered))
    if by_invoice:
        await shopper.choose()
        await shopper.type_code(await shopper.ask_code(phone))
        await shopper.be_decided()
        await shopper.confirm()
    else:
        await choose_paid(shopper, provider.method)
        await shopper.type_code(await shopper.ask_code(phone))
        payment = await paying.open_at_provider(await confirmed(shopper, is_saving=True), doors_to(provider))
        provider.approve(payment.provider_ref)
        await asked(payment, provider)
    await Days(provider).work()
    found = await db.fetch_value(
        "SELECT public_id FROM subscriptions WHERE merchant_id = $1 AND order_id = $2",
        merchant.id,
        flow.order_id,
    )
    assert isinstance(found, str), "the paid order began it"
    return await again(merchant, found)


async def again(merchant: Merchant, sub: SubscriptionView | str) -> SubscriptionView:
    """As it is now."""
    found = await subscription_of(merchant.id, sub if isinstance(sub, str) else sub.public_id)
    assert found is not None
    return found


async def paid_periods(merchant: Merchant, sub: SubscriptionView) -> list[tuple[date, date, int]]:
    """What was paid for, oldest first: from, to, and the sum."""
    found = await periods_of(merchant.id, sub.id)
    return [
        (each.starts_on, each.ends_on, each.amount.amount_minor) for each in reversed(found) if each.paid_at
    ]


@dataclass
class Passing(Generic[P]):
    """The worker of these tests, with one provider behind it, and the sandbox's clock."""

    provider: P

    def worker(self) -> Worker:
        doors = PaymentDoors({self.provider.method: self.provider}, "http://localhost:9")

        async def leave(job: Job) -> Outcome:
            del job
            return Done("not in this test")

        async def look(now: Now) -> int:
            return await paying.reconcile_due(now)

        async def look_at_exchanges(now: Now) -> int:
            return await exchanging.reconcile_due(now)

        async def advance(now: Now) -> int:
            return await actions.advance_due(now.business, 100)

        async def remind(now: Now) -> int:
            return await actions.remind_due(now.business, 100)

        handlers: dict[str, Handler] = dict.fromkeys(_OTHERS, leave) | {
            outbox.EVENT_KIND: reactions.react,
            actions.BEGIN_JOB: jobs.begin,
            actions.CHARGE_JOB: lambda job: renewals.charge(job, doors),
            actions.EXCHANGE_JOB: lambda job: exchanging.look(job, doors),
            paying.CHECK_JOB: lambda job: paying.look(job, doors),
            FORGET_JOB: lambda job: tell_forgotten(job, doors.providers),
        }
        return Worker(handlers, (look, look_at_exchanges, advance, remind))

    async def work(self) -> None:
        """Do all that is due."""
        await self.worker().run_once()

    async def go_to(self, day: date) -> None:
        """Noon of a day, with all that falls due on the way there done on its own day."""
        while True:
            now = await clock.business_now()
            noon = datetime.combine(day, NOON, tzinfo=UTC)
            if now >= noon:
                break
            due = await db.fetch_value(_NEXT_DUE, now)
            await _set(noon if due is None else min(noon, datetime.combine(due, NOON, tzinfo=UTC)))
            await self.work()

    async def pass_(self, days: int) -> None:
        await self.go_to((await clock.business_now()).date() + timedelta(days=days))


class Days(Passing[FakeProvider]):
    """Days with a provider that does as the test says."""

    def declines(self, reason: str | None = "insufficient_funds") -> None:
        """Later charges fail from now on; with None they go through again."""
        self.provider.charges_fail_with = reason

    @property
    def charged(self) -> list[int]:
        """Every later charge that was taken, in the provider's own book."""
        return [
            each.captured_minor
            for each in self.provider.book.values()
            if each.standing is Standing.AUTHORISED and each.reference not in self._opened
        ]

    @property
    def _opened(self) -> set[str]:
        return {new.reference for new in self.provider.opened.values()}


NOON: Final = time(12)
_NEXT_DUE: Final = """
SELECT min(day) FROM (SELECT (due_at AT TIME ZONE 'UTC')::date AS day FROM subscriptions
                      UNION ALL SELECT (remind_at AT TIME ZONE 'UTC')::date FROM subscriptions) due
WHERE day > ($1::timestamptz AT TIME ZONE 'UTC')::date
"""
_OTHERS: Final = (
    "mail",
    "invoice",
    "agreement",
    "subscription_mail",
    "webhook",
    "earn_points",
    "take_back_points",
)


async def _set(now: datetime) -> None:
    offset_s = round((now - clock.wall()).total_seconds())
    await db.in_tx(lambda: clock.set_offset_s(offset_s))
