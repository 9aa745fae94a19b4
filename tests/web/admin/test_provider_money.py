"""Staff are asked about money that a provider took too late, and about a refund that it would not make."""

from __future__ import annotations

import httpx
import pytest

from app.cases.money import MoneyCaseView, money_waiting
from app.checkout import giving_back
from app.checkout.actions import confirming
from app.checkout.books import check_books
from app.checkout.disputing import ask_for_disputes
from app.kernel import clock
from app.merchants.queries import Merchant
from app.payments.ports import DisputeStanding
from app.payments.queries import refundings_of_payment
from app.payments.states import RefundingState
from tests.factories.invoices import ADDRESS, drawn
from tests.factories.link_shoppers import at_confirm_of, press
from tests.factories.links import a_link
from tests.factories.payments import a_paid_order, a_payment_in_session, asked, doors_to
from tests.factories.returns import refunded
from tests.support.providers import FakeProvider


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider("card")


async def late_money(
    merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> MoneyCaseView:
    """A card was charged for an order that somebody else bought meanwhile: the claim keeps them from it otherwise."""
    link = await a_link(merchant)
    payment = await a_payment_in_session(await press(link), provider)
    provider.approve(payment.provider_ref)
    provider.cut("capture", after=True)
    await asked(payment, provider)

    async def nobody(*_: object) -> bool:
        return False

    monkeypatch.setattr(confirming, "somebody_takes", nobody)
    await (await at_confirm_of(link)).confirm(ADDRESS)
    await asked(payment, provider)
    [case] = await money_waiting(merchant.id)
    return case


async def refused_refund(merchant: Merchant, provider: FakeProvider) -> MoneyCaseView:
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order, 5_000)
    provider.refuse("refund", "card_closed")
    [refund] = await refundings_of_payment(merchant.id, payment.id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    [case] = await money_waiting(merchant.id)
    return case


async def test_late_money_is_told_as_what_it_is_and_goes_back_by_itself(
    desk: httpx.AsyncClient, merchant: Merchant, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await late_money(merchant, provider, monkeypatch)
    queue = (await desk.get("/admin/reviews")).text
    assert case.public_id in queue
    page = (await desk.get(f"/admin/reviews/{case.public_id}")).text
    assert "The customer was charged, and the order did not take the money" in page
    assert "the payment service gives it back to the customer by itself" in page
    answer = {"answer": "return", "note": "came too late"}
    assert (await desk.post(f"/admin/reviews/{case.public_id}/money", data=answer)).status_code == 303
    assert case.provider_payment_id is not None
    [refund] = await refundings_of_payment(merchant.id, case.provider_payment_id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    assert provider.taken_minor() == 0
    assert await check_books() == []


async def test_a_refund_that_was_refused_asks_for_another_way(
    desk: httpx.AsyncClient, merchant: Merchant, provider: FakeProvider
) -> None:
    case = await refused_refund(merchant, provider)
    assert "A refund that did not go through" in (await desk.get("/admin/reviews")).text
    assert "1 refund did not go through" in (await desk.get("/admin")).text
    page = (await desk.get(f"/admin/reviews/{case.public_id}")).text
    assert "The payment service would not give this money back" in page
    assert "Should the bank have paid the customer, keep the money for the order." in page
    assert "This page moves no money" in page
    answer = {"answer": "return", "note": "by bank"}
    assert (await desk.post(f"/admin/reviews/{case.public_id}/money", data=answer)).status_code == 303
    assert case.provider_payment_id is not None
    [refund] = await refundings_of_payment(merchant.id, case.provider_payment_id)
    assert refund.state is RefundingState.REFUSED
    assert await check_books() == []


async def test_an_order_that_waits_for_its_own_payment_takes_none_of_it(
    desk: httpx.AsyncClient, merchant: Merchant, provider: FakeProvider
) -> None:
    case = await refused_refund(merchant, provider)
    waiting = await a_link(merchant)
    answer = {"answer": "keep", "order": waiting.order_public_id, "note": "hers"}
    told = await desk.post(f"/admin/reviews/{case.public_id}/money", data=answer)
    assert told.status_code == 422
    assert "keep it for an order that has ended" in told.text


async def test_the_order_says_what_is_on_its_way_back_and_what_went(
    desk: httpx.AsyncClient, merchant: Merchant, provider: FakeProvider
) -> None:
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    await refunded(merchant, order, 5_000)
    assert "€50.00 on its way back" in (await desk.get(f"/admin/orders/{order}")).text
    [refund] = await refundings_of_payment(merchant.id, payment.id)
    await giving_back.give_back(refund.public_id, doors_to(provider))
    page = (await desk.get(f"/admin/orders/{order}")).text
    assert "€50.00 given back" in page
    assert "on its way back" not in page


async def test_a_disputed_payment_is_told_wherever_staff_look_and_the_bank_ends_it(
    desk: httpx.AsyncClient, merchant: Merchant, provider: FakeProvider
) -> None:
    order, payment = await a_paid_order(merchant, provider)
    await drawn(merchant, order)
    provider.dispute(payment.provider_ref, reason="not_received")
    assert await ask_for_disputes(provider, clock.wall())
    [case] = await money_waiting(merchant.id)
    assert "1 card payment is disputed at the bank" in (await desk.get("/admin/")).text
    queue = (await desk.get("/admin/reviews")).text
    assert "The goods did not come" in queue
    assert "Money that pays no order" not in queue
    page = (await desk.get(f"/admin/reviews/{case.public_id}")).text
    assert "Disputed, taken back for now" in page
    assert "Save the answer" not in page
    shown = (await desk.get(f"/admin/orders/{order}")).text
    assert "The bank took the disputed money back for now" in shown
    assert "Disputed, taken back for now" in shown

    form = {"what": "all", "to": "original", "fee": "", "note": "", "seen": "12900", "key": "k" * 22}
    refused = await desk.post(f"/admin/orders/{order}/refund", data=form)
    assert refused.status_code == 409
    assert "The bank has taken this payment back already" in refused.text

    provider.dispute(payment.provider_ref, DisputeStanding.LOST, reason="not_received")
    assert await ask_for_disputes(provider, clock.wall())
    assert "disputed at the bank" not in (await desk.get("/admin/")).text
    assert "Lost: the money is gone" in (await desk.get("/admin/reviews")).text
    assert "Lost: the money is gone" in (await desk.get(f"/admin/reviews/{case.public_id}")).text
    assert "Dispute lost" in (await desk.get(f"/admin/orders/{order}")).text
