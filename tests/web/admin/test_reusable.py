"""Staff make links that many people pay by, look who has paid, and stop them."""

from __future__ import annotations

import html
import re

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock
from app.links.reusable import actions, queries
from app.links.reusable.queries import ReusableView
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.factories.ways import on_credit_alone
from tests.support import pages
from tests.unit.links.test_reusable import a_press
from tests.web.admin.conftest import a_person, sign_in

LIST = "/admin/links/reusable"
NEW = f"{LIST}/new"
TYPED = {"title": "Membership 2026", "amount": "25,00", "vat": "25.5", "key": "x"}


async def made(desk: httpx.AsyncClient, **changes: str) -> str:
    """The address of a link's page."""
    answer = await desk.post(NEW, data=TYPED | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def the_link(merchant: Merchant) -> ReusableView:
    [link] = (await queries.reusable_page(merchant.id)).links
    return link


async def test_a_link_is_made_and_shown_with_its_address_and_code(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    address = await made(desk, uses="100", reference_hint="Your membership number")
    page = (await desk.get(address)).text
    link = await the_link(merchant)
    assert (link.amount_minor, link.uses_max, link.reference_hint) == (25_00, 100, "Your membership number")
    assert f'value="{link.url(pages.BASE_URL)}"' in page
    assert '<svg class="qr"' in page
    assert "0 of 100" in page
    assert "Membership 2026" in (await desk.get(LIST)).text


async def test_without_a_sum_whoever_pays_types_it(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    await made(desk, amount="", most="50")
    link = await the_link(merchant)
    assert (link.amount_minor, link.min_minor, link.max_minor) == (None, 1_00, 50_00)


async def test_it_holds_through_its_last_day(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    today = merchant.local_date(await clock.business_now())
    await made(desk, until=today.isoformat())
    expires_at = (await the_link(merchant)).expires_at
    assert expires_at is not None
    assert merchant.local_date(expires_at) == today


async def test_a_form_sent_twice_makes_one_link(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    key = re.search(r'name="key" value="([^"]+)"', (await desk.get(NEW)).text)
    assert key is not None
    assert await made(desk, key=key[1]) == await made(desk, key=key[1])
    await the_link(merchant)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"title": ""}, "title", "This is needed."),
        ({"title": "x" * 201}, "title", "This is too long."),
        ({"amount": "ten"}, "amount", "Write a sum like 129.00 or 129,00."),
        ({"amount": "0"}, "amount", "Enter at least €0.01."),
        ({"amount": "", "least": "10", "most": "5"}, "most", "Enter at least €10.00."),
        ({"least": "10"}, "least", "Leave this empty, or the sum: a fixed sum has no bounds."),
        ({"most": "90"}, "most", "Leave this empty, or the sum: a fixed sum has no bounds."),
        ({"vat": ""}, "vat", "This is needed."),
        ({"vat": "101"}, "vat", "Write a rate like 25.5, between 0 and 100."),
        ({"uses": "0"}, "uses", "Write a whole number between 1 and 100000."),
        ({"until": "2020-01-01"}, "until", "Choose a day from today on, at most a year ahead."),
        ({"reference": "x" * 101}, "reference", "This is too long."),
    ],
)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant, changes: dict[str, str], field: str, said: str
) -> None:
    answer = await desk.post(NEW, data=TYPED | changes)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    wrong = re.search(rf'id="f-{field}-wrong">([^<]+)<', page)
    assert wrong is not None
    assert wrong[1].strip() == said
    for name, value in (TYPED | changes).items():
        assert name == "key" or re.search(rf'name="{name}"[^>]*value="{re.escape(value)}"', page), name
    assert (await queries.reusable_page(merchant.id)).links == ()


async def test_the_number_of_a_card_is_no_reference(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    answer = await desk.post(NEW, data=TYPED | {"reference": "4111 1111 1111 1111"})
    assert answer.status_code == 422
    assert "4111" not in answer.text
    assert (await queries.reusable_page(merchant.id)).links == ()


async def test_a_link_is_stopped_and_taken_up_again(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    address = await made(desk)
    assert (await desk.post(f"{address}/stop")).status_code == 303
    assert "Take payments again" in (await desk.get(address)).text
    assert (await the_link(merchant)).closed(clock.wall()) == "stopped"
    await desk.post(f"{address}/resume")
    assert (await the_link(merchant)).closed(clock.wall()) is None


async def test_the_orders_by_a_link_are_listed(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    address = await made(desk)
    own = await actions.use(await the_link(merchant), a_press("Member <7>"), now=clock.wall())
    page = (await desk.get(address)).text
    assert f"/admin/orders/{own.order_public_id}" in page
    assert "Member &lt;7&gt;" in page
    assert "1 on its way" in page


async def test_another_shops_links_are_not_found(desk: httpx.AsyncClient, app: ASGIApp) -> None:
    address = await made(desk)
    other = await a_person(await a_merchant("Other"), "other@shop.example")
    async with pages.browser(app) as client:
        await sign_in(client, other)
        for path in (address, f"{LIST}/rl_nothing", f"{LIST}/{'x' * 100}"):
            assert (await client.get(path)).status_code == 404
        for change in ("stop", "resume", "explode"):
            assert (await client.post(f"{address}/{change}")).status_code == 404
    assert "Active" in (await desk.get(address)).text


async def test_staff_are_told_when_no_plan_takes_the_sum_of_a_link(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await on_credit_alone(merchant)
    told = "None of your ways to pay takes this sum"
    assert told not in (await desk.get(await made(desk))).text
    assert told in (await desk.get(await made(desk, amount="9999999"))).text
