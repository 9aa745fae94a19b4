"""Purchases by card beside the provider's own book: whatever fails, dies or comes twice, both say the same at last."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Final, get_args

import pytest

from app.checkout import giving_back, paying
from app.checkout.books import check_books
from app.checkout.states import SessionState
from app.kernel import db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.ports import Callback, Standing
from app.payments.queries import PaymentView, refundings_of_payment
from app.payments.states import PaymentState, RefundingState
from app.supervisor.postgres import EmbeddedServer
from tests.factories.checkout import Shopper, a_merchant, a_session, nobody_has_bought_before
from tests.factories.invoices import drawn
from tests.factories.payments import as_it_is, choose_paid, confirmed, doors_to, its_lease_ends
from tests.factories.returns import refunded
from tests.faults.money import MoneyDeaths
from tests.faults.mortal import Nursery
from tests.faults.payment_moves import PAYMENT_MOVES, both_books_agree
from tests.support.providers import Call, FakeProvider

DEATHS: Final = 40
STORIES: Final = 16
STEPS: Final = 8
# More looks than any story needs; a payment that is still open then never ends.
LOOKS_MAX: Final = 30


@pytest.mark.timeout(600)
async def test_a_card_payment_killed_anywhere_is_taken_once_and_the_provider_says_the_same(
    postgres_server: EmbeddedServer,
    template_database: str,
    open_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with Nursery.opened() as nursery:
        deaths = MoneyDeaths(
            postgres_server, template_database, open_folder, nursery, random.Random(7), PAYMENT_MOVES
        )
        tally = await deaths.run(DEATHS)
    with capsys.disabled():
        print(f"\n{tally.table()}")
    assert tally.violations == []
    assert sum(tally.died.values()) == DEATHS
    for name, statements in tally.statements.items():
        assert {statements, statements + 1} <= tally.places[name], f"{name}: died around its COMMIT"


class Story:
    """One shopper, one payment, and what befalls it in an order that chance chooses."""

    def __init__(self, merchant: Merchant, provider: FakeProvider, rng: random.Random) -> None:
        self.merchant, self.provider, self.rng = merchant, provider, rng
        self.doors = doors_to(provider)

    async def begins(self) -> None:
        # They all buy the same within seconds, which is no fraud here.
        await nobody_has_bought_before()
        self.shopper = Shopper.at(await a_session(self.merchant))
        await choose_paid(self.shopper, self.provider.method)
        self.payment = await confirmed(self.shopper)
        self.perhaps_cut("create")
        await paying.open_at_provider(self.payment, self.doors)

    def perhaps_cut(self, call: Call) -> None:
        if self.rng.random() < 0.5:
            self.provider.cut(call, after=self.rng.random() < 0.5)

    @property
    def ref(self) -> str | None:
        """The provider's name for it, whether we have heard of it or not."""
        book = self.provider.book.items()
        return next((ref for ref, told in book if told.reference == self.payment.public_id), None)

    async def something_happens(self) -> None:
        ref = self.ref
        is_pending = ref is not None and self.provider.book[ref].standing is Standing.PENDING
        match self.rng.choice(
            ("approves", "declines", "looks", "looks", "is called", "gives up", "cut", "cut")
        ):
            case "approves" if is_pending:
                self.provider.approve(ref)
            case "declines" if is_pending and self.rng.random() < 0.3:
                self.provider.end(
                    ref, self.rng.choice((Standing.FAILED, Standing.EXPIRED, Standing.CANCELLED))
                )
            case "is called":
                # The same few calls, again and again, in any order.
                told = Callback(f"event-{self.rng.randrange(3)}", ref, self.payment.public_id)
                await paying.take_callback(self.provider.method, told)
                await paying.check(self.payment.public_id, self.doors)
            case "gives up" if self.rng.random() < 0.4:
                await paying.give_up(self.payment.public_id, self.doors)
            case "cut":
                self.perhaps_cut(self.rng.choice(get_args(Call)[:6]))
            case _:
                await self.is_asked_about()

    async def is_asked_about(self) -> PaymentView:
        await its_lease_ends(self.payment)
        await paying.check(self.payment.public_id, self.doors)
        return await as_it_is(self.payment)

    async def ends(self) -> PaymentView:
        """The reconciler comes by until there is an end; whoever is still on the page approves, or turns away."""
        for _ in range(LOOKS_MAX):
            payment = await self.is_asked_about()
            if payment.has_ended:
                return payment
            if payment.state is PaymentState.PENDING and self.ref is not None:
                if self.provider.book[self.ref].standing is Standing.PENDING and self.rng.random() < 0.5:
                    self.provider.approve(self.ref)
                else:
                    await paying.give_up(payment.public_id, self.doors)
        raise AssertionError(f"never ends: {await as_it_is(self.payment)}")

    async def goes_back(self, payment: PaymentView) -> None:
        """A part is given back, whatever is cut meanwhile."""
        await drawn(self.merchant, payment.order_public_id)
        await refunded(self.merchant, payment.order_public_id, self.rng.randrange(1, payment.amount_minor))
        for _ in range(LOOKS_MAX):
            [refund] = await refundings_of_payment(payment.merchant_id, payment.id)
            if refund.state is RefundingState.DONE:
                return
            self.perhaps_cut("refund")
            await db.execute_alone("UPDATE payment_refunds SET leased_until = NULL")
            await giving_back.give_back(refund.public_id, self.doors)
        raise AssertionError(f"never goes back: {payment.public_id}")


@pytest.mark.timeout(300)
async def test_whatever_befalls_payments_in_whatever_order_both_books_say_the_same(db: str) -> None:
    del db
    forget_kept_merchants()
    merchant, provider, ends = (
        await a_merchant(credit_limit_minor=10**9),
        FakeProvider("card"),
        Counter[str](),
    )
    for number in range(STORIES):
        story = Story(merchant, provider, random.Random(number))
        await story.begins()
        for _ in range(STEPS):
            await story.something_happens()
        payment = await story.ends()
        ends[payment.state] += 1
        session = (await story.shopper.flow()).state
        assert session is (
            SessionState.CONFIRMED if payment.state is PaymentState.CAPTURED else SessionState.OPEN
        )
        if payment.state is PaymentState.CAPTURED and story.rng.random() < 0.5:
            await story.goes_back(payment)
    assert await both_books_agree(merchant.id, provider)
    assert await check_books() == []
    taken = Counter(reference for call, reference, _ in provider.effects if call == "capture")
    assert set(taken.values()) == {1}, "nobody is charged twice"
    # Stories that all end alike would prove little.
    assert min(ends[PaymentState.CAPTURED], ends[PaymentState.CANCELLED]) >= 3, ends
