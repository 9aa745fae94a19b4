"""The list of orders over very many: whatever is asked, nothing is read that is not shown or stands beside it."""

from __future__ import annotations

import re

import pytest

from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders import lists
from app.orders.lists import Wanted, list_orders
from app.orders.states import OrderState
from bench import orders_seed
from tests.factories.checkout import a_merchant

MANY = 20_000

WISHES = {
    "all": Wanted(),
    "a state": Wanted(state=OrderState.HELD),
    "businesses": Wanted(buyer="business"),
    "consumers of a state": Wanted(buyer="consumer", state=OrderState.PAID),
    "a beginning of names": Wanted(words="virt"),
    "a letter": Wanted(words="s"),
    "a phone": Wanted(words="0400 0012"),
    "references": Wanted(words="shop-1"),
    "words and a state": Wanted(words="aino", state=OrderState.OPEN),
    "exact references": Wanted(reference="SHOP-10"),
    "a sum": Wanted(words="54.19"),
    "large sums": Wanted(min_minor=500_00),
    "most sums": Wanted(min_minor=10_00),
    "without a link": Wanted(has_link=False),
    "with a link": Wanted(has_link=True),
}


@pytest.fixture(scope="module")
def seeded() -> dict[str, Merchant]:
    """Filled by the first test: the others share its orders."""
    return {}


@pytest.fixture
async def database_url(modules_database: str) -> str:
    """Not emptied between the tests of this module."""
    return modules_database


@pytest.fixture
async def merchant(db: str, seeded: dict[str, Merchant]) -> Merchant:
    if "merchant" not in seeded:
        seeded["merchant"] = await a_merchant()
        await orders_seed.seed(db, seeded["merchant"].id, MANY, clock.wall())
    return seeded["merchant"]


async def test_the_words_of_seeded_orders_are_those_that_the_database_would_write(merchant: Merchant) -> None:
    different = await db.fetch_all(
        """WITH oldest AS (SELECT * FROM orders ORDER BY created_at LIMIT 600),
           said AS (
               SELECT o.id, unnest(order_words_of(o.reference, c.name, c.email, c.phone)) AS word,
                      -(extract(epoch FROM o.created_at) * 1000000)::bigint AS newest_first
               FROM oldest o JOIN order_contacts c ON c.merchant_id = o.merchant_id AND c.order_id = o.id),
           seeded AS (
               SELECT w.order_id, w.word, w.newest_first
               FROM oldest o JOIN order_words w ON w.merchant_id = o.merchant_id AND w.order_id = o.id)
           (SELECT * FROM said EXCEPT SELECT * FROM seeded)
           UNION ALL (SELECT * FROM seeded EXCEPT SELECT * FROM said)"""
    )
    assert different == []


@pytest.mark.parametrize("wish", WISHES)
async def test_no_page_reads_a_whole_table(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, wish: str
) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    fetch_all, fetch_one = db.fetch_all, db.fetch_one

    async def noted_all(sql: str, *values: object) -> list[db.Record]:
        asked.append((sql, values))
        return await fetch_all(sql, *values)

    async def noted_one(sql: str, *values: object) -> db.Record | None:
        asked.append((sql, values))
        return await fetch_one(sql, *values)

    monkeypatch.setattr(db, "fetch_all", noted_all)
    monkeypatch.setattr(db, "fetch_one", noted_one)
    page = await list_orders(merchant.id, WISHES[wish], limit=25, lines=False)
    if page.next_cursor is not None:
        await list_orders(merchant.id, WISHES[wish], cursor=page.next_cursor, limit=25, lines=False)
    monkeypatch.undo()

    for sql, values in asked:
        plan = "\n".join(
            row[0] for row in await db.fetch_all(f"EXPLAIN (ANALYZE, TIMING OFF) {sql}", *values)
        )
        assert "Seq Scan" not in plan, plan
        read = max((int(rows) for rows in re.findall(r"actual rows=(\d+)", plan)), default=0)
        assert read <= max(lists.FEW + 1, lists.LOOK), plan
    assert len(page.orders) == 25 or wish in {"a sum", "with a link"}, wish
