"""The receipt in the making, the address book, and the order that is opened from a receipt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.kernel import clock, db
from app.kernel import db as database
from app.links.queries import link_of_order
from app.links.states import LinkState
from app.merchants.actions import create_staff
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from app.till import actions, queries
from app.till.actions import opening
from app.till.actions.book import CustomerDetails
from app.till.actions.receipts import Locked
from app.till.actions.setup import ProductDetails
from app.till.errors import (
    CustomerKnown,
    CustomerUnknown,
    ProductUnknown,
    ReceiptNotReady,
    ReceiptOpened,
    SignTaken,
    SkuTaken,
    TillUnknown,
)
from app.till.queries import Place, Receipt, Till
from app.till.rules import Discount
from tests.factories.checkout import a_merchant

CUP = ProductDetails("Birch cup", "Table", "C-1", 18_50, Decimal("25.5"))
AINO = CustomerDetails("consumer", "Aino Virta", "aino@example.test", "+358480000101")
VAT = Decimal("25.5")


@dataclass(frozen=True)
class Shop:
    merchant: Merchant
    till: Till
    place: Place

    async def receipt(self) -> Receipt:
        return await queries.receipt_of(self.place)


async def a_cashier(merchant: Merchant, email: str) -> str:
    new = await create_staff(
        merchant.id, email, "Kaisa Kassa", "three steps and done", "cashier", now=clock.wall()
    )
    return new.public_id


@pytest.fixture
async def shop(db: str) -> Shop:
    merchant = await a_merchant()
    till = await actions.make_till(merchant.id, "Till 1", "T1", now=clock.wall())
    staff = await a_cashier(merchant, "kaisa@havu.example")
    return Shop(merchant, till, Place(merchant.id, till.id, staff))


async def a_cup(shop: Shop) -> str:
    return await actions.add_product_to_list(shop.merchant.id, CUP, now=clock.wall())


async def aino(shop: Shop) -> str:
    return await actions.add_customer(shop.merchant.id, AINO, now=clock.wall())


async def opened(shop: Shop) -> OrderView:
    """An order of two cups for Aino."""
    cup, now = await a_cup(shop), await clock.business_now()
    for _ in range(2):
        await actions.add_product(shop.place, cup, now=now)
    await actions.choose_customer(shop.place, await aino(shop), now=now)
    return await the_order(shop, await press_open(shop))


async def press_open(shop: Shop) -> str:
    return await actions.open_order(
        shop.place,
        country="FI",
        currency="EUR",
        discount_name="Discount",
        actor="test",
        now=await clock.business_now(),
    )


async def the_order(shop: Shop, public_id: str) -> OrderView:
    order = await order_for_api(shop.merchant.id, public_id)
    assert order is not None
    return order


# --- the receipt ----------------------------------------------------------------------------------------------------


async def test_a_receipt_nobody_typed_into_is_empty(shop: Shop) -> None:
    assert await shop.receipt() == Receipt()


async def test_the_same_product_twice_is_one_line_of_two(shop: Shop) -> None:
    cup, now = await a_cup(shop), await clock.business_now()
    for _ in range(2):
        await actions.add_product(shop.place, cup, now=now)
    (item,) = (await shop.receipt()).items
    assert (item.name, item.quantity, item.total_minor) == ("Birch cup", 2, 37_00)


async def test_a_product_whose_price_changed_meanwhile_is_a_line_of_its_own(shop: Shop) -> None:
    cup, now = await a_cup(shop), await clock.business_now()
    await actions.add_product(shop.place, cup, now=now)
    await actions.change_product(shop.merchant.id, cup, replace(CUP, price_minor=20_00))
    await actions.add_product(shop.place, cup, now=now)
    assert [item.unit_price_minor for item in (await shop.receipt()).items] == [18_50, 20_00]


async def test_many_taps_at_once_all_count(shop: Shop) -> None:
    cup, now = await a_cup(shop), await clock.business_now()
    await asyncio.gather(*(actions.add_product(shop.place, cup, now=now) for _ in range(8)))
    assert [item.quantity for item in (await shop.receipt()).items] == [8]


async def test_the_last_piece_takes_its_line_away(shop: Shop) -> None:
    now = await clock.business_now()
    await actions.add_amount(shop.place, "Gift wrapping", 3_00, VAT, now=now)
    (item,) = (await shop.receipt()).items
    await actions.step_line(shop.place, item.id, 1, now=now)
    assert (await shop.receipt()).pieces == 2
    for _ in range(3):
        await actions.step_line(shop.place, item.id, -1, now=now)
    assert (await shop.receipt()).items == ()


async def test_a_line_takes_another_price_and_number(shop: Shop) -> None:
    cup, now = await a_cup(shop), await clock.business_now()
    await actions.add_product(shop.place, cup, now=now)
    (item,) = (await shop.receipt()).items
    await actions.change_line(shop.place, item.id, 3, 15_00, now=now)
    assert (await shop.receipt()).sums.total_minor == 45_00
    await actions.change_line(shop.place, item.id, 0, 15_00, now=now)
    assert (await shop.receipt()).items == ()


async def test_each_cashier_has_a_receipt_of_their_own_at_each_till(shop: Shop) -> None:
    now = await clock.business_now()
    other_till = await actions.make_till(shop.merchant.id, "Till 2", "T2", now=now)
    colleague = await a_cashier(shop.merchant, "kalle@havu.example")
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    assert await queries.receipt_of(replace(shop.place, till_id=other_till.id)) == Receipt()
    assert await queries.receipt_of(replace(shop.place, staff_public_id=colleague)) == Receipt()


async def test_another_shops_till_product_and_customer_are_unknown(shop: Shop) -> None:
    now, stranger = await clock.business_now(), await a_merchant("Another shop")
    theirs = await actions.add_product_to_list(stranger.id, CUP, now=now)
    whom = await actions.add_customer(stranger.id, AINO, now=now)
    with pytest.raises(ProductUnknown):
        await actions.add_product(shop.place, theirs, now=now)
    with pytest.raises(CustomerUnknown):
        await actions.choose_customer(shop.place, whom, now=now)
    with pytest.raises(TillUnknown):
        await actions.clear(replace(shop.place, merchant_id=stranger.id), now=now)
    assert await queries.till_of(stranger.id, shop.till.public_id) is None


# --- the price list and the tills -----------------------------------------------------------------------------------


async def test_a_product_that_is_no_longer_sold_leaves_the_list_and_stays_on_receipts(shop: Shop) -> None:
    cup, now = await a_cup(shop), await clock.business_now()
    await actions.add_product(shop.place, cup, now=now)
    await actions.retire_product(shop.merchant.id, cup, now=now)
    assert await queries.products_of(shop.merchant.id) == ()
    assert (await shop.receipt()).pieces == 1
    with pytest.raises(ProductUnknown):
        await actions.add_product(replace(shop.place), cup, now=now)


async def test_an_article_number_is_one_products_until_it_is_retired(shop: Shop) -> None:
    cup, now = await a_cup(shop), await clock.business_now()
    with pytest.raises(SkuTaken):
        await actions.add_product_to_list(shop.merchant.id, replace(CUP, name="Mug"), now=now)
    await actions.retire_product(shop.merchant.id, cup, now=now)
    await actions.add_product_to_list(shop.merchant.id, replace(CUP, name="Mug"), now=now)
    assert [product.name for product in await queries.products_of(shop.merchant.id)] == ["Mug"]


async def test_a_till_is_made_once_and_its_sign_is_its_own(shop: Shop) -> None:
    now = await clock.business_now()
    assert await actions.make_till(shop.merchant.id, "Till 1", "T1", now=now) == shop.till
    with pytest.raises(SignTaken):
        await actions.make_till(shop.merchant.id, "The other till", "T1", now=now)


# --- the address book -----------------------------------------------------------------------------------------------


async def test_a_customer_is_found_by_how_name_mail_and_phone_begin(shop: Shop) -> None:
    await aino(shop)
    for search in ("ain", "VIR", "aino v", "AINO@ex", "048 000", "+358 48"):
        found = await queries.customers_found(shop.merchant.id, search)
        assert [each.email for each in found] == ["aino@example.test"], search
    for search in ("irta", "eino", "%", "_", "'", "048 1", "\\"):
        assert await queries.customers_found(shop.merchant.id, search) == (), search


async def test_without_a_search_the_latest_served_come_first(shop: Shop) -> None:
    now = await clock.business_now()
    await actions.add_customer(shop.merchant.id, AINO, now=now)
    eino = CustomerDetails("consumer", "Eino Virta", "eino@example.test")
    await actions.add_customer(shop.merchant.id, eino, now=now + timedelta(seconds=1))
    names = [each.name for each in await queries.customers_found(shop.merchant.id)]
    assert names == ["Eino Virta", "Aino Virta"]


async def test_one_address_is_one_customer_whatever_its_letters(shop: Shop) -> None:
    known = await aino(shop)
    assert await actions.add_customer(shop.merchant.id, AINO, now=clock.wall()) == known
    other = replace(AINO, name="Somebody Else", email="Aino@Example.test")
    with pytest.raises(CustomerKnown) as refused:
        await actions.add_customer(shop.merchant.id, other, now=clock.wall())
    assert refused.value.public_id == known


async def test_a_customer_who_is_forgotten_leaves_book_and_receipts(shop: Shop) -> None:
    whom, now = await aino(shop), await clock.business_now()
    await actions.choose_customer(shop.place, whom, now=now)
    await actions.forget_customer(shop.merchant.id, whom)
    assert (await shop.receipt()).customer is None
    assert await queries.customers_found(shop.merchant.id, "aino") == ()


async def test_whoever_was_not_served_for_two_years_is_forgotten_and_receipts_after_a_week(
    shop: Shop,
) -> None:
    now = await clock.business_now()
    whom = await actions.add_customer(shop.merchant.id, AINO, now=now)
    await actions.choose_customer(shop.place, whom, now=now)
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    await db.in_tx(lambda: actions.forget_old(now + timedelta(days=6), 100))
    assert (await shop.receipt()).customer is not None
    await db.in_tx(lambda: actions.forget_old(now + timedelta(days=8), 100))
    assert await shop.receipt() == Receipt()
    assert await queries.customer_of(shop.merchant.id, whom) is not None
    await db.in_tx(lambda: actions.forget_old(now + timedelta(days=731), 100))
    assert await queries.customer_of(shop.merchant.id, whom) is None


# --- the order ------------------------------------------------------------------------------------------------------


async def test_an_order_is_opened_for_the_customer_with_a_link_to_it(shop: Shop) -> None:
    order = await opened(shop)
    assert (order.state, order.reference, order.total_minor, order.buyer) == (
        OrderState.OPEN,
        "T1-1",
        37_00,
        "consumer",
    )
    assert (order.contact.name, order.contact.email) == ("Aino Virta", "aino@example.test")
    assert (order.lines[0].sku, order.lines[0].category) == ("C-1", "Table")
    link = await link_of_order(shop.merchant.id, order.id)
    assert link is not None
    assert (link.stored_state, link.expires_at) == (LinkState.ACTIVE, None)


async def test_pressing_twice_at_once_opens_one_order(shop: Shop) -> None:
    now = await clock.business_now()
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    await actions.choose_customer(shop.place, await aino(shop), now=now)
    ids = await asyncio.gather(*(press_open(shop) for _ in range(4)))
    assert len(set(ids)) == 1
    assert await db.fetch_value("SELECT count(*) FROM orders WHERE merchant_id = $1", shop.merchant.id) == 1


async def test_without_the_lock_two_presses_at_once_open_two_orders(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: with the lock taken away, and both presses past it before either writes."""
    now = await clock.business_now()
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    await actions.choose_customer(shop.place, await aino(shop), now=now)
    both, receipt_of = asyncio.Barrier(2), queries.receipt_of

    async def unlocked(place: Place, **_given: object) -> Locked:
        row = await db.fetch_one(
            "SELECT id, customer_id FROM till_receipts WHERE merchant_id = $1", place.merchant_id
        )
        assert row is not None
        return Locked(row["id"], row["customer_id"], None, None)

    async def read_together(place: Place) -> Receipt:
        receipt = await receipt_of(place)
        await both.wait()
        return receipt

    monkeypatch.setattr(opening, "lock", unlocked)
    monkeypatch.setattr(queries, "receipt_of", read_together)
    ids = await asyncio.gather(press_open(shop), press_open(shop))
    assert len(set(ids)) == 2


async def test_nothing_is_opened_without_a_customer_or_without_a_sum(shop: Shop) -> None:
    now = await clock.business_now()
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    with pytest.raises(ReceiptNotReady):
        await press_open(shop)
    await actions.choose_customer(shop.place, await aino(shop), now=now)
    await actions.give_discount(shop.place, Discount(amount_minor=3_00), now=now)
    with pytest.raises(ReceiptNotReady):
        await press_open(shop)
    await actions.give_discount(shop.place, Discount(percent=Decimal(50)), now=now)
    assert (await the_order(shop, await press_open(shop))).total_minor == 1_50


async def test_an_opened_receipt_stays_as_it_is_until_the_next_customer(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    with pytest.raises(ReceiptOpened):
        await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    await actions.next_customer(shop.place, order.public_id, now=now)
    assert await shop.receipt() == Receipt()
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    await actions.next_customer(shop.place, order.public_id, now=now)
    assert (await shop.receipt()).pieces == 1, "a second press empties nothing that was typed since"


async def test_numbers_go_on_and_are_never_used_again(shop: Shop) -> None:
    first, now = await opened(shop), await clock.business_now()
    await actions.next_customer(shop.place, first.public_id, now=now)
    await actions.add_amount(shop.place, "Coffee", 3_00, VAT, now=now)
    await actions.choose_customer(shop.place, await aino(shop), now=now)
    assert (await the_order(shop, await press_open(shop))).reference == "T1-2"


async def test_a_receipt_comes_back_only_from_an_order_that_came_to_nothing(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    await actions.take_back(shop.place, order.public_id, now=now)
    assert (await shop.receipt()).order_public_id == order.public_id
    await db.in_tx(
        lambda: orders.cancel(shop.merchant.id, order.id, expected=OrderState.OPEN, actor="test", now=now)
    )
    await actions.take_back(shop.place, order.public_id, now=now)
    receipt = await shop.receipt()
    assert (receipt.order_public_id, receipt.pieces) == (None, 2)
    assert receipt.customer is not None


# --- the till code --------------------------------------------------------------------------------------------------


async def on_code(shop: Shop, after: timedelta = timedelta()) -> str | None:
    found = await queries.on_code(shop.till.code, await clock.business_now() + after)
    assert found is not None
    return found.order_public_id


async def test_the_code_leads_to_what_the_cashier_put_on_it_and_for_five_minutes_only(shop: Shop) -> None:
    order = await opened(shop)
    assert await on_code(shop) is None
    await actions.put_on_code(shop.place, order.public_id, now=await clock.business_now())
    assert await on_code(shop) == order.public_id
    assert await on_code(shop, timedelta(minutes=5)) is None


async def test_what_is_taken_off_or_left_behind_is_not_found_on_the_code(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    await actions.put_on_code(shop.place, order.public_id, now=now)
    await actions.take_off_code(shop.place, order.public_id, now=now)
    assert await on_code(shop) is None
    await actions.put_on_code(shop.place, order.public_id, now=now)
    await actions.next_customer(shop.place, order.public_id, now=now)
    assert await on_code(shop) is None


async def test_an_order_that_is_over_is_not_found_on_the_code(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    await actions.put_on_code(shop.place, order.public_id, now=now)
    await db.in_tx(
        lambda: orders.cancel(shop.merchant.id, order.id, expected=OrderState.OPEN, actor="test", now=now)
    )
    assert await on_code(shop) is None


async def test_nobody_puts_an_order_on_the_code_that_is_not_on_their_receipt(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    colleague = replace(shop.place, staff_public_id=await a_cashier(shop.merchant, "kalle@havu.example"))
    await actions.put_on_code(colleague, order.public_id, now=now)
    assert await on_code(shop) is None


async def test_an_old_sticker_leads_nowhere_once_the_code_is_renewed(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    await actions.put_on_code(shop.place, order.public_id, now=now)
    await actions.renew_code(shop.merchant.id, shop.till.public_id)
    assert await queries.on_code(shop.till.code, now) is None
    till = await queries.till_of(shop.merchant.id, shop.till.public_id)
    assert till is not None
    assert await queries.on_code(till.code, now) == queries.OnCode(till, None)


async def test_the_code_says_until_when_it_leads_to_its_order(shop: Shop) -> None:
    order, now = await opened(shop), await clock.business_now()
    await actions.put_on_code(shop.place, order.public_id, now=now)
    found = await queries.on_code(shop.till.code, now)
    assert found is not None
    assert found.until == now + timedelta(minutes=5)


async def test_open_pages_hear_what_comes_on_the_code_and_what_it_takes_the_place_of(
    shop: Shop, db: str
) -> None:
    first, now = await opened(shop), await clock.business_now()
    colleague = replace(shop.place, staff_public_id=await a_cashier(shop.merchant, "kalle@havu.example"))
    await actions.add_amount(colleague, "Coffee", 3_00, VAT, now=now)
    await actions.choose_customer(colleague, await aino(shop), now=now)
    second = await press_open(replace(shop, place=colleague))
    heard: list[str] = []
    listener = await database.connect(db)
    try:
        await listener.add_listener("order_changed", lambda *said: heard.append(said[-1]))
        await actions.put_on_code(shop.place, first.public_id, now=now)
        await actions.put_on_code(colleague, second, now=now)
        async with asyncio.timeout(30):
            while len(heard) < 5:
                await listener.fetchval("SELECT 1")
    finally:
        await listener.close()
    assert heard == [shop.till.public_id, first.public_id, shop.till.public_id, *heard[3:]]
    assert set(heard[3:]) == {first.public_id, second}
