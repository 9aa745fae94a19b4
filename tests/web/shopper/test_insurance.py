"""An insurance that was bought: its own receipt, the two taps out of it, and the end with the goods."""

from __future__ import annotations

from datetime import timedelta

import httpx

from app.checkout.actions.insuring import end_with_refund_in_tx
from app.extras import actions as extras
from app.extras.queries import InsuranceView, conversion_of, insurance_of_order
from app.extras.states import InsuranceState
from app.invoices.credits import Pieces
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.messages.insurance import insurance_mail
from app.returns import actions as returns
from app.returns.rules import Conditions
from tests.factories.checkout import a_merchant
from tests.factories.extras import an_insured_purchase
from tests.factories.invoices import days_later
from tests.factories.loyalty import a_shop, earned, taken_back
from tests.factories.returns import refunded, the_order
from tests.web.shopper.test_account import sign_in
from tests.web.shopper.test_purchases import a_phone_is_proved, words

PREMIUM_MINOR = 2_392


async def a_holder(client: httpx.AsyncClient, merchant: Merchant) -> str:
    order = await an_insured_purchase(merchant)
    await a_phone_is_proved()
    await sign_in(client)
    return order


async def the_insurance(merchant: Merchant, order: str) -> InsuranceView:
    found = await insurance_of_order(merchant.id, order)
    assert found is not None
    return found


async def test_it_begins_once_with_a_receipt_of_its_own(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    await db.in_tx(lambda: extras.begin_insurance_in_tx(merchant.id, order, "en"))
    assert await db.fetch_value("SELECT count(*) FROM insurances") == 1
    jobs = await db.fetch_all("SELECT payload FROM outbox WHERE kind = 'insurance_mail'")
    assert [job["payload"]["what"] for job in jobs] == ["taken"]
    found = await the_insurance(merchant, order)
    mail = await insurance_mail(merchant.id, found.public_id, "taken", base_url="https://pay.example")
    assert mail is not None
    for text in (
        "Turva",
        "23.92",
        "you get a new one",
        f"https://pay.example/purchases/{order}",
        "free of VAT",
    ):
        assert text in mail.text.replace("\N{NO-BREAK SPACE}", " ")
        assert text in mail.html.replace("\N{NO-BREAK SPACE}", " ")


async def test_two_taps_end_it_and_its_price_comes_off_what_is_owed(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    page = words((await client.get(f"/purchases/{order}")).text)
    assert "Accident and theft · Turva · €23.92" in page
    assert "Cancel the insurance" in page
    page = words((await client.get(f"/purchases/{order}/insurance")).text)
    assert "€23.92 goes back the way you paid" in page
    answer = await client.post(f"/purchases/{order}/insurance")
    assert answer.headers["location"] == f"/purchases/{order}/insurance"
    assert "The insurance is cancelled" in words((await client.get(f"/purchases/{order}/insurance")).text)
    assert (await the_insurance(merchant, order)).state is InsuranceState.CANCELLED
    assert (await the_order(merchant, order)).refundable_minor == 29_900
    assert "€299.00 to pay" in words((await client.get("/purchases")).text)


async def test_ending_it_twice_refunds_once(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    for _ in range(2):
        answer = await client.post(f"/purchases/{order}/insurance")
        assert answer.status_code == 303
    assert await db.fetch_value("SELECT count(*) FROM refunds") == 1


async def test_nobody_has_to_approve_what_its_holder_has_a_right_to(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    limit = Conditions(14, approval_above_minor=0)
    await returns.save_conditions(
        merchant, limit, actor="staff:usr_0000000001", now=await clock.business_now()
    )
    order = await a_holder(client, merchant)
    assert (await client.post(f"/purchases/{order}/insurance")).status_code == 303
    assert await db.fetch_value("SELECT state FROM refunds") == "done"


async def test_after_its_days_it_stays_and_the_page_says_whom_to_ask(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    await days_later(31)
    await sign_in(client)
    answer = await client.post(f"/purchases/{order}/insurance")
    assert answer.status_code == 409
    assert "can no longer be cancelled here" in answer.text
    assert (await the_insurance(merchant, order)).state is InsuranceState.ACTIVE
    assert await db.fetch_value("SELECT count(*) FROM refunds") == 0


async def test_somebody_elses_insurance_is_not_found(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    await a_holder(client, merchant)
    strange = "ord_" + "0" * 26
    assert (await client.get(f"/purchases/{strange}/insurance")).status_code == 404
    assert (await client.post(f"/purchases/{strange}/insurance")).status_code == 404


async def test_a_refund_of_its_line_ends_it_and_one_of_the_goods_alone_does_not(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    now = await clock.business_now()
    goods = await refunded(merchant, order, (Pieces(0, 1),))
    await db.in_tx(lambda: end_with_refund_in_tx(merchant, order, goods.public_id, now=now))
    assert (await the_insurance(merchant, order)).state is InsuranceState.ACTIVE
    cover = await refunded(merchant, order, (Pieces(1, 1),))
    for _ in range(2):
        await db.in_tx(lambda: end_with_refund_in_tx(merchant, order, cover.public_id, now=now))
    assert (await the_insurance(merchant, order)).state is InsuranceState.CANCELLED
    answer = await client.post(f"/purchases/{order}/insurance")
    assert answer.status_code == 303


async def test_it_can_be_given_up_after_a_part_of_the_price_went_back(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    await refunded(merchant, order, 1_000)
    answer = await client.post(f"/purchases/{order}/insurance")
    assert answer.status_code == 303
    assert (await the_order(merchant, order)).refundable_minor == 28_900


async def test_what_staff_gave_back_is_not_given_back_again_before_the_insurance_knows(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    await refunded(merchant, order, (Pieces(1, 1),))
    assert (await client.post(f"/purchases/{order}/insurance")).status_code == 409
    assert (await the_order(merchant, order)).refundable_minor == 29_900


async def test_the_report_counts_what_was_bought_and_given_up(client: httpx.AsyncClient) -> None:
    merchant = await a_merchant()
    order = await a_holder(client, merchant)
    now = await clock.business_now()
    span = (now - timedelta(days=1), now + timedelta(days=1))
    [row] = await conversion_of(merchant.id, *span)
    assert (row.bought, row.cancelled, row.kept_minor) == (1, 0, PREMIUM_MINOR)
    await client.post(f"/purchases/{order}/insurance")
    [row] = await conversion_of(merchant.id, *span)
    assert (row.bought, row.cancelled, row.kept_minor) == (1, 1, 0)


async def test_an_insurance_earns_no_points_and_its_end_takes_none(client: httpx.AsyncClient) -> None:
    shop = await a_shop()
    order = await an_insured_purchase(shop)
    assert await earned(shop, order) == 299
    cover = await refunded(shop, order, (Pieces(1, 1),))
    assert await taken_back(shop, order, cover.public_id, PREMIUM_MINOR) == 0
    goods = await refunded(shop, order)
    assert await taken_back(shop, order, goods.public_id, 29_900) == 299
