"""The till as a cashier meets it, without a script: every button is a form that leads back to the till."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

import httpx
import pytest
from litestar.types import ASGIApp

from app.checkout.actions import withdraw_link
from app.kernel import clock, db
from app.links.queries import link_of_order
from app.links.sending import sends_of_link
from app.merchants.queries import Merchant
from app.orders.queries import OrderView, order_for_api
from app.orders.states import MACHINE, OrderState
from app.till import actions, queries
from app.till.actions.setup import ProductDetails
from app.till.queries import Place, Receipt, Till
from tests.factories.checkout import a_merchant
from tests.support import pages
from tests.web.admin.conftest import Person, a_person, sign_in

MARKUP = """<script>alert(1)</script>{{ 7*7 }}'"&"""
VAT = Decimal("25.5")
AINO = {"name": "Aino Virta", "email": "aino@example.test", "phone": "048 0000101"}


@dataclass(frozen=True)
class Counter:
    """A till, the browser of the cashier at it, and what is on their receipt."""

    merchant: Merchant
    till: Till
    cashier: Person
    browser: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"/admin/till/{self.till.public_id}"

    async def page(self, query: str = "") -> str:
        answer = await self.browser.get(f"{self.url}{query}")
        assert answer.status_code == 200, answer.text
        return answer.text

    async def press(self, form: str, **fields: str) -> httpx.Response:
        return await self.browser.post(f"{self.url}/{form}", data=fields)

    async def receipt(self) -> Receipt:
        return await queries.receipt_of(Place(self.merchant.id, self.till.id, self.cashier.public_id))

    async def order(self) -> OrderView:
        public_id = (await self.receipt()).order_public_id
        assert public_id is not None
        order = await order_for_api(self.merchant.id, public_id)
        assert order is not None
        return order


@pytest.fixture
async def counter(app: ASGIApp, merchant: Merchant) -> AsyncIterator[Counter]:
    till = await actions.make_till(merchant.id, "Till 1", "T1", now=clock.wall())
    cashier = await a_person(merchant, "kaisa@havu.example", "cashier")
    async with pages.browser(app) as client:
        assert (await sign_in(client, cashier)).status_code == 303
        yield Counter(merchant, till, cashier, client)


async def a_product(counter: Counter, name: str = "Birch cup", **changes: object) -> str:
    values: dict[str, object] = {"category": "Table", "sku": None, "price_minor": 18_50, "vat_percent": VAT}
    details = ProductDetails(name, **{**values, **changes})  # type: ignore[arg-type]
    return await actions.add_product_to_list(counter.merchant.id, details, now=clock.wall())


async def opened(counter: Counter) -> OrderView:
    await counter.press("receipt", do="amount", price="45", name="Socks", vat="25.5")
    await counter.press("customer", **AINO)
    assert (await counter.press("open")).headers["location"] == counter.url
    return await counter.order()


# --- the receipt ----------------------------------------------------------------------------------------------------


async def test_a_tap_adds_a_product_and_leads_back_to_where_it_stood(counter: Counter) -> None:
    cup = await a_product(counter)
    answer = await counter.press("receipt", add=cup, category="Table")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{counter.url}?category=Table")
    assert "Birch cup" in await counter.page()
    (item,) = (await counter.receipt()).items
    assert (item.quantity, item.total_minor) == (1, 18_50)
    answer = await counter.press("receipt", line=str(item.id), do="more", **{"from": "receipt"})
    assert answer.headers["location"] == f"{counter.url}#receipt"
    assert (await counter.receipt()).pieces == 2


async def test_a_script_gets_the_till_in_place(counter: Counter) -> None:
    cup = await a_product(counter)
    answer = await counter.browser.post(
        f"{counter.url}/receipt", data={"add": cup}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith("<main")
    assert "€18.50" in answer.text


async def test_a_scanner_types_a_number_and_the_product_is_there(counter: Counter) -> None:
    await a_product(counter, sku="4006381")
    await a_product(counter, "Birch cup, large", sku="40063815")
    await counter.press("receipt", do="find", q="4006381")
    assert [item.sku for item in (await counter.receipt()).items] == ["4006381"]
    several = await counter.press("receipt", do="find", q="birch")
    assert several.status_code == 200
    assert (await counter.receipt()).pieces == 1, "what can mean two products adds neither"


async def test_products_are_searched_and_kept_apart_by_category(counter: Counter) -> None:
    await a_product(counter)
    await a_product(counter, "Wool blanket", category="Home")
    assert "Wool blanket" not in await counter.page("?category=Table")
    page = await counter.page("?q=wool")
    assert ">Wool blanket<" in page
    assert ">Birch cup<" not in page


async def test_another_amount_is_sold_with_a_comma_too(counter: Counter) -> None:
    await counter.press("receipt", do="amount", price="12,50", name="Gift wrapping", vat="25,5")
    (item,) = (await counter.receipt()).items
    assert (item.name, item.unit_price_minor, item.vat_percent) == ("Gift wrapping", 12_50, VAT)


@pytest.mark.parametrize(
    "fields",
    [
        {"price": "1e3", "name": "Cup", "vat": "25.5"},
        {"price": "-5", "name": "Cup", "vat": "25.5"},
        {"price": "999999999999", "name": "Cup", "vat": "25.5"},
        {"price": "5", "name": "", "vat": "25.5"},
        {"price": "5", "name": "x" * 201, "vat": "25.5"},
        {"price": "5", "name": "Cup", "vat": "101"},
        {"price": "", "name": "", "vat": ""},
    ],
)
async def test_what_is_no_amount_is_said_at_its_field_and_kept(
    counter: Counter, fields: dict[str, str]
) -> None:
    answer = await counter.press("receipt", do="amount", **fields)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert (await counter.receipt()).items == ()
    if fields["price"]:
        assert f'value="{fields["price"]}"' in answer.text


async def test_a_discount_is_a_tap_a_share_or_a_sum(counter: Counter) -> None:
    await counter.press("receipt", do="amount", price="40", name="Socks", vat="25.5")
    await counter.press("receipt", do="discount", percent="10")
    assert (await counter.receipt()).sums.total_minor == 36_00
    await counter.press("receipt", do="discount", off="4,50")
    assert (await counter.receipt()).sums.total_minor == 35_50
    too_much = await counter.press("receipt", do="discount", off="40")
    assert "as much as the whole receipt" in too_much.text
    for wrong in ("0", "101", "ten", "-1"):
        assert (await counter.press("receipt", do="discount", percent=wrong)).status_code == 422
    await counter.press("receipt", do="no-discount")
    assert (await counter.receipt()).sums.total_minor == 40_00


async def test_a_line_is_changed_and_taken_off(counter: Counter) -> None:
    await counter.press("receipt", do="amount", price="40", name="Socks", vat="25.5")
    (item,) = (await counter.receipt()).items
    assert "Price of one" in await counter.page(f"?pane=line&line={item.id}")
    await counter.press("receipt", line=str(item.id), do="line", quantity="3", price="35")
    assert (await counter.receipt()).sums.total_minor == 105_00
    wrong = await counter.press("receipt", line=str(item.id), do="line", quantity="10000", price="x")
    assert wrong.status_code == 422
    await counter.press("receipt", line=str(item.id), do="drop")
    assert (await counter.receipt()).items == ()


async def test_what_nobody_of_ours_would_send_changes_nothing(counter: Counter) -> None:
    for fields in (
        {},
        {"do": "dance"},
        {"line": "no id", "do": "more"},
        {"line": "01890000-0000-7000-8000-000000000000", "do": "more"},
        {"add": "prod_nothing"},
        {"do": "find", "q": ""},
    ):
        answer = await counter.press("receipt", **fields)
        assert answer.status_code in {200, 303}, fields
    assert await counter.receipt() == Receipt()


async def test_what_was_typed_is_text_and_never_markup(counter: Counter) -> None:
    await counter.press("receipt", do="amount", price="5", name=MARKUP, vat="25.5")
    await counter.press("customer", name=MARKUP, email="aino@example.test")
    page = await counter.page()
    assert "<script>alert" not in page
    assert "7*7" in page


# --- the customer ---------------------------------------------------------------------------------------------------


async def test_an_order_can_be_opened_only_once_a_customer_is_chosen(counter: Counter) -> None:
    await counter.press("receipt", do="amount", price="45", name="Socks", vat="25.5")
    assert "Open order" not in await counter.page()
    refused = await counter.press("open")
    assert (await counter.receipt()).order_public_id is None
    assert "notice=receipt_not_ready" in refused.headers["location"]
    await counter.press("customer", **AINO)
    assert "Open order" in await counter.page()


async def test_a_customer_needs_a_name_and_an_address_that_mail_can_go_to(counter: Counter) -> None:
    for wrong in ({"name": ""}, {"email": ""}, {"email": "aino"}, {"phone": "12"}, {"postcode": "x"}):
        answer = await counter.press("customer", **AINO | wrong)
        assert answer.status_code == 422, wrong
        assert 'aria-invalid="true"' in answer.text
    assert await queries.customers_found(counter.merchant.id) == ()


async def test_a_slip_in_the_address_is_asked_about_and_either_answer_holds(counter: Counter) -> None:
    asked = await counter.press("customer", **AINO | {"email": "aino@gmial.com"})
    assert "Did you mean aino@gmail.com?" in asked.text
    assert await queries.customers_found(counter.merchant.id) == ()
    await counter.press("customer", **AINO | {"email": "aino@gmial.com", "take": "aino@gmail.com"})
    customer = (await counter.receipt()).customer
    assert customer is not None
    assert customer.email == "aino@gmail.com"
    kept = {"name": "Eino", "email": "eino@gmial.com", "sure": "eino@gmial.com", "keep": "1"}
    await counter.press("customer", **kept)
    customer = (await counter.receipt()).customer
    assert customer is not None
    assert customer.email == "eino@gmial.com"


async def test_somebody_elses_address_names_them_and_lets_the_cashier_choose(counter: Counter) -> None:
    await counter.press("customer", **AINO)
    answer = await counter.press("customer", name="Somebody Else", email="AINO@example.test")
    assert answer.status_code == 422
    assert "This address belongs to Aino Virta." in answer.text
    pick = re.search(r'name="pick" value="(cust_\w+)"', answer.text)
    assert pick is not None
    await counter.press("receipt", do="nobody")
    await counter.press("customer", pick=pick[1])
    customer = (await counter.receipt()).customer
    assert customer is not None
    assert customer.name == "Aino Virta"


async def test_who_is_searched_for_and_unknown_is_begun_with_what_was_typed(counter: Counter) -> None:
    assert 'value="eino@example.test"' in await counter.page("?pane=customer&q=eino@example.test")
    assert 'id="f-name" name="name" type="text" value="Eino"' in await counter.page("?pane=customer&q=Eino")


async def test_a_forgotten_customer_is_gone_from_the_book_and_the_receipt(counter: Counter) -> None:
    await counter.press("customer", **AINO)
    customer = (await counter.receipt()).customer
    assert customer is not None
    await counter.press("customer", forget=customer.public_id)
    assert (await counter.receipt()).customer is None
    assert await queries.customers_found(counter.merchant.id) == ()


# --- the order ------------------------------------------------------------------------------------------------------


async def test_the_order_that_is_opened_says_what_the_till_said(counter: Counter) -> None:
    await counter.press("receipt", do="amount", price="45", name="Socks", vat="25.5")
    await counter.press("receipt", do="discount", percent="10")
    await counter.press("customer", **AINO)
    await counter.press("open")
    order = await counter.order()
    assert (order.state, order.reference, order.total_minor) == (OrderState.OPEN, "T1-1", 40_50)
    # In the shop's language: the order is read by its customer.
    assert [line.name for line in order.lines][1].startswith("Alennus")
    page = await counter.page()
    assert "Accept and send payment link" in page
    assert 'class="qr"' in page


async def test_accept_and_send_accepts_and_sends_once(counter: Counter) -> None:
    order = await opened(counter)
    key = re.search(r'name="key" value="([^"]+)"', await counter.page())
    assert key is not None
    for _ in range(2):
        await counter.press("order", order=order.public_id, do="send", key=key[1], valid="7")
    link = await link_of_order(counter.merchant.id, order.id)
    assert link is not None
    (send,) = await sends_of_link(counter.merchant.id, link.id)
    assert (send.recipient, send.channel) == ("aino@example.test", "email")
    assert link.expires_at is not None
    assert (await counter.order()).accepted_at is not None
    assert "On its way to aino@example.test" in await counter.page()


async def test_stop_ends_the_order_and_brings_its_receipt_back(counter: Counter) -> None:
    order = await opened(counter)
    await counter.press("stop", order=order.public_id)
    after = await order_for_api(counter.merchant.id, order.public_id)
    assert after is not None
    assert after.state is OrderState.CANCELLED
    receipt = await counter.receipt()
    assert (receipt.order_public_id, receipt.sums.total_minor) == (None, 45_00)
    again = await counter.press("open")
    assert again.status_code == 303
    assert (await counter.order()).reference == "T1-2"


async def test_stop_and_next_touch_no_order_but_the_one_that_is_open_here(counter: Counter) -> None:
    order = await opened(counter)
    other = await a_person(counter.merchant, "kalle@havu.example", "cashier")
    place = Place(counter.merchant.id, counter.till.id, other.public_id)
    await counter.press("stop", order="ord_00000000000000000000000000")
    await counter.press("order", order="ord_00000000000000000000000000", do="next")
    assert (await counter.order()).state is OrderState.OPEN
    assert await queries.receipt_of(place) == Receipt()
    await counter.press("order", order=order.public_id, do="next")
    assert await counter.receipt() == Receipt()


async def test_an_order_that_was_cancelled_elsewhere_says_so_and_offers_its_receipt(counter: Counter) -> None:
    order = await opened(counter)
    await db.in_tx(lambda: _cancelled(counter, order))
    assert "Back to the receipt" in await counter.page()
    await counter.press("stop", order=order.public_id)
    assert (await counter.receipt()).sums.total_minor == 45_00


async def test_an_order_whose_link_was_taken_back_is_ended_with_its_receipt(counter: Counter) -> None:
    order = await opened(counter)
    now = await clock.business_now()
    await withdraw_link(counter.merchant.id, order.public_id, actor="test", now=now)
    assert "Nobody can pay this order any more." in await counter.page()
    await counter.press("stop", order=order.public_id)
    assert (await counter.receipt()).sums.total_minor == 45_00
    after = await order_for_api(counter.merchant.id, order.public_id)
    assert after is not None
    assert after.state is OrderState.CANCELLED


async def test_what_is_paid_in_the_moment_it_is_stopped_stays_paid_and_says_so(counter: Counter) -> None:
    order = await opened(counter)
    await db.in_tx(lambda: _paid(counter, order))
    answer = await counter.press("stop", order=order.public_id)
    assert "notice=too_late" in answer.headers["location"]
    page = await counter.page("?notice=too_late")
    assert "Too late to stop" in page
    assert "Paid" in page
    assert (await counter.order()).state is OrderState.PAID


async def _paid(counter: Counter, order: OrderView) -> None:
    now = await clock.business_now()
    for was, to in ((OrderState.OPEN, OrderState.IN_PAYMENT), (OrderState.IN_PAYMENT, OrderState.PAID)):
        await MACHINE.move(counter.merchant.id, order.id, expected=was, to=to, actor="test", at=now)


async def _cancelled(counter: Counter, order: OrderView) -> None:
    from app.orders.actions import cancel  # noqa: PLC0415 - the one verb that this page does not press

    now = await clock.business_now()
    await cancel(counter.merchant.id, order.id, expected=OrderState.OPEN, actor="test", now=now)


async def test_the_till_code_is_put_on_and_taken_off(counter: Counter) -> None:
    order = await opened(counter)
    await counter.press("order", order=order.public_id, do="code")
    assert "On the till code" in await counter.page()
    found = await queries.on_code(counter.till.code, await clock.business_now())
    assert found is not None
    assert found.order_public_id == order.public_id
    await counter.press("order", order=order.public_id, do="no-code")
    assert "Put it on the till code" in await counter.page()


async def test_a_page_has_nothing_to_listen_to_before_an_order_is_open(counter: Counter) -> None:
    assert (await counter.browser.get(f"{counter.url}/live")).status_code == 204
    assert "data-live" not in await counter.page()
    await opened(counter)
    assert f'data-live="{counter.url}/live"' in await counter.page()


async def test_another_shops_till_is_unknown(counter: Counter) -> None:
    stranger = await a_merchant("Another shop")
    theirs = await actions.make_till(stranger.id, "Till 1", "T1", now=clock.wall())
    assert (await counter.browser.get(f"/admin/till/{theirs.public_id}")).status_code == 404
    for form in ("receipt", "customer", "open", "order", "stop"):
        answer = await counter.browser.post(f"/admin/till/{theirs.public_id}/{form}", data={"do": "clear"})
        assert answer.status_code == 404, form


# --- what an owner sets up ------------------------------------------------------------------------------------------


async def test_a_single_till_is_opened_at_once_and_several_are_chosen_from(counter: Counter) -> None:
    answer = await counter.browser.get("/admin/till")
    assert answer.headers["location"] == counter.url
    await actions.make_till(counter.merchant.id, "Till 2", "T2", now=clock.wall())
    page = (await counter.browser.get("/admin/till")).text
    assert page.count("Use this till") == 2
    assert "Set up" not in page, "a cashier sets up none"


async def test_an_owner_sets_up_a_till_and_its_sign_follows_from_the_name(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    answer = await desk.post("/admin/till/setup", data={"till": "Market stall 12", "sign": ""})
    (till,) = await queries.tills_of(merchant.id)
    assert (till.name, till.sign) == ("Market stall 12", "MS12")
    assert answer.headers["location"] == f"/admin/till/{till.public_id}"
    taken = await desk.post("/admin/till/setup", data={"till": "Another", "sign": "ms12"})
    assert taken.status_code == 422
    assert "This is taken already." in taken.text
    for wrong in ({"till": ""}, {"till": "Stall", "sign": "Ж"}, {"till": "x" * 61, "sign": "X"}):
        assert (await desk.post("/admin/till/setup", data={"sign": "", **wrong})).status_code == 422


async def test_the_sticker_holds_the_tills_address_and_a_new_one_replaces_it(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    till = await actions.make_till(merchant.id, "Till 1", "T1", now=clock.wall())
    page = (await desk.get(f"/admin/till/{till.public_id}/code")).text
    assert f"{pages.BASE_URL}/till/{till.code}" in page
    await desk.post(f"/admin/till/{till.public_id}/code")
    assert till.code not in (await desk.get(f"/admin/till/{till.public_id}/code")).text


async def test_the_price_list_is_kept(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    cup = {"name": "Birch cup", "price": "18,50", "vat": "25.5", "category": "Table", "sku": "C-1"}
    assert (await desk.post("/admin/till/products/new", data=cup)).status_code == 303
    (product,) = await queries.products_of(merchant.id)
    address = f"/admin/till/products/{product.public_id}"
    assert 'value="18.50"' in (await desk.get(address)).text
    assert "Birch cup" in (await desk.get("/admin/till/products")).text
    await desk.post(address, data=cup | {"price": "20"})
    (product,) = await queries.products_of(merchant.id)
    assert product.price_minor == 20_00
    taken = await desk.post("/admin/till/products/new", data=cup | {"name": "Mug"})
    assert taken.status_code == 422
    wrong = await desk.post(address, data=cup | {"price": "much", "name": "", "vat": "200"})
    assert wrong.status_code == 422
    assert wrong.text.count('aria-invalid="true"') == 3
    await desk.post(address, data={"do": "retire"})
    assert await queries.products_of(merchant.id) == ()
    assert (await desk.get(address)).status_code == 404


async def test_a_cashier_who_signs_in_begins_at_the_till(app: ASGIApp, merchant: Merchant) -> None:
    cashier = await a_person(merchant, "kaisa@havu.example", "cashier")
    async with pages.browser(app) as client:
        assert (await sign_in(client, cashier)).headers["location"] == "/admin/till"
