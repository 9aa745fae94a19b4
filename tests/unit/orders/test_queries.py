"""Lists of orders: newest first, in pages that neither skip nor repeat, and never more than two statements."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout.actions import cancel_session, open_session
from app.checkout.drafts import SessionDraft
from app.kernel import clock, db
from app.kernel.cursors import CursorRefused, Position
from app.merchants.queries import Merchant
from app.orders.lists import OrderPage, Wanted, list_orders
from app.orders.queries import order_for_api
from app.orders.states import OrderState
from tests.factories.checkout import a_line, a_merchant


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def an_order(merchant: Merchant, reference: str = "SHOP-1001", minutes_ago: int = 0) -> str:
    draft = SessionDraft(
        reference=reference,
        country="FI",
        currency="EUR",
        locale=None,
        buyer="consumer",
        lines=(a_line(), a_line("Soap", "4.50", quantity=3)),
        customer=None,
        success_url="https://shop.example/",
        cancel_url="https://shop.example/",
        expires_in_s=86_400,
    )
    opened = await open_session(merchant, draft, clock.wall() - timedelta(minutes=minutes_ago))
    return opened.order_id


def references(page: OrderPage) -> list[str]:
    return [order.reference for order in page.orders]


async def test_pages_are_newest_first_and_neither_skip_nor_repeat_while_orders_come_in(
    merchant: Merchant,
) -> None:
    for number in range(7):
        await an_order(merchant, f"S-{number}", minutes_ago=number)
    seen: list[str] = []
    cursor = None
    while True:
        page = await list_orders(merchant.id, cursor=cursor, limit=3)
        seen += references(page)
        await an_order(merchant, "S-late", minutes_ago=0)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [f"S-{number}" for number in range(7)]


async def test_orders_of_one_moment_are_paged_too(merchant: Merchant) -> None:
    for number in range(5):
        await an_order(merchant, f"S-{number}")
    await db.in_tx(lambda: db.execute("UPDATE orders SET created_at = (SELECT min(created_at) FROM orders)"))
    first = await list_orders(merchant.id, limit=3)
    second = await list_orders(merchant.id, limit=3, cursor=first.next_cursor)
    assert sorted(references(first) + references(second)) == [f"S-{number}" for number in range(5)]


async def test_a_list_costs_two_statements_whatever_its_length(merchant: Merchant) -> None:
    for _ in range(4):
        await an_order(merchant)
    with db.counting() as counts:
        page = await list_orders(merchant.id, limit=50)
    assert counts.queries == 2
    assert [len(order.lines) for order in page.orders] == [2] * 4


async def test_a_search_is_how_a_reference_begins_and_its_signs_mean_themselves(merchant: Merchant) -> None:
    for reference in ("AB-1", "AB-2", "ab-3", "A%-4", "A_-5", "A\\-6", "XAB-7"):
        await an_order(merchant, reference)

    async def found(search: str) -> list[str]:
        return sorted(references(await list_orders(merchant.id, Wanted(reference=search))))

    assert await found("AB") == ["AB-1", "AB-2"]
    assert await found("A%") == ["A%-4"]
    assert await found("A_") == ["A_-5"]
    assert await found("A\\") == ["A\\-6"]
    assert await found("%") == []


async def test_a_list_may_be_of_one_state_and_is_of_one_merchant(merchant: Merchant) -> None:
    stranger = await a_merchant("Pihla Oy")
    await an_order(stranger, "theirs")
    await an_order(merchant, "open")
    await an_order(merchant, "cancelled")
    session = await db.fetch_value(
        "SELECT s.public_id FROM checkout_sessions s JOIN orders o ON o.id = s.order_id WHERE o.reference = 'cancelled'"
    )
    assert await cancel_session(merchant.id, session, actor="test", now=clock.wall())
    assert references(await list_orders(merchant.id, Wanted(state=OrderState.CANCELLED))) == ["cancelled"]
    assert sorted(references(await list_orders(merchant.id))) == ["cancelled", "open"]


async def test_an_order_that_expiry_removed_is_known_as_removed_and_in_no_list(merchant: Merchant) -> None:
    kept, removed = await an_order(merchant, "kept"), await an_order(merchant, "removed")

    async def expire_and_blank() -> None:
        await db.execute("UPDATE orders SET state = 'expired'")
        await db.execute(
            "DELETE FROM order_lines l USING orders o WHERE o.id = l.order_id AND o.public_id = $1", removed
        )

    await db.in_tx(expire_and_blank)
    assert references(await list_orders(merchant.id)) == ["kept"]
    for public_id, is_removed in ((kept, False), (removed, True)):
        order = await order_for_api(merchant.id, public_id)
        assert order is not None
        assert order.removed is is_removed


async def test_an_order_shows_personal_data_in_no_representation(merchant: Merchant) -> None:
    public_id = await an_order(merchant)
    await db.in_tx(
        lambda: db.execute("UPDATE order_contacts SET name = 'Aino Virta', phone = '+358480000101'")
    )
    order = await order_for_api(merchant.id, public_id)
    assert order is not None
    assert order.contact.name == "Aino Virta"
    assert "Aino" not in repr(order)
    assert "+358" not in repr(order)


@pytest.mark.parametrize("text", ["", "x", "A" * 31, "A" * 33, "f" + "_" * 31, "\u00e4" * 32, "AAAA AAA" * 4])
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(CursorRefused):
        Position.parse(text)


async def test_a_cursor_says_what_it_was_made_from(merchant: Merchant) -> None:
    await an_order(merchant)
    row = await db.fetch_one("SELECT created_at, id FROM orders")
    assert row is not None
    position = Position(row["created_at"], row["id"])
    assert Position.parse(position.text()) == position
