"""Orders that staff make, change, copy, accept, cancel and print."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from app.kernel import db
from app.merchants.queries import Merchant
from app.orders.lists import list_orders
from app.orders.queries import OrderView, order_for_api, versions_of_order
from app.orders.states import OrderState
from app.plans.queries import forget_kept_plans
from tests.factories.checkout import a_merchant, a_session, a_shopper_at_confirm
from tests.factories.ways import on_credit_alone

NEW = "/admin/orders/new"
MARKUP = """<script>alert(1)</script>{{ 7*7 }}'"&"""


def typed(**changes: str) -> dict[str, str]:
    """What a form holds: names of lines are written `line_0_name`."""
    fields = {
        "key": "one",
        "lines": "3",
        "reference": "SHOP-7",
        "buyer": "consumer",
        "name": "Aino Virta",
        "email": "aino@example.test",
        "phone": "048 0000101",
        "note": "Rings twice",
        "line-0.type": "item",
        "line-0.name": "Wool blanket",
        "line-0.sku": "B-1",
        "line-0.quantity": "2",
        "line-0.price": "129,00",
        "line-0.vat": "25.5",
        "line-1.type": "discount",
        "line-1.name": "Regular",
        "line-1.quantity": "1",
        "line-1.price": "8",
        "line-1.vat": "25,5",
        "line-2.type": "item",
        "line-2.quantity": "1",
    }
    return fields | {re.sub(r"^line_(\d+)_", r"line-\1.", name): text for name, text in changes.items()}


async def orders(merchant: Merchant) -> tuple[OrderView, ...]:
    return (await list_orders(merchant.id)).orders


async def an_order(desk: httpx.AsyncClient, merchant: Merchant) -> OrderView:
    assert (await desk.post(NEW, data=typed())).status_code == 303
    return (await orders(merchant))[0]


async def the_order(merchant: Merchant, order: OrderView) -> OrderView:
    found = await order_for_api(merchant.id, order.public_id)
    assert found is not None
    return found


def fields_of(page: str) -> dict[str, str]:
    """What a form would send: its text fields, its hidden ones and the chosen of each list."""
    form = page[page.index("<main") :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value:
            found[name[1]] = html.unescape(value[1])
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body) or re.search(r'value="([^"]*)"', body)
        assert chosen is not None
        found[name] = chosen[1]
    note = re.search(r'<textarea[^>]*name="note"[^>]*>(.*?)</textarea>', form, re.DOTALL)
    return found | {"note": html.unescape(note[1]) if note else ""}


async def test_an_order_is_typed_in_and_opened(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    assert "New order" in (await desk.get(NEW)).text
    answer = await desk.post(NEW, data=typed())
    (order,) = await orders(merchant)
    assert answer.headers["location"] == f"/admin/orders/{order.public_id}"
    assert (order.state, order.total_minor, order.currency, order.reference) == (
        OrderState.OPEN,
        25_000,
        "EUR",
        "SHOP-7",
    )
    assert [(line.type, line.unit_price_minor) for line in order.lines] == [
        ("item", 12_900),
        ("discount", -800),
    ]
    assert (order.contact.name, order.contact.phone, order.note) == (
        "Aino Virta",
        "+358480000101",
        "Rings twice",
    )
    page = (await desk.get(answer.headers["location"])).text
    assert "Rings twice" in page


async def test_pressing_twice_makes_one_order(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    answers = [await desk.post(NEW, data=typed()) for _ in range(2)]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert len(await orders(merchant)) == 1
    await desk.post(NEW, data=typed(reference="Another"))
    assert len(await orders(merchant)) == 2


async def test_the_summary_of_what_is_wrong_names_each_field_and_leads_to_it(desk: httpx.AsyncClient) -> None:
    wrong = typed(reference="", email="aino", line_1_price="a lot", line_0_vat="200")
    page = (await desk.post(NEW, data=wrong)).text
    summary = page[page.index('role="alert"') : page.index("<form class")]
    told = [
        (link, html.unescape(re.sub(r"\s+", " ", text)))
        for link, text in re.findall(r'<li><a href="([^"]+)">(.*?)</a></li>', summary, re.DOTALL)
    ]
    assert sorted(told) == [
        ("#f-email", "E-mail: Check this field."),
        ("#f-line-0-vat", "Line 1 · VAT rate: Check this field."),
        ("#f-line-1-price", "Line 2 · Price of one: Check this field."),
        ("#f-reference", "Reference: This is needed."),
    ]
    for link, _ in told:
        assert f'id="{link[1:]}"' in page


async def test_what_staff_did_is_told_with_their_name(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    answer = await desk.post(NEW, data=typed())
    page = (await desk.get(answer.headers["location"])).text
    timeline = page[page.index('class="timeline"') :]
    assert "Omena Owner" in timeline
    assert "staff:" not in page


async def test_adding_a_line_keeps_what_was_typed_and_makes_nothing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    page = await desk.post(NEW, data=typed(name=MARKUP, line_0_price="not yet") | {"add": "1"})
    assert page.status_code == 200
    fields = fields_of(page.text)
    assert (fields["lines"], fields["name"], fields["line-0.price"]) == ("4", MARKUP, "not yet")
    assert "line-3.name" in fields
    assert "<script>alert" not in page.text
    assert await orders(merchant) == ()


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"reference": " "}, "f-reference"),
        ({"email": "aino"}, "f-email"),
        ({"phone": "12"}, "f-phone"),
        ({"postcode": "x" * 20}, "f-postcode"),
        ({"line_0_name": ""}, "f-line-0-name"),
        ({"line_0_price": "12.345"}, "f-line-0-price"),
        ({"line_0_price": "-5"}, "f-line-0-price"),
        ({"line_0_quantity": "0"}, "f-line-0-quantity"),
        ({"line_0_quantity": "12345"}, "f-line-0-quantity"),
        ({"line_0_vat": "101"}, "f-line-0-vat"),
        ({"line_0_vat": ""}, "f-line-0-vat"),
        ({"line_1_price": "999"}, "f-line-0-name"),
        ({"line_2_name": "x" * 201, "line_2_price": "1", "line_2_vat": "0"}, "f-line-2-name"),
        ({"note": "x" * 2001}, "f-note"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant, changes: dict[str, str], place: str
) -> None:
    sent = typed(**changes)
    page = await desk.post(NEW, data=sent)
    assert page.status_code == 422
    assert f'href="#{place}"' in page.text
    assert f'id="{place}"' in page.text
    kept = fields_of(page.text)
    assert {name: kept[name] for name in sent} == sent | {"reference": sent["reference"].strip()}
    assert await orders(merchant) == ()


async def test_the_number_of_a_card_is_no_reference_and_is_not_shown_again(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    page = await desk.post(NEW, data=typed(reference="4111 1111 1111 1111"))
    assert page.status_code == 422
    assert "This looks like the number of a card." in page.text
    assert "4111" not in page.text
    assert await orders(merchant) == ()


async def test_staff_are_told_when_no_plan_takes_what_they_typed(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await on_credit_alone(merchant)
    order = await an_order(desk, merchant)
    told = "None of your ways to pay takes this sum"
    assert told not in (await desk.get(f"/admin/orders/{order.public_id}")).text
    await db.in_tx(lambda: db.execute("UPDATE plans SET active = false"))
    forget_kept_plans()
    assert told in (await desk.get(f"/admin/orders/{order.public_id}")).text


async def test_an_empty_form_is_no_order(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    for sent in ({}, {"lines": "99999"}, {"lines": "x", "reference": "R"}, {"reference": "R"}):
        assert (await desk.post(NEW, data=sent)).status_code == 422
    assert await orders(merchant) == ()


async def test_an_edit_starts_from_the_order_and_makes_the_next_version(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_order(desk, merchant)
    place = f"/admin/orders/{order.public_id}/edit"
    fields = fields_of((await desk.get(place)).text)
    same = await desk.post(place, data=fields)
    assert same.status_code == 303
    assert (await the_order(merchant, order)) == order
    assert (await desk.post(place, data=fields | {"line-0.quantity": "3"})).status_code == 303
    after = await the_order(merchant, order)
    assert (after.version, after.total_minor, after.contact) == (2, 37_900, order.contact)
    versions = await versions_of_order(merchant.id, order.id)
    assert versions[1].actor.startswith("staff:")
    page = (await desk.get(f"/admin/orders/{order.public_id}")).text
    assert "Version 2" in page
    assert "€258.00 → €387.00" in page
    assert "Order changed" in page


async def test_whoever_was_slower_is_told_and_keeps_what_they_typed(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_order(desk, merchant)
    place = f"/admin/orders/{order.public_id}/edit"
    fields = fields_of((await desk.get(place)).text)
    await desk.post(place, data=fields | {"reference": "First"})
    late = await desk.post(place, data=fields | {"reference": "Second"})
    assert late.status_code == 409
    assert "Somebody else changed this order meanwhile" in late.text
    assert (await the_order(merchant, order)).reference == "First"
    again = fields_of(late.text)
    assert (again["reference"], again["version"]) == ("Second", "2")
    assert (await desk.post(place, data=again)).status_code == 303
    assert (await the_order(merchant, order)).reference == "Second"


async def test_a_paid_order_offers_no_edit_and_takes_none(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    flow = await (await a_shopper_at_confirm(merchant)).confirm()
    place = f"/admin/orders/{flow.order_public_id}"
    before = await order_for_api(merchant.id, flow.order_public_id)
    page = (await desk.get(place)).text
    for gone in (f"{place}/edit", f"{place}/cancel", f"{place}/accept"):
        assert f'"{gone}"' not in page
    answers = [
        await desk.get(f"{place}/edit"),
        await desk.post(f"{place}/edit", data=typed(version="1")),
        await desk.post(f"{place}/cancel"),
        await desk.post(f"{place}/accept"),
    ]
    assert [answer.status_code for answer in answers] == [409] * 4
    assert all("can no longer be changed" in answer.text for answer in answers)
    assert await order_for_api(merchant.id, flow.order_public_id) == before


async def test_an_order_is_accepted_and_cancelled_by_a_press(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_order(desk, merchant)
    place = f"/admin/orders/{order.public_id}"
    assert (await desk.post(f"{place}/accept")).headers["location"] == place
    assert (await the_order(merchant, order)).accepted_at is not None
    assert f'"{place}/accept"' not in (await desk.get(place)).text
    for _ in range(2):
        assert (await desk.post(f"{place}/cancel")).headers["location"] == place
    assert (await the_order(merchant, order)).state is OrderState.CANCELLED
    assert "Order cancelled" in (await desk.get(place)).text


async def test_a_copy_starts_with_everything_but_the_reference_of_its_own(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_order(desk, merchant)
    page = (await desk.get(NEW, params={"from": order.public_id})).text
    assert len(await orders(merchant)) == 1
    copied = await desk.post(NEW, data=fields_of(page) | {"reference": "SHOP-8"})
    assert copied.status_code == 303
    copy = (await orders(merchant))[0]
    assert (copy.reference, copy.version, copy.lines) == ("SHOP-8", 1, order.lines)
    assert (copy.contact, copy.note) == (order.contact, order.note)
    assert copy.public_id != order.public_id


async def test_a_printed_order_says_what_was_ordered_with_its_vat(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_order(desk, merchant)
    page = (await desk.get(f"/admin/orders/{order.public_id}/print")).text
    for words in ("SHOP-7", "Wool blanket", "Aino Virta", "€250.00", "€50.80"):
        assert words in page
    assert "Rings twice" not in page


async def test_another_shops_order_is_nowhere(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    stranger = await a_merchant("Pihla Oy")
    await a_session(stranger)
    (foreign,) = await orders(stranger)
    place = f"/admin/orders/{foreign.public_id}"
    requests: list[tuple[str, str, Any]] = [
        ("GET", f"{place}/edit", None),
        ("GET", f"{place}/print", None),
        ("POST", f"{place}/edit", typed(version="1")),
        ("POST", f"{place}/cancel", None),
        ("POST", f"{place}/accept", None),
    ]
    for method, path, data in requests:
        assert (await desk.request(method, path, data=data)).status_code == 404
    page = (await desk.get(NEW, params={"from": foreign.public_id})).text
    assert "Wool blanket" not in page
    assert await order_for_api(stranger.id, foreign.public_id) == foreign


async def test_a_foreign_page_can_press_nothing(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    order = await an_order(desk, merchant)
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    for path in (NEW, f"/admin/orders/{order.public_id}/cancel"):
        answer = await desk.post(path, data=typed(reference="Theirs"), headers=headers)
        assert answer.status_code == 403
    assert await orders(merchant) == (order,)
