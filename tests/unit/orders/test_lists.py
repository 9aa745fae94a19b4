"""The list of orders: found by how words begin, filtered, a page at a time, whatever the number of orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app.kernel import clock, db
from app.kernel.cursors import CursorRefused
from app.links.actions import make
from app.merchants.queries import Merchant
from app.orders import actions, lists
from app.orders.actions import Contact, Contents, NewOrder
from app.orders.lists import Wanted, each_order, list_orders
from app.orders.queries import OrderView, order_for_api
from app.orders.states import OrderState
from tests.factories.checkout import a_line, a_merchant

AINO = Contact(name="Aino Maria Virta", email="aino.virta@example.test", phone="+358401234567")


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def an_order(
    merchant: Merchant,
    reference: str = "SHOP-1001",
    contact: Contact = AINO,
    *,
    price: str = "129.00",
    minutes_ago: int = 0,
    buyer: str = "consumer",
) -> OrderView:
    now = clock.wall() - timedelta(minutes=minutes_ago)
    new = NewOrder(reference, "FI", "EUR", buyer, (a_line(price=price),), contact)
    made = await db.in_tx(
        lambda: actions.create(merchant.id, new, state=OrderState.OPEN, actor="test", now=now)
    )
    order = await order_for_api(merchant.id, made.public_id)
    assert order is not None
    return order


def references(orders: Sequence[OrderView]) -> list[str]:
    return [order.reference for order in orders]


async def found(merchant: Merchant, words: str | None = None, **narrowed: object) -> list[str]:
    wanted = Wanted(words=words, **narrowed)  # type: ignore[arg-type]
    return references((await list_orders(merchant.id, wanted)).orders)


async def walked(merchant: Merchant, wanted: Wanted, limit: int = 2) -> list[str]:
    """Every page of a list, one after the other."""
    seen: list[str] = []
    cursor = None
    for _ in range(50):
        page = await list_orders(merchant.id, wanted, cursor=cursor, limit=limit)
        assert len(page.orders) <= limit
        seen += references(page.orders)
        cursor = page.next_cursor
        if cursor is None:
            return seen
    pytest.fail("the list has no end")


# --- words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    ["shop-10", "SHOP 1001", "shop1", "aino", "Aino Maria V", "virta ai", "maria", "VIRTA, Aino", "aino.v",
     "aino.virta@", "040 123", "+358 40 123", "0401234567", "358401", "(040) 12-34"],
)  # fmt: skip
async def test_an_order_is_found_by_how_its_reference_a_name_the_email_or_the_phone_begins(
    merchant: Merchant, typed: str
) -> None:
    await an_order(merchant)
    await an_order(merchant, "X", Contact(name="Eino Laine", email="eino@example.test", phone="+46701234567"))
    assert await found(merchant, typed) == ["SHOP-1001"]


@pytest.mark.parametrize("typed", ["001", "irta", "1234567", "example", "%", "_", "-", "Aino Laine"])
async def test_what_stands_within_a_word_or_is_no_letter_finds_nothing(
    merchant: Merchant, typed: str
) -> None:
    await an_order(merchant)
    assert await found(merchant, typed) == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Väinö Hämäläinen", "hamalai"), ("Vaino Hamalainen", "Hämäläi"), ("Иван Петров", "пЕТРОВ"), ("ÅSA ÆBLE", "åsa æ"),
     ("Søren Ørsted", "SØREN"), ("Anna-Liisa O'Neill", "oneill, anna-l")],
)  # fmt: skip
async def test_accents_and_capital_letters_do_not_matter(merchant: Merchant, name: str, typed: str) -> None:
    await an_order(merchant, "N-1", Contact(name=name))
    assert await found(merchant, typed) == ["N-1"]


async def test_phones_of_every_country_are_found_as_they_are_said_there(merchant: Merchant) -> None:
    for reference, phone in (("SE", "+46701234567"), ("DK", "+4520123456"), ("BG", "+359881234567")):
        await an_order(merchant, reference, Contact(phone=phone))
    assert await found(merchant, "070-123") == ["SE"]
    assert await found(merchant, "20 12") == ["DK"]
    assert await found(merchant, "088 12") == ["BG"]


async def test_the_closest_match_comes_first_and_of_equal_ones_the_newest(merchant: Merchant) -> None:
    people = {
        "A": "Aino Virtanen",
        "B": "Oili Virta",
        "C": "Eino Virtala",
        "D": "Oili Virta",
        "E": "Eino Virta",
    }
    for age, (reference, name) in enumerate(people.items()):
        await an_order(merchant, reference, Contact(name=name), minutes_ago=age)
    await an_order(merchant, "VIRTA", Contact(), minutes_ago=10)
    assert await found(merchant, "virta") == ["VIRTA", "E", "B", "D", "C", "A"]


@pytest.mark.parametrize("typed", ["cafe", "cafe se", "cafe seven 7", "cafeseven7", "7 oy", "oy", "gift c"])
async def test_names_with_numbers_and_references_with_blanks_are_found_as_they_are_written(
    merchant: Merchant, typed: str
) -> None:
    await an_order(merchant, "GIFT CARD 1", Contact(name="Café Seven 7 Oy"))
    assert await found(merchant, typed) == ["GIFT CARD 1"]


async def test_an_order_that_is_found_by_several_words_stands_once_on_exactly_one_page(
    merchant: Merchant,
) -> None:
    for number in range(7):
        contact = Contact(name="Virta Virtanen", email="virta@example.test")
        await an_order(merchant, f"VIRTA-{number}", contact, minutes_ago=number)
    seen = await walked(merchant, Wanted(words="virta"))
    assert sorted(seen) == [f"VIRTA-{number}" for number in range(7)]


async def test_words_follow_what_an_edit_changes(merchant: Merchant) -> None:
    order = await an_order(merchant)
    contents = Contents("NEW-7", order.lines, Contact(name="Eino Laine", email="aino.virta@example.test"))
    await db.in_tx(
        lambda: actions.edit(
            merchant.id,
            order.public_id,
            contents,
            version=1,
            edit_id=order.id,
            actor="test",
            now=clock.wall(),
        )
    )
    for gone in ("shop", "virta ai", "040"):
        assert await found(merchant, gone) == [], gone
    for kept in ("new 7", "laine", "aino.virta@"):
        assert await found(merchant, kept) == ["NEW-7"], kept


async def test_what_is_forgotten_of_an_order_finds_it_no_more(merchant: Merchant) -> None:
    order = await an_order(merchant)
    now = clock.wall()
    await db.in_tx(
        lambda: actions.cancel(merchant.id, order.id, expected=OrderState.OPEN, actor="test", now=now)
    )
    assert await db.in_tx(lambda: actions.forget_contacts(now + timedelta(days=31), 100)) == 1

    words = await db.fetch_all("SELECT word FROM order_words WHERE merchant_id = $1", merchant.id)
    assert [row["word"] for row in words] == ["shop1001"]


async def test_the_words_of_another_shop_find_nothing(merchant: Merchant) -> None:
    await an_order(await a_merchant("Pihla Oy"))
    assert await found(merchant, "aino") == []


async def test_a_search_is_paged_by_the_order_it_ended_with_while_that_is_found(merchant: Merchant) -> None:
    first = await an_order(merchant, "A-1", Contact(name="Aino Virta"))
    await an_order(merchant, "A-2", Contact(name="Aino Virta"), minutes_ago=1)
    page = await list_orders(merchant.id, Wanted(words="virta"), limit=1)
    assert references(page.orders) == ["A-1"]

    await db.in_tx(
        lambda: db.execute("UPDATE order_contacts SET name = 'Eino' WHERE order_id = $1", first.id)
    )
    with pytest.raises(CursorRefused):
        await list_orders(merchant.id, Wanted(words="virta"), cursor=page.next_cursor)


# --- sums and filters -------------------------------------------------------------------------------------------


async def test_a_whole_sum_finds_the_orders_of_that_total(merchant: Merchant) -> None:
    await an_order(merchant, "A", price="1249.50")
    await an_order(merchant, "B", price="1249.51")
    for typed in ("1249.50", "1249,50", "1 249,50", "€1249.50"):
        assert await found(merchant, typed) == ["A"], typed
    assert await found(merchant, "1249") == []


async def test_a_reference_that_looks_like_a_sum_is_found_as_a_reference(merchant: Merchant) -> None:
    await an_order(merchant, "2026.10", price="12.00")
    await an_order(merchant, "other", price="2026.10")
    assert await found(merchant, "2026.10") == ["2026.10"]


@pytest.fixture
async def several(merchant: Merchant) -> Merchant:
    """Six orders, the first one the newest, an hour between two."""
    for number in range(6):
        await an_order(
            merchant,
            f"S-{number}",
            price=f"{number + 1}0.00",
            minutes_ago=60 * number,
            buyer="business" if number % 2 else "consumer",
        )
    linked = await list_orders(merchant.id, Wanted(words="s-4"))
    await make(merchant.id, linked.orders[0].public_id, expires_at=None, actor="test", now=clock.wall())
    return merchant


async def test_filters_narrow_by_time_sum_buyer_and_link_each_and_together(several: Merchant) -> None:
    ago = clock.wall() - timedelta(minutes=150)
    assert await found(several, since=ago) == ["S-0", "S-1", "S-2"]
    assert await found(several, before=ago) == ["S-3", "S-4", "S-5"]
    assert await found(several, min_minor=30_00) == ["S-2", "S-3", "S-4", "S-5"]
    assert await found(several, max_minor=30_00) == ["S-0", "S-1", "S-2"]
    assert await found(several, min_minor=20_00, max_minor=40_00, since=ago) == ["S-1", "S-2"]
    assert await found(several, buyer="business") == ["S-1", "S-3", "S-5"]
    assert await found(several, buyer="consumer", state=OrderState.OPEN) == ["S-0", "S-2", "S-4"]
    assert await found(several, buyer="business", state=OrderState.PAID) == []
    assert await found(several, has_link=True) == ["S-4"]
    assert await found(several, has_link=False) == ["S-0", "S-1", "S-2", "S-3", "S-5"]
    assert await found(several, "s-", has_link=True, min_minor=50_00) == ["S-4"]
    assert await found(several, "aino", buyer="business", before=ago, state=OrderState.OPEN) == ["S-3", "S-5"]
    assert await found(several, "20.00", buyer="business") == ["S-1"]


@pytest.mark.parametrize("few", [0, 1, 100])
@pytest.mark.parametrize("look", [1, 2, 100])
async def test_a_list_is_walked_to_its_end_however_little_one_page_may_look_at(
    several: Merchant, monkeypatch: pytest.MonkeyPatch, few: int, look: int
) -> None:
    monkeypatch.setattr(lists, "FEW", few)
    monkeypatch.setattr(lists, "LOOK", look)
    for wanted, expected in (
        (Wanted(min_minor=30_00), ["S-2", "S-3", "S-4", "S-5"]),
        (Wanted(max_minor=20_00, buyer="consumer"), ["S-0"]),
        (Wanted(has_link=True), ["S-4"]),
        (Wanted(has_link=False, reference="S-5"), ["S-5"]),
        (Wanted(words="virta", has_link=True), ["S-4"]),
        (Wanted(words="s", min_minor=50_00), ["S-4", "S-5"]),
        (Wanted(buyer="consumer", state=OrderState.OPEN), ["S-0", "S-2", "S-4"]),
    ):
        assert await walked(several, wanted) == expected, wanted


async def test_a_page_that_stopped_looking_says_so(
    several: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "FEW", 0)
    monkeypatch.setattr(lists, "LOOK", 3)
    page = await list_orders(several.id, Wanted(min_minor=60_00))
    assert (page.orders, page.cut) == ((), True)
    last = await list_orders(several.id, Wanted(min_minor=60_00), cursor=page.next_cursor)
    assert references(last.orders) == ["S-5"]


async def test_an_export_holds_every_order_of_the_list_once(
    several: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "EXPORT_STEP", 2)
    every = [order async for order in each_order(several.id, Wanted())]
    assert references(every) == [f"S-{number}" for number in range(6)]
    some = [order async for order in each_order(several.id, Wanted(words="aino", buyer="business"))]
    assert references(some) == ["S-1", "S-3", "S-5"]
