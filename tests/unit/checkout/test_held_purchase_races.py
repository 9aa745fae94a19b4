"""A held purchase has one end, whoever comes at the same moment, and wherever the process dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from app.cases.errors import CaseClosed
from app.cases.queries import CaseView, case_by_public_id
from app.cases.states import CaseState
from app.checkout import paying
from app.checkout.actions import (
    Details,
    approving,
    cancel_order,
    cancel_session,
    ending,
    expire_due,
    reviewing,
)
from app.checkout.books import check_books
from app.kernel import db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.orders.errors import OrderLocked
from app.payments.queries import PaymentView, newest_payment_of_session
from tests.factories.checkout import Shopper, a_merchant, a_session
from tests.factories.held_purchases import (
    HELD,
    TEST_MODE,
    a_held_purchase,
    a_held_purchase_by_wallet,
    answer,
    case_of,
    states,
    told,
)
from tests.factories.payments import asked, choose_paid, confirmed, doors_to, its_lease_ends
from tests.factories.wallets_in_flow import a_shop_with_wallets, in_wallet, money_of_aino
from tests.support.providers import FakeProvider
from tests.support.racing import Held, somebody_waits_for_a_lock
from tests.support.transactions import Died
from tests.support.waiting import until
from tests.unit.checkout.test_paying_cut import Mortal

pytestmark = pytest.mark.usefixtures("db")

PRICE: Final = 12_900


async def _cancels(shopper: Shopper, case: CaseView) -> object:
    flow = await shopper.flow()
    return await cancel_session(case.merchant_id, shopper.session, actor="shopper", now=flow.now)


async def _shop_cancels(shopper: Shopper, case: CaseView) -> None:
    flow = await shopper.flow()
    await cancel_order(case.merchant_id, case.order_public_id, actor="shop", now=flow.now)


async def _expires(shopper: Shopper, case: CaseView) -> object:
    del shopper
    return await expire_due(case.due_at)


async def _declines(shopper: Shopper, case: CaseView) -> None:
    await answer(shopper, case, "declined")


Other = Callable[[Shopper, CaseView], Awaitable[object]]
# Who comes at the same moment, where they stand in the middle of it, and how it ends when they are first.
OTHERS: Final = {
    "the shopper cancels": (_cancels, ending, "_end_case", "cancelled"),
    "the shop cancels": (_shop_cancels, ending, "_end_case", "cancelled"),
    "the time is over": (_expires, ending, "_end_case", "expired"),
    "somebody declines": (_declines, reviewing, "_decline", "declined"),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_the_approval_is_first_and_the_other_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    other = OTHERS[name][0]
    approval = Held(monkeypatch, approving, "purchase_in_tx")
    first = asyncio.create_task(answer(shopper, case))
    await approval.reached()
    second = asyncio.create_task(_outcome_of(other, shopper, case))
    await until(somebody_waits_for_a_lock)
    approval.let_go()
    await first
    told_of_it = await second
    assert told_of_it in (False, 0) or isinstance(told_of_it, CaseClosed | OrderLocked)
    assert await states(shopper) == ("confirmed", "paid")
    assert (await told(merchant)).count("review.resolved") == 1
    assert await check_books() == []


async def _outcome_of(other: Other, shopper: Shopper, case: CaseView) -> object:
    try:
        return await other(shopper, case)
    except (CaseClosed, OrderLocked) as refused:
        return refused


@pytest.mark.parametrize("name", OTHERS)
async def test_the_other_is_first_and_whoever_approves_is_told(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    other, place, where, end = OTHERS[name]
    middle = Held(monkeypatch, place, where)
    first = asyncio.create_task(_outcome_of(other, shopper, case))
    await middle.reached()
    second = asyncio.create_task(answer(shopper, case))
    await until(somebody_waits_for_a_lock)
    middle.let_go()
    await first
    with pytest.raises(CaseClosed) as refused:
        await second
    assert refused.value.state != CaseState.APPROVED
    assert (await states(shopper))[0] == end
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 0
    assert (await told(merchant)).count("review.resolved") == 1
    assert await check_books() == []


@pytest.mark.parametrize("name", OTHERS)
async def test_without_the_lock_nobody_waits_and_whoever_looked_first_loses(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the tests above, for each pair: the other goes past an approval that has looked already. What
    keeps money where it is then is the last guard alone, the case's own move."""
    shopper, case = await a_held_purchase(await a_merchant())
    other, _, _, end = OTHERS[name]

    async def read(merchant_id: object, public_id: str, *, lock: bool = False) -> CaseView | None:
        del lock, merchant_id
        return await case_by_public_id(case.merchant_id, public_id)

    monkeypatch.setattr(reviewing, "case_by_public_id", read)
    approval = Held(monkeypatch, reviewing, "approvable")
    first = asyncio.create_task(answer(shopper, case))
    await approval.reached()
    await other(shopper, case)
    assert (await states(shopper))[0] == end
    approval.let_go()
    with pytest.raises(CaseClosed):
        await first
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 0


async def test_two_approvals_at_once_buy_once() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    ends = await asyncio.gather(*(answer(shopper, case) for _ in range(3)), return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == ["CaseClosed", "CaseClosed", "NoneType"]
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 1
    assert await check_books() == []


# --- the process dies ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1])
async def test_an_approval_that_dies_is_not_carried_out_or_all_of_it_is(
    monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 20_000)
    shopper, case = await a_held_purchase_by_wallet(merchant)
    mortal = Mortal(monkeypatch, FakeProvider("card"))
    mortal.dies_at = place
    with pytest.raises(Died):
        await answer(shopper, case)
    mortal.dies_at = None
    if place == 0:
        assert await states(shopper) == ("held", "held")
        assert await check_books() == []
        await answer(shopper, case)
    else:
        with pytest.raises(CaseClosed):
            await answer(shopper, case)
    assert await states(shopper) == ("confirmed", "paid")
    assert (await in_wallet(merchant, customer)).total == 20_000 - PRICE
    assert await check_books() == []


# Every place from the look that finds the money authorised to the purchase where a payment that waits can die, told
# apart by the test below.
PLACES: Final = 14


@pytest.mark.parametrize("first", range(0, PLACES, 4))
async def test_a_payment_that_waits_and_dies_between_any_two_steps_is_taken_once(
    monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    forget_kept_merchants()
    merchant, provider = await a_merchant(), FakeProvider("card")
    mortal = Mortal(monkeypatch, provider)
    for place in range(first, min(first + 4, PLACES)):
        shopper, payment = await on_the_providers_page(merchant, provider)
        taken = provider.taken_minor()
        mortal.passed, mortal.dies_at = 0, place
        with pytest.raises(Died):
            await waits_and_is_taken(shopper, payment, provider)
        mortal.dies_at = None
        await go_on(shopper, payment, provider)
        assert await states(shopper) == ("confirmed", "paid"), place
        assert provider.taken_minor() - taken == PRICE, place
    assert await check_books() == []


async def test_those_are_all_the_places(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_kept_merchants()
    provider = FakeProvider("card")
    shopper, payment = await on_the_providers_page(await a_merchant(), provider)
    mortal = Mortal(monkeypatch, provider)
    await waits_and_is_taken(shopper, payment, provider)
    assert mortal.passed == PLACES


async def on_the_providers_page(merchant: Merchant, provider: FakeProvider) -> tuple[Shopper, PaymentView]:
    """The shopper has paid there, and nobody here has heard of it yet."""
    shopper = Shopper.at(await a_session(merchant))
    await choose_paid(shopper)
    begun = await confirmed(shopper, details=Details(name="Aino Virta", email=HELD), press=TEST_MODE)
    payment = await paying.open_at_provider(begun, doors_to(provider))
    provider.approve(payment.provider_ref)
    return shopper, payment


async def waits_and_is_taken(shopper: Shopper, payment: PaymentView, provider: FakeProvider) -> None:
    """It is found authorised, a person approves it, and it is taken."""
    await asked(payment, provider)
    await answer(shopper, await case_of(shopper))
    await asked(payment, provider)


async def go_on(shopper: Shopper, payment: PaymentView, provider: FakeProvider) -> None:
    """After the death: the reconciler comes by, and the person answers what has no answer yet."""
    await its_lease_ends(payment)
    await asked(payment, provider)
    case = await case_of(shopper)
    if case.state is CaseState.OPEN:
        await answer(shopper, case)
    for _ in range(3):
        await its_lease_ends(payment)
        await asked(payment, provider)
    found = await newest_payment_of_session(case.merchant_id, case.session_id)
    assert found is not None
    assert found.has_ended
