"""Card and MobilePay of a purchase that a person looks at: authorised, kept, and taken or let go in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.cases.money import money_waiting
from app.cases.states import CaseState
from app.checkout import paying
from app.checkout.actions import Details, cancel_order, cancel_session, expire_due
from app.checkout.books import check_books
from app.checkout.errors import ApprovalImpossible, PurchaseDeclined
from app.kernel import clock, db
from app.kernel.jobs import Now
from app.kernel.outbox import claim
from app.merchants.queries import Merchant, forget_kept_merchants
from app.payments.ports import ProviderMethod, Standing
from app.payments.queries import PaymentView
from app.payments.states import PaymentState
from tests.factories.checkout import Shopper, a_merchant, a_session
from tests.factories.held_purchases import HELD, STOPPED, TEST_MODE, answer, case_of, states, told
from tests.factories.payments import a_guest_at_provider, as_it_is, asked, choose_paid, confirmed, doors_to
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import aino_identified, in_wallet, money_of_aino
from tests.support.providers import FakeProvider

PRICE = 12_900


@pytest.fixture
async def merchant(db: str) -> Merchant:
    forget_kept_merchants()
    return await switched(await a_merchant())


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def at_provider(
    merchant: Merchant, provider: FakeProvider, email: str = HELD
) -> tuple[Shopper, PaymentView]:
    """A guest whose purchase a person will look at, on the provider's page."""
    shopper = Shopper.at(await a_session(merchant))
    return shopper, await goes_to_provider(shopper, provider, email)


async def goes_to_provider(
    shopper: Shopper, provider: FakeProvider, email: str = HELD, wallet_minor: int = 0
) -> PaymentView:
    await choose_paid(shopper, provider.method, wallet_minor)
    begun = await confirmed(shopper, details=Details(name="Aino Virta", email=email), press=TEST_MODE)
    return await paying.open_at_provider(begun, doors_to(provider))


async def authorised(merchant: Merchant, provider: FakeProvider) -> tuple[Shopper, PaymentView]:
    shopper, payment = await at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    return shopper, await asked(payment, provider)


async def workers_look(provider: FakeProvider) -> None:
    """What a worker was asked to look at, it looks at."""
    for job in await claim(10, 30, now=await clock.business_now()):
        if job.kind == paying.CHECK_JOB:
            await paying.look(job, doors_to(provider))


@pytest.mark.parametrize("method", ["card", "mobilepay"])
async def test_the_money_is_authorised_first_and_then_the_purchase_waits(
    merchant: Merchant, method: ProviderMethod
) -> None:
    provider = FakeProvider(method)
    shopper, payment = await at_provider(merchant, provider)
    assert payment.url is not None
    assert await states(shopper) == ("processing", "in_payment")
    assert await told(merchant) == []
    provider.approve(payment.provider_ref)
    held = await asked(payment, provider)
    assert held.state is PaymentState.AUTHORISED
    assert await states(shopper) == ("held", "held")
    case = await case_of(shopper)
    assert (case.kind, case.amount_minor, case.email, case.lang) == ("risk", PRICE, HELD, "en")
    assert provider.taken_minor() == 0
    assert await told(merchant) == ["session.held"]
    assert await check_books() == []


async def test_however_often_somebody_asks_meanwhile_nothing_is_taken(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await authorised(merchant, provider)
    for hours in (1, 24, 48):
        await paying.reconcile_due(Now(await clock.business_now(), clock.wall() + timedelta(hours=hours)))
        await asked(payment, provider)
    assert await states(shopper) == ("held", "held")
    assert (await as_it_is(payment)).state is PaymentState.AUTHORISED
    assert provider.effects == [("create", payment.public_id, PRICE)]


async def test_approved_the_money_is_taken_and_the_purchase_is_made(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, _ = await authorised(merchant, provider)
    await answer(shopper, await case_of(shopper))
    assert await states(shopper) == ("processing", "in_payment")
    assert await check_books() == []
    await workers_look(provider)
    assert await states(shopper) == ("confirmed", "paid")
    assert provider.taken_minor() == PRICE
    assert (await shopper.flow()).contact.email == HELD
    assert await told(merchant) == ["session.held", "review.resolved", "session.confirmed", "order.paid"]
    assert await check_books() == []


@pytest.mark.parametrize("end", ["declined", "cancelled", "order cancelled", "expired"])
async def test_with_every_other_end_the_money_is_let_go_at_once(
    merchant: Merchant, provider: FakeProvider, end: str
) -> None:
    shopper, payment = await authorised(merchant, provider)
    flow, case = await shopper.flow(), await case_of(shopper)
    if end == "declined":
        await answer(shopper, case, "declined")
    elif end == "cancelled":
        await cancel_session(merchant.id, shopper.session, actor="shopper", now=flow.now)
    elif end == "order cancelled":
        await cancel_order(merchant.id, flow.order_public_id, actor="shop", now=flow.now)
    else:
        await expire_due(case.due_at)
    assert await check_books() == []
    await workers_look(provider)
    assert (await as_it_is(payment)).state is PaymentState.CANCELLED
    assert provider.effects[-1] == ("cancel", payment.public_id, PRICE)
    assert provider.taken_minor() == 0
    assert (await states(shopper))[0] == end.removeprefix("order ")
    assert await check_books() == []


async def test_a_worker_that_finds_somebody_else_at_the_payment_is_followed_by_the_reconciler(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await authorised(merchant, provider)
    await answer(shopper, await case_of(shopper), "declined")
    await db.execute_alone(
        "UPDATE payments SET leased_until = $2 WHERE public_id = $1",
        payment.public_id,
        clock.wall() + timedelta(minutes=1),
    )
    await workers_look(provider)
    assert (await as_it_is(payment)).state is PaymentState.AUTHORISED
    later = clock.wall() + timedelta(minutes=2)
    await db.execute_alone("UPDATE payments SET leased_until = NULL")
    await paying.reconcile_due(Now(await clock.business_now(), later))
    await workers_look(provider)
    assert (await as_it_is(payment)).state is PaymentState.CANCELLED


async def test_what_is_declined_at_the_press_no_provider_hears_of(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper = Shopper.at(await a_session(merchant))
    with pytest.raises(PurchaseDeclined):
        await goes_to_provider(shopper, provider, STOPPED)
    assert await states(shopper) == ("declined", "cancelled")
    assert await told(merchant) == ["session.declined"]
    assert await db.fetch_value("SELECT count(*) FROM payments") == 0
    assert provider.asked == []
    assert await check_books() == []


async def test_who_turned_away_and_chose_anew_is_looked_at_anew(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await at_provider(merchant, provider)
    await paying.give_up(payment.public_id, doors_to(provider))
    assert await states(shopper) == ("open", "in_payment")
    second = await goes_to_provider(shopper, provider, "aino@example.test")
    provider.approve(second.provider_ref)
    await asked(second, provider)
    assert await states(shopper) == ("confirmed", "paid")


async def test_who_gives_up_too_late_waits_for_the_person_and_is_not_charged(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await paying.give_up(payment.public_id, doors_to(provider))
    assert await states(shopper) == ("held", "held")
    assert provider.taken_minor() == 0


@pytest.mark.parametrize("standing", [Standing.EXPIRED, Standing.CANCELLED, Standing.FAILED])
async def test_money_that_the_provider_lets_go_of_meanwhile_opens_the_session_again(
    merchant: Merchant, provider: FakeProvider, standing: Standing
) -> None:
    shopper, payment = await authorised(merchant, provider)
    case = await case_of(shopper)
    provider.end(payment.provider_ref, standing)
    await asked(payment, provider)
    assert await states(shopper) == ("open", "in_payment")
    assert (await shopper.flow()).payment_failure is not None
    assert (await case_of(shopper)).state is CaseState.WITHDRAWN
    assert await told(merchant) == ["session.held", "review.resolved"]
    assert case.public_id == (await case_of(shopper)).public_id
    assert await check_books() == []


async def test_what_is_not_authorised_any_more_is_not_approved(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await authorised(merchant, provider)
    await db.execute_alone("UPDATE payments SET state = 'cancelling' WHERE id = $1", payment.id)
    with pytest.raises(ApprovalImpossible) as refused:
        await answer(shopper, await case_of(shopper))
    assert refused.value.reason == "payment_ended"
    assert await states(shopper) == ("held", "held")


async def test_money_that_was_taken_elsewhere_meanwhile_buys_nothing_unseen(
    merchant: Merchant, provider: FakeProvider
) -> None:
    """Somebody took it on the provider's own pages: it still waits for the person, who decides what it pays."""
    shopper, payment = await authorised(merchant, provider)
    provider.captured(payment.provider_ref, PRICE)
    await asked(payment, provider)
    assert await states(shopper) == ("held", "held")
    await answer(shopper, await case_of(shopper), "declined")
    await workers_look(provider)
    [late] = await money_waiting(merchant.id)
    assert late.amount_minor == PRICE
    assert await check_books() == []


async def test_a_capture_that_is_refused_after_the_approval_leads_back_to_the_ways_to_pay(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, _ = await authorised(merchant, provider)
    await answer(shopper, await case_of(shopper))
    provider.refuse("capture")
    provider.refuse("capture")
    await workers_look(provider)
    assert await states(shopper) == ("open", "in_payment")
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_the_wallets_part_waits_beside_the_card_and_pays_with_it(
    merchant: Merchant, provider: FakeProvider
) -> None:
    customer = await money_of_aino(merchant, 2_900)
    shopper = await aino_identified(merchant, session=await a_session(merchant, email=HELD))
    payment = await goes_to_provider(shopper, provider, HELD, wallet_minor=2_900)
    provider.approve(payment.provider_ref)
    await asked(payment, provider)
    assert await states(shopper) == ("held", "held")
    assert (await in_wallet(merchant, customer)).available == 0
    await answer(shopper, await case_of(shopper))
    await workers_look(provider)
    assert await states(shopper) == ("confirmed", "paid")
    assert (await in_wallet(merchant, customer)).total == 0
    assert provider.taken_minor() == PRICE - 2_900
    assert await check_books() == []


async def test_without_a_reason_to_look_a_payment_is_taken_as_ever(
    merchant: Merchant, provider: FakeProvider
) -> None:
    shopper, payment = await a_guest_at_provider(merchant, provider)
    provider.approve(payment.provider_ref)
    await asked(payment, provider)
    assert await states(shopper) == ("confirmed", "paid")
    assert await db.fetch_value("SELECT outcome FROM risk_decisions") == "approve"
