"""Each call to a provider is cut before and after its effect, and the process dies between any two steps: whoever asks
next goes on from there, the provider's own book says the same as ours, and nobody is charged twice."""

from __future__ import annotations

import pytest

from app.checkout import paying
from app.checkout.books import check_books
from app.checkout.states import SessionState
from app.kernel import db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.errors import ProviderUnreachable
from app.payments.queries import PaymentView, newest_payment_of_session
from app.payments.states import PaymentState
from tests.factories.checkout import Shopper, a_merchant, a_session, nobody_has_bought_before
from tests.factories.payments import (
    a_guest_at_provider,
    a_payment_in_session,
    as_it_is,
    asked,
    choose_paid,
    confirmed,
    doors_to,
    its_lease_ends,
)
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import aino_identified, in_wallet, money_of_aino
from tests.support.providers import Call, FakeProvider
from tests.support.transactions import Died

PRICE = 12_900
WALLET = 2_900


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await switched(await a_merchant())


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("mobilepay")


async def until_it_ends(payment: PaymentView, provider: FakeProvider) -> PaymentView:
    """The reconciler comes by again and again."""
    for _ in range(5):
        await its_lease_ends(payment)
        payment = await asked(payment, provider)
        if payment.has_ended:
            return payment
    return payment


# --- an answer is lost --------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_to_the_opening_is_unknown_and_found_again(
    merchant: Merchant, provider: FakeProvider, *, after: bool
) -> None:
    provider.cut("create", after=after)
    shopper, payment = await a_guest_at_provider(merchant, provider)
    assert payment.state is PaymentState.UNKNOWN
    assert (await shopper.flow()).state is SessionState.PROCESSING
    found = await asked(payment, provider)
    assert (found.state, found.url) == (PaymentState.PENDING, "https://provider.example/mobilepay-1")
    assert [effect for effect, _, _ in provider.effects] == ["create"]


@pytest.mark.parametrize("after", [False, True])
async def test_giving_up_what_nobody_knows_was_opened_lets_go_of_it(
    merchant: Merchant, provider: FakeProvider, *, after: bool
) -> None:
    provider.cut("create", after=after)
    shopper, payment = await a_guest_at_provider(merchant, provider)
    ended = await paying.give_up(payment.public_id, doors_to(provider))
    assert ended is not None
    assert ended.state is PaymentState.CANCELLED
    assert (await shopper.flow()).state is SessionState.OPEN
    assert await check_books() == []


async def test_giving_up_while_the_provider_stays_silent_asks_once(
    merchant: Merchant, provider: FakeProvider
) -> None:
    for _ in range(9):
        provider.cut("create", after=False)
    shopper, payment = await a_guest_at_provider(merchant, provider)
    asked_so_far = len(provider.asked)
    silent = await paying.give_up(payment.public_id, doors_to(provider))
    assert silent is not None
    assert silent.state is PaymentState.UNKNOWN
    assert len(provider.asked) == asked_so_far + 1
    assert (await shopper.flow()).state is SessionState.PROCESSING


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_to_the_capture_is_unknown_and_never_a_second_charge(
    merchant: Merchant, provider: FakeProvider, *, after: bool
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=after)
    unknown = await asked(payment, provider)
    assert unknown.state is PaymentState.UNKNOWN
    assert (await shopper.flow()).state is SessionState.PROCESSING
    assert await check_books() == []
    settled = await until_it_ends(payment, provider)
    assert settled.state is PaymentState.CAPTURED
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    assert [effect for effect, _, _ in provider.effects] == ["create", "capture"]
    assert await check_books() == []


async def test_giving_up_while_nobody_knows_pays_what_was_taken(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=True)
    await asked(payment, provider)
    await paying.give_up(payment.public_id, doors_to(provider))
    assert (await shopper.flow()).state is SessionState.CONFIRMED
    assert await check_books() == []


@pytest.mark.parametrize("after", [False, True])
async def test_a_lost_answer_to_letting_go_is_asked_for_again(
    merchant: Merchant, provider: FakeProvider, *, after: bool
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.cut("cancel", after=after)
    await paying.give_up(payment.public_id, doors_to(provider))
    assert (await as_it_is(payment)).state is PaymentState.CANCELLING
    assert (await shopper.flow()).state is SessionState.PROCESSING
    ended = await until_it_ends(payment, provider)
    assert ended.state is PaymentState.CANCELLED
    assert (await shopper.flow()).state is SessionState.OPEN
    assert await check_books() == []


async def test_a_provider_that_does_not_answer_is_asked_later_and_later(
    merchant: Merchant, provider: FakeProvider
) -> None:
    _, payment = await a_guest_at_provider(merchant, provider)
    waits = []
    for _ in range(4):
        provider.cut("get", after=False)
        before = await as_it_is(payment)
        after = await asked(payment, provider)
        assert after.state is PaymentState.PENDING
        assert before.next_check_at is not None
        assert after.next_check_at is not None
        waits.append(after.next_check_at - before.next_check_at)
    assert waits[1] < waits[2] < waits[3]


# --- the process dies ---------------------------------------------------------------------------------------


class Mortal:
    """The process dies at the n-th place where it could: before and after each COMMIT, and before and after the effect
    of each call to the provider. `passed` counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, provider: FakeProvider) -> None:
        self.passed = 0
        self.dies_at: int | None = None
        commit = db.Transaction._commit

        async def mortal_commit(transaction: db.Transaction) -> None:
            if self._here():
                await transaction._roll_back()
                raise Died("before a commit")
            await commit(transaction)
            self._pass("after a commit")

        async def at(call: str) -> None:
            self._pass(call)

        monkeypatch.setattr(db.Transaction, "_commit", mortal_commit)
        provider.pause = provider.paused_after = at

    def _here(self) -> bool:
        here = self.passed == self.dies_at
        self.passed += 1
        return here

    def _pass(self, where: str) -> None:
        if self._here():
            raise Died(where)


async def a_purchase_by_wallet_and_provider(merchant: Merchant, provider: FakeProvider) -> Shopper:
    """At step 3, with the wallet paying a part."""
    shopper = await aino_identified(merchant)
    await choose_paid(shopper, provider.method, WALLET)
    del merchant
    return shopper


async def confirm_and_pay(shopper: Shopper, provider: FakeProvider) -> None:
    """What the requests of one purchase do: confirm, open, come back and be asked about."""
    payment = await paying.open_at_provider(await confirmed(shopper), doors_to(provider))
    provider.approve(payment.provider_ref)
    await asked(payment, provider)


async def go_on(shopper: Shopper, provider: FakeProvider) -> None:
    """After the death: the shopper presses again where nothing was written, and the reconciler comes by."""
    flow = await shopper.flow()
    payment = await newest_payment_of_session(flow.merchant.id, flow.session_id)
    if payment is None:
        payment = await confirmed(shopper)
    await its_lease_ends(payment)
    payment = await asked(payment, provider)
    if payment.state is PaymentState.PENDING:
        provider.approve(payment.provider_ref)
    await until_it_ends(payment, provider)


# Every place where a purchase can die, told apart by the test below.
PLACES = 14


@pytest.mark.parametrize("first", range(0, PLACES, 5))
async def test_a_purchase_that_dies_between_any_two_steps_is_bought_once(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    customer = await money_of_aino(merchant, PLACES * WALLET)
    mortal = Mortal(monkeypatch, provider)
    for place in range(first, min(first + 5, PLACES)):
        await nobody_has_bought_before()
        shopper = await a_purchase_by_wallet_and_provider(merchant, provider)
        taken, left = provider.taken_minor(), (await in_wallet(merchant, customer)).total
        mortal.passed, mortal.dies_at = 0, place
        with pytest.raises(Died):
            await confirm_and_pay(shopper, provider)
        mortal.dies_at = None
        assert await check_books() == [], place
        await go_on(shopper, provider)
        assert (await shopper.flow()).state is SessionState.CONFIRMED, place
        assert provider.taken_minor() - taken == PRICE - WALLET, place
        assert left - (await in_wallet(merchant, customer)).total == WALLET, place
    assert await check_books() == []


async def test_every_place_of_a_purchase_was_died_at(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await money_of_aino(merchant, WALLET)
    shopper = await a_purchase_by_wallet_and_provider(merchant, provider)
    mortal = Mortal(monkeypatch, provider)
    await confirm_and_pay(shopper, provider)
    assert mortal.passed == PLACES


async def test_a_purchase_that_dies_while_it_is_given_up_ends_as_given_up(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    mortal = Mortal(monkeypatch, provider)
    place, died = 0, True
    while died:
        shopper, payment = await a_guest_at_provider(merchant, provider)
        mortal.passed, mortal.dies_at = 0, place
        try:
            await paying.give_up(payment.public_id, doors_to(provider))
            died = False
        except Died:
            mortal.dies_at = None
            ended = await until_it_ends(payment, provider)
            assert ended.state is PaymentState.CANCELLED, place
        mortal.dies_at = None
        place += 1
        del shopper
    assert place > 6
    assert provider.taken_minor() == 0
    assert await check_books() == []


# --- the fake provider keeps its own word -------------------------------------------------------------------


@pytest.mark.parametrize("call", ["create", "capture", "cancel", "refund"])
async def test_the_provider_of_these_tests_does_nothing_twice_under_one_key(
    merchant: Merchant, provider: FakeProvider, call: Call
) -> None:
    shopper = Shopper.at(await a_session(merchant))
    payment = await a_payment_in_session(shopper, provider)
    provider.approve(payment.provider_ref)
    assert payment.provider_ref is not None
    if call == "refund":
        await provider.capture(payment.provider_ref, payment.amount, key="taken")
    provider.cut(call, after=True)
    for _ in range(2):
        try:
            match call:
                case "capture":
                    await provider.capture(payment.provider_ref, payment.amount, key="k")
                case "cancel":
                    await provider.cancel(payment.provider_ref, key="k")
                case "refund":
                    await provider.refund(payment.provider_ref, payment.amount, key="k")
                case _:
                    await provider.create(provider.opened[payment.provider_ref])
        except ProviderUnreachable:
            continue
    assert [effect for effect, _, _ in provider.effects].count(call) == 1
