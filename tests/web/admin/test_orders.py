"""The list of orders and the page of one."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Literal

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock, db, ids, outbox
from app.merchants.queries import Merchant
from app.orders.actions import Contact, NewOrder, create
from app.orders.states import MACHINE, OrderState
from tests.factories.checkout import PHONE, a_line, a_merchant, a_session, a_shopper_at_confirm
from tests.factories.held_purchases import HELD, a_held_purchase, answer

MARKUP = """<script>alert(1)</script>{{ 7*7 }}'"&"""


async def an_order(
    merchant: Merchant, reference: str = "SHOP-1", *, minutes_ago: int = 0, name: str = "Wool blanket"
) -> str:
    """A draft order's public id."""
    now = clock.wall() - timedelta(minutes=minutes_ago)
    new = NewOrder(
        reference=reference,
        country="FI",
        currency="EUR",
        buyer="consumer",
        lines=(a_line(name), a_line("Tea", price="7.90", quantity=2)),
        contact=Contact(name="Aino Virta", email="aino@example.test"),
    )
    created = await db.in_tx(lambda: create(merchant.id, new, state=OrderState.DRAFT, actor="api", now=now))
    return created.public_id


def references(page: str) -> list[str]:
    return re.findall(r'<a href="/admin/orders/ord_[^"]+">([^<]+)</a>', page)


async def test_the_list_shows_the_newest_order_first(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    for minutes_ago, reference in ((3, "OLD"), (1, "NEW"), (2, "MIDDLE")):
        await an_order(merchant, reference, minutes_ago=minutes_ago)

    page = (await desk.get("/admin/orders")).text

    assert references(page) == ["NEW", "MIDDLE", "OLD"]
    assert "Aino Virta" in page
    assert "€144.80" in page


async def test_every_order_stands_on_exactly_one_page(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    for number in range(60):
        await an_order(merchant, f"SHOP-{number:02}", minutes_ago=number // 7)
    seen: list[str] = []
    address: str | None = "/admin/orders"
    pages = 0
    while address is not None:
        page = (await desk.get(address)).text
        seen += references(page)
        # An order that comes in meanwhile moves nothing behind it.
        await an_order(merchant, f"LATE-{pages}")
        older = re.search(r'href="([^"]+)">Older<', page)
        address = html.unescape(older[1]) if older else None
        pages += 1

    assert pages == 3
    assert sorted(seen) == [f"SHOP-{number:02}" for number in range(60)]


async def test_the_list_is_filtered_by_state_and_by_how_a_reference_begins(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await an_order(merchant, "X-1")
    await an_order(merchant, "X%2")
    await an_order(merchant, "Y-1")
    cancelled = await an_order(merchant, "X-3")
    row = await db.fetch_one("SELECT id FROM orders WHERE public_id = $1", cancelled)
    assert row is not None
    await db.in_tx(
        lambda: MACHINE.move(
            merchant.id, row["id"], expected="draft", to="cancelled", actor="api", at=clock.wall()
        )
    )

    async def found(**query: str) -> set[str]:
        return set(references((await desk.get("/admin/orders", params=query)).text))

    assert await found(q="X-") == {"X-1", "X%2", "X-3"}
    assert await found(q="x 2") == {"X%2"}
    assert await found(q="%") == set()
    assert await found(q="X-", state="cancelled") == {"X-3"}
    assert await found(state="paid") == set()
    assert await found(q=cancelled) == {"X-3"}
    assert await found(q=cancelled, state="draft") == set()
    assert await found(state="nonsense", q="Y") == {"Y-1"}
    assert await found(q="Y", cursor="nonsense") == {"Y-1"}
    assert await found(q="Y\u202e-1\x00") == {"Y-1"}


async def test_htmx_gets_the_list_alone_and_the_address_keeps_the_filters(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await an_order(merchant, "A & B")
    response = await desk.get("/admin/orders", params={"q": "A & B"}, headers={"HX-Request": "true"})

    assert response.text.lstrip().startswith('<section id="orders"')
    assert response.headers["hx-push-url"] == "/admin/orders?q=A+%26+B"
    assert "HX-Request" in response.headers["vary"]
    whole = await desk.get(response.headers["hx-push-url"])
    assert whole.text.lstrip().startswith("<!doctype html>")
    assert 'value="A &amp; B"' in whole.text


async def test_a_shop_sees_none_of_another_shops_orders(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    foreign = await an_order(await a_merchant("Pihla Oy"), "FOREIGN")

    assert references((await desk.get("/admin/orders")).text) == []
    assert references((await desk.get("/admin/orders", params={"q": foreign})).text) == []


async def test_a_foreign_order_an_unknown_one_and_nonsense_answer_with_the_same_bytes(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    foreign = await an_order(await a_merchant("Pihla Oy"))
    answers = [
        await desk.get(f"/admin/orders/{which}") for which in (foreign, ids.public_id("ord"), "1_0", "%01")
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'nonce="[^"]*"', "", answer.text) for answer in answers}) == 1


async def test_text_from_people_is_shown_as_text(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    order = await an_order(merchant, f"R {MARKUP}"[:100], name=MARKUP)
    for address in ("/admin/orders", f"/admin/orders/{order}", f"/admin/orders?q={MARKUP}"):
        page = (await desk.get(address)).text
        assert "<script>alert" not in page
        assert "{{ 7*7 }}" in page


@pytest.fixture
async def paid_order(merchant: Merchant) -> str:
    """A purchase that went all the way."""
    shopper = await a_shopper_at_confirm(merchant)
    return (await shopper.confirm()).order_public_id


async def test_a_paid_order_shows_all_that_is_known_of_it(
    desk: httpx.AsyncClient, merchant: Merchant, paid_order: str
) -> None:
    page = (await desk.get(f"/admin/orders/{paid_order}")).text

    assert "SHOP-1001" in page
    assert "Wool blanket" in page
    assert "aino@example.test" in page
    for figure in ("€129.00", "€102.79", "€26.21", "25.5%"):
        assert figure in page, figure
    for happening in (
        "Order created",
        "Payment started",
        "Purchase confirmed",
        "Order paid",
        "Checkout opened",
    ):
        assert happening in page, happening
    assert "by a code on the phone" in page
    assert "Approved" in page
    assert "operator:payable:merchant" in page


async def test_an_order_shows_each_try_of_its_deliveries(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    order = await an_order(merchant)
    await failing_delivery(merchant, order, tries=2, give_up=False)

    page = (await desk.get(f"/admin/orders/{order}")).text

    assert "Webhook · Order paid" in page
    assert "Try 1" in page
    assert "Try 2" in page
    assert "connection refused &lt;b&gt;" in page
    assert "On its way" in page


async def failing_delivery(merchant: Merchant, about: str, *, tries: int, give_up: bool) -> None:
    """A webhook whose every try so far met a closed door."""
    now = clock.wall()
    await db.in_tx(
        lambda: outbox.put(
            merchant.id, "webhook", {"type": "order.paid"}, run_at=now - timedelta(hours=1), about=about
        )
    )
    for attempt in range(1, tries + 1):
        job = next(job for job in await outbox.claim(10, 60, now=now) if job.kind == "webhook")
        again = None if give_up and attempt == tries else now - timedelta(minutes=1)
        await outbox.retry(job, error="connection refused <b>", run_at=again)


async def test_the_first_page_says_what_needs_a_person(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    assert "Nothing waits for you." in (await desk.get("/admin")).text
    order = await an_order(merchant, "SHOP-7")
    await failing_delivery(merchant, order, tries=3, give_up=True)

    page = (await desk.get("/admin")).text

    assert "1 delivery was given up" in page
    assert f'<a href="/admin/orders/{order}">SHOP-7</a>' in page
    assert "3 tries" in page


async def test_the_first_page_counts_today_and_this_shop_alone(
    desk: httpx.AsyncClient, merchant: Merchant, paid_order: str
) -> None:
    other = await a_merchant("Pihla Oy")
    await a_session(other)
    await a_session(merchant)

    page = (await desk.get("/admin")).text

    assert "€129.00" in page
    assert "1 order<" in page
    counts = re.findall(r"<dd>(\d+) <span", page)
    assert counts == ["2", "1", "1", "0", "1"]


async def test_the_first_page_counts_who_waited_for_a_person(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await a_held_purchase(merchant)
    page = (await desk.get("/admin")).text
    assert re.findall(r"<dd>(\d+) <span", page) == ["1", "1", "1", "1", "0"]
    assert "Waited for a person" in page


@pytest.mark.parametrize("outcome", [None, "declined"])
async def test_an_order_that_waits_or_was_declined_names_who_wanted_it(
    desk: httpx.AsyncClient, merchant: Merchant, outcome: Literal["declined"] | None
) -> None:
    shopper, case = await a_held_purchase(merchant)
    if outcome is not None:
        await answer(shopper, case, outcome)
    assert '<td class="customer">Aino Virta</td>' in (await desk.get("/admin/orders")).text
    order = (await shopper.flow()).order_public_id
    page = (await desk.get(f"/admin/orders/{order}")).text
    for told in ("Aino Virta", HELD, PHONE):
        assert f"<dd>{told}</dd>" in page


async def test_a_page_costs_few_queries(desk: httpx.AsyncClient, merchant: Merchant, paid_order: str) -> None:
    await desk.get("/admin")
    for address, at_most in (("/admin", 8), ("/admin/orders", 2), (f"/admin/orders/{paid_order}", 15)):
        with db.counting() as counts:
            assert (await desk.get(address)).status_code == 200
        assert counts.queries <= at_most, address


@pytest.mark.parametrize("lang", ["fi", "sv", "en", "da", "bg"])
async def test_every_page_speaks_every_language(
    app: ASGIApp, desk: httpx.AsyncClient, paid_order: str, lang: str
) -> None:
    for address in ("/admin", "/admin/orders", f"/admin/orders/{paid_order}"):
        response = await desk.get(address, params={"lang": lang})
        assert response.status_code == 200
        assert f'<html lang="{lang}">' in response.text
