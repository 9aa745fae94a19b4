"""However many orders came before, a decision and its neighbours are read along indexes, newest first, without sorting
or walking over the table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from app.kernel import db, ids
from app.risk.collecting import asked_to_collect
from app.risk.digests import digests_of
from app.risk.queries import SIMILAR_SQL
from app.risk.rule_queries import CATEGORIES_SQL
from bench.risk_decisions import is_a_walk, nodes, plan_of
from tests.factories.risk import a_purchase

pytestmark = pytest.mark.usefixtures("db")

Node = Mapping[str, object]


@pytest.fixture
async def database_url(modules_database: str) -> str:
    """Nothing was ever written to it: plans follow from the size of the tables' files."""
    return modules_database


async def plan(sql: str, *asked: object) -> list[Node]:
    """As for a large table: a small one would be walked over."""
    async with db.tx():
        await db.execute("SET LOCAL enable_seqscan = off")
        await db.execute("SET LOCAL enable_bitmapscan = off")
        return await plan_of(sql, *asked)


def limited(plan: list[Node]) -> Iterator[list[Node]]:
    """What each part that is cut off has below it."""
    return (list(nodes(node))[1:] for node in plan if node["Node Type"] == "Limit")


async def test_a_decision_is_made_along_the_index_of_each_subject() -> None:
    purchase = a_purchase(customer_id=ids.internal_id(), browser_id=ids.internal_id())
    found = await plan(*asked_to_collect(purchase, digests_of(purchase)))
    assert [node["Node Type"] for node in found if is_a_walk(node)] == []
    assert {node["Index Name"] for node in found if node.get("Relation Name") == "risk_decisions"} == {
        f"risk_decisions_{subject}"
        for subject in ("phone", "email", "address", "device", "network", "customer")
    }


async def test_what_is_cut_off_comes_in_its_order_and_is_not_sorted_first() -> None:
    purchase = a_purchase(customer_id=ids.internal_id())
    cut = [
        below
        for below in limited(await plan(*asked_to_collect(purchase, digests_of(purchase))))
        if any(node.get("Relation Name") == "risk_decisions" for node in below)
    ]
    assert len(cut) == 8
    assert not any(node["Node Type"] == "Sort" for below in cut for node in below)


async def test_similar_orders_are_found_along_indexes() -> None:
    found = await plan(SIMILAR_SQL, ids.internal_id(), ids.internal_id())
    assert [node["Node Type"] for node in found if is_a_walk(node)] == []


async def test_a_walk_over_the_table_is_noticed() -> None:
    found = await plan("SELECT FROM risk_decisions WHERE weight = 7")
    assert any(is_a_walk(node) for node in found)


async def test_the_categories_to_choose_from_are_those_of_the_newest_orders_along_their_index() -> None:
    found = await plan(CATEGORIES_SQL, ids.internal_id(), 500, 50)
    read = [node for node in found if node.get("Relation Name") == "risk_decisions"]
    assert [node.get("Index Name") for node in read] == ["risk_decisions_newest"]
