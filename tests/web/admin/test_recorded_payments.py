"""Staff record money that came outside the checkout, and answer the cases about money that pays no order."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar.types import ASGIApp

from app.cases.money import MoneyCaseView, money_waiting
from app.checkout.actions import record_payment
from app.checkout.books import check_books
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from tests.factories.checkout import a_merchant
from tests.factories.links import a_link, an_open_order
from tests.factories.recorded import received
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in


async def form_of(desk: httpx.AsyncClient, order: str, **typed: str) -> dict[str, str]:
    """The form as the page gives it, with "Bank transfer" chosen unless something else is typed."""
    page = (await desk.get(f"/admin/orders/{order}")).text
    assert "Record payment" in page
    given = {
        name: re.search(rf'name="{name}"[^>]*? value="([^"]*)"', page)
        for name in ("key", "amount", "received_on")
    }
    fields = {name: found[1] for name, found in given.items() if found is not None}
    assert set(fields) == {"key", "amount", "received_on"}
    return fields | {"source": "bank"} | typed


async def send(desk: httpx.AsyncClient, order: str, form: dict[str, str]) -> httpx.Response:
    return await desk.post(f"/admin/orders/{order}/recorded-payments", data=form)


async def order_now(merchant: Merchant, public_id: str) -> OrderView:
    order = await order_for_api(merchant.id, public_id)
    assert order is not None
    return order


async def a_case(merchant: Merchant, amount_minor: int = 5_00) -> MoneyCaseView:
    created = await an_open_order(merchant)
    await record_payment(
        merchant,
        created.public_id,
        await received(merchant, amount_minor, note="Said <b>Aino</b>"),
        await clock.business_now(),
    )
    [case] = await money_waiting(merchant.id)
    return case


async def answer(desk: httpx.AsyncClient, case: MoneyCaseView, **said: str) -> httpx.Response:
    return await desk.post(f"/admin/reviews/{case.public_id}/money", data=said)


@pytest.fixture
async def reviewer(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    person = await a_person(merchant, "riku@havu.example", role="reviewer")
    async with pages.browser(app) as client:
        assert (await sign_in(client, person)).status_code == 303
        yield client


async def test_the_page_offers_the_whole_price_and_pressing_twice_records_it_once(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = (await a_link(merchant)).order_public_id
    form = await form_of(desk, order, note="Reference of the bank 77")
    assert form["amount"] == "203.00"
    for _ in range(2):
        sent = await send(desk, order, form)
        assert sent.status_code == 303
        assert sent.headers["location"] == f"/admin/orders/{order}#recorded"
    assert (await order_now(merchant, order)).state is OrderState.PAID
    assert await db.fetch_value("SELECT count(*) FROM recorded_payments") == 1
    page = (await desk.get(f"/admin/orders/{order}")).text
    for told in (
        "Recorded payments",
        "Paid this order",
        "Bank transfer",
        "Reference of the bank 77",
        "Payment link closed: the order is paid",
    ):
        assert told in page
    assert await check_books() == []


async def test_another_sum_leads_to_its_case(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    order = (await an_open_order(merchant)).public_id
    sent = await send(desk, order, await form_of(desk, order, amount="200,00", source="cash"))
    [case] = await money_waiting(merchant.id)
    assert sent.headers["location"] == f"/admin/reviews/{case.public_id}"
    page = (await desk.get(f"/admin/orders/{order}")).text
    assert f"/admin/reviews/{case.public_id}" in page
    assert "Waits for you" in page
    queue = (await desk.get("/admin/reviews")).text
    for told in ("Money that pays no order", case.public_id, "€200.00", "Cash"):
        assert told in queue
    assert "1 payment pays no order" in (await desk.get("/admin")).text


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("amount", "a lot", "Type the amount"),
        ("amount", "0", "Type the amount"),
        ("received_on", "2020-02-30", "Choose a day within the last year"),
        ("received_on", "2999-01-01", "Choose a day within the last year"),
        ("source", "", "Say how the money came."),
        ("source", "gold", "Say how the money came."),
        ("note", "x" * 501, "too long"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant, field: str, typed: str, told: str
) -> None:
    order = (await an_open_order(merchant)).public_id
    form = await form_of(desk, order, note="Kept as typed")
    refused = await send(desk, order, form | {field: typed})
    assert refused.status_code == 422
    assert told in refused.text
    assert "<details" in refused.text
    assert form["key"] in refused.text
    if field != "note":
        assert "Kept as typed" in refused.text
    assert await db.fetch_value("SELECT count(*) FROM recorded_payments") == 0


async def test_money_is_recorded_by_owners_for_their_own_orders(
    desk: httpx.AsyncClient, reviewer: httpx.AsyncClient, merchant: Merchant
) -> None:
    theirs = (await an_open_order(await a_merchant("Pihla Oy"))).public_id
    ours = (await an_open_order(merchant)).public_id
    form = await form_of(desk, ours)
    assert (await send(desk, theirs, form)).status_code == 404
    assert (await send(desk, "ord_nobody", form)).status_code == 404
    assert (await send(reviewer, ours, form)).status_code == 403
    assert await db.fetch_value("SELECT count(*) FROM recorded_payments") == 0


async def test_a_case_tells_what_came_and_takes_one_answer(
    desk: httpx.AsyncClient, reviewer: httpx.AsyncClient, merchant: Merchant
) -> None:
    case = await a_case(merchant)
    page = (await reviewer.get(f"/admin/reviews/{case.public_id}")).text
    for told in (
        "€5.00",
        "Bank transfer",
        "Said &lt;b&gt;Aino",
        "Returned to the payer",
        "Kept for an order",
    ):
        assert told in page
    assert "/admin/orders/" not in page, "a reviewer has no pages of orders"
    assert (await answer(reviewer, case, answer="return", note="Sent back")).status_code == 303
    late = await answer(desk, case, answer="return", note="I too")
    assert late.status_code == 409
    assert "ended already" in late.text
    page = (await desk.get("/admin/reviews")).text
    assert "Answered lately" in page
    assert "Returned to the payer" in page
    assert await check_books() == []


async def test_kept_money_pays_the_order_that_is_named_by_its_reference(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    case = await a_case(merchant, 203_00 + 5)
    order = await an_open_order(merchant, reference="COUNTER-8")
    answers = {"answer": "keep", "note": "Typed wrongly", "order": "COUNTER-8"}
    refused = await answer(desk, case, **answers)
    assert refused.status_code == 422
    assert "waits for another sum" in refused.text
    assert "Typed wrongly" in refused.text
    exact = await a_case_for(merchant, 203_00)
    assert (await answer(desk, exact, **answers)).status_code == 303
    assert (await order_now(merchant, order.public_id)).state is OrderState.PAID
    page = (await desk.get(f"/admin/orders/{order.public_id}")).text
    assert "came for order COUNTER-7" in page
    assert await check_books() == []


async def a_case_for(merchant: Merchant, amount_minor: int) -> MoneyCaseView:
    """Money for an order that has just been paid by as much."""
    paid = await an_open_order(merchant)
    for _ in range(2):
        money = await received(merchant, amount_minor)
        await record_payment(merchant, paid.public_id, money, await clock.business_now())
    return (await money_waiting(merchant.id))[-1]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"note": "Why"}, "Say what becomes of the money."),
        ({"answer": "return", "note": " "}, "Say in a few words why."),
        ({"answer": "keep", "note": "Why", "order": ""}, "Say which order it is kept for."),
        ({"answer": "keep", "note": "Why", "order": "NOTHING-LIKE-IT"}, "No order has this reference"),
        ({"answer": "keep", "note": "Why", "order": "TWICE"}, "Several orders have this reference."),
    ],
)
async def test_an_answer_that_cannot_be_taken_says_why(
    desk: httpx.AsyncClient, merchant: Merchant, said: dict[str, str], told: str
) -> None:
    case = await a_case(merchant)
    for _ in range(2):
        await an_open_order(merchant, reference="TWICE")
    refused = await answer(desk, case, **said)
    assert refused.status_code == 422
    assert told in refused.text
    [open_still] = await money_waiting(merchant.id)
    assert open_still.public_id == case.public_id


async def test_a_case_of_another_shop_is_not_there(desk: httpx.AsyncClient) -> None:
    case = await a_case(await a_merchant("Pihla Oy"))
    assert (await desk.get(f"/admin/reviews/{case.public_id}")).status_code == 404
    assert (await answer(desk, case, answer="return", note="Mine")).status_code == 404
