"""A guest's insurance: the address in its receipt, and the two taps out of it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from app.checkout.actions import disputing
from app.extras.addresses import OPEN_FOR_DAYS, address_of
from app.extras.queries import InsuranceView, insurance_of_order
from app.extras.states import InsuranceState
from app.kernel import clock, db, ids
from app.merchants.queries import Merchant
from app.messages.insurance import insurance_mail
from app.messages.receipt import receipt_mail
from app.payments.ports import Dispute, DisputeStanding
from app.payments.queries import payment_by_public_id
from tests.factories.checkout import a_merchant
from tests.factories.extras import a_guests_insurance, an_insured_purchase
from tests.factories.invoices import days_later
from tests.factories.returns import the_order
from tests.web.shopper.test_purchases import words

BASE_URL = "https://pay.example"


async def as_it_is(merchant: Merchant, found: InsuranceView) -> InsuranceView:
    again = await insurance_of_order(merchant.id, found.order_public_id)
    assert again is not None
    return again


async def test_the_receipt_leads_a_guest_to_a_page_that_says_what_ends_and_what_comes_back(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    found = await a_guests_insurance(merchant)
    mail = await insurance_mail(merchant.id, found.public_id, "taken", base_url=BASE_URL)
    assert mail is not None
    path = address_of(merchant.id, found.id)
    assert f"{BASE_URL}{path}" in mail.text
    assert f'href="{BASE_URL}{path}"' in mail.html
    page = words((await client.get(path)).text)
    for text in (
        "Accident and theft",
        "What is insured Phone",
        "Back to the card you paid with",
        "You get back €23.92",
        "Can be cancelled until",
    ):
        assert text in page
    assert (await as_it_is(merchant, found)).state is InsuranceState.ACTIVE


async def test_its_receipt_and_that_of_the_goods_are_told_apart_by_their_subjects(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    found = await a_guests_insurance(merchant)
    of_it = await insurance_mail(merchant.id, found.public_id, "taken", base_url=BASE_URL)
    of_goods = await receipt_mail(merchant.id, found.order_public_id)
    assert of_it is not None
    assert of_goods is not None
    assert of_it.subject == "Insurance receipt: Accident and theft, €23.92, Havu & Kivi"
    assert of_goods.subject == "Receipt from Havu & Kivi, €322.92"
    assert "The insurance has a receipt of its own" in of_goods.text


async def test_whoever_can_sign_in_is_led_to_their_own_page_and_nowhere_else(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    order = await an_insured_purchase(merchant)
    found = await insurance_of_order(merchant.id, order)
    assert found is not None
    mail = await insurance_mail(merchant.id, found.public_id, "taken", base_url=BASE_URL)
    assert mail is not None
    assert f"/purchases/{order}" in mail.text
    assert "/insured/" not in mail.text + mail.html


async def test_one_press_ends_it_by_the_same_verb_and_a_second_one_changes_nothing(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    found = await a_guests_insurance(merchant)
    path = address_of(merchant.id, found.id)
    for _ in range(2):
        answer = await client.post(path)
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = words((await client.get(path)).text)
    assert "The insurance is cancelled" in page
    assert "Back to the card you paid with" in page
    assert (await as_it_is(merchant, found)).state is InsuranceState.CANCELLED
    assert (await the_order(merchant, found.order_public_id)).refundable_minor == 29_900
    refunds = await db.fetch_all("SELECT asked_by, amount_minor FROM refunds")
    assert [tuple(each.values()) for each in refunds] == [("shopper", found.premium_minor)]
    told = await db.fetch_all("SELECT payload FROM outbox WHERE kind = 'insurance_mail' ORDER BY id")
    assert [job["payload"]["what"] for job in told] == ["taken", "cancelled"]


async def test_an_address_that_we_did_not_make_is_nobodys(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    found = await a_guests_insurance(merchant)
    path = address_of(merchant.id, found.id)
    middle = path.split(".")[1]
    for broken in (
        "/insured/x",
        path[:-1],
        path.replace(middle, middle[:-2] + "AA"),
        address_of(merchant.id, ids.internal_id()),
        address_of(ids.internal_id(), found.id),
    ):
        assert (await client.get(broken)).status_code == 404, broken
        assert (await client.post(broken)).status_code == 404, broken
    assert (await as_it_is(merchant, found)).state is InsuranceState.ACTIVE


async def test_while_its_payment_is_disputed_the_page_says_that_it_cannot_be_given_back_here(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    found = await a_guests_insurance(merchant)
    public_id = await db.fetch_value("SELECT public_id FROM payments WHERE state = 'captured'")
    payment = await payment_by_public_id(public_id)
    assert payment is not None
    told = Dispute(
        "du_1",
        public_id,
        payment.captured_minor,
        payment.currency,
        DisputeStanding.OPEN,
        is_away=True,
        reason="not_received",
    )
    await disputing.follow(payment, told, clock.wall())
    answer = await client.post(address_of(merchant.id, found.id))
    page = words(answer.text)
    assert answer.status_code == 409
    assert f"Write to the shop: {merchant.contact_email}" in page
    for text in ("Cancel the insurance", "You get back", "Can be cancelled until"):
        assert text not in page
    assert (await as_it_is(merchant, found)).state is InsuranceState.ACTIVE


@pytest.mark.parametrize(("days", "status"), [(1, 409), (OPEN_FOR_DAYS + 1, 404)])
async def test_after_its_last_day_the_page_says_so_and_later_on_there_is_none(
    client: httpx.AsyncClient, days: int, status: int
) -> None:
    merchant = await a_merchant()
    found = await a_guests_insurance(merchant)
    today = merchant.local_date(await clock.business_now())
    await days_later((found.cancel_until + timedelta(days) - today).days)
    answer = await client.post(address_of(merchant.id, found.id))
    assert answer.status_code == status
    assert ("can no longer be cancelled here" in answer.text) == (status == 409)
    assert (await as_it_is(merchant, found)).state is InsuranceState.ACTIVE
