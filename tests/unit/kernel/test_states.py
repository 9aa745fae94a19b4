"""A life cycle: only the edges of the graph, only from the expected state, each move on record."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from datetime import datetime

import pytest

from app.kernel import db as kernel
from app.kernel.db import fetch_all, fetch_value, tx
from app.kernel.states import Also, IllegalMove, LostRace, Machine

SHOP = uuid.UUID(int=1)
THING = uuid.UUID(int=2)
STATES = ("draft", "open", "paid", "expired")
EDGES = {
    ("draft", "open"): "thing.opened",
    ("open", "paid"): "thing.paid",
    ("open", "expired"): "thing.expired",
    ("draft", "expired"): "thing.expired",
}
MACHINE = Machine("thing", "thing", "thing_history", EDGES)
SCRATCH = """
CREATE TABLE thing (merchant_id uuid, id uuid, state text NOT NULL, PRIMARY KEY (merchant_id, id));
CREATE TABLE thing_history (
    merchant_id uuid, id uuid, subject_id uuid NOT NULL, from_state text, to_state text NOT NULL, event text NOT NULL,
    actor text NOT NULL, at timestamptz NOT NULL, detail jsonb NOT NULL, PRIMARY KEY (merchant_id, id)
);
"""


@pytest.fixture
async def scratch(db: str) -> str:
    connection = await kernel.connect(db)
    await connection.execute(SCRATCH)
    await connection.close()
    return db


async def born(state: str, now: datetime, thing: uuid.UUID = THING) -> None:
    async with tx():
        await kernel.execute("INSERT INTO thing VALUES ($1, $2, $3)", SHOP, thing, state)
        await MACHINE.begin(SHOP, thing, state=state, event="thing.created", actor="merchant", at=now)


async def move(expected: str, to: str, now: datetime, thing: uuid.UUID = THING) -> bool:
    try:
        async with tx():
            await MACHINE.move(
                SHOP, thing, expected=expected, to=to, actor="shopper", at=now, detail={"n": 1}
            )
    except LostRace:
        return False
    return True


@pytest.mark.parametrize(("from_", "to"), list(itertools.product(STATES, STATES)))
def test_of_all_pairs_only_the_edges_are_legal(from_: str, to: str) -> None:
    if (from_, to) in EDGES:
        assert MACHINE.event(from_, to) == EDGES[from_, to]
        assert to in MACHINE.targets(from_)
    else:
        with pytest.raises(IllegalMove, match=f"thing: {from_} -> {to}"):
            MACHINE.event(from_, to)
        assert to not in MACHINE.targets(from_)


async def test_every_pair_moves_in_the_database_as_in_the_graph(scratch: str, now: datetime) -> None:
    """For every current state, every expected one and every target: the row moves, or nothing at all happens."""
    for n, (actual, expected, to) in enumerate(itertools.product(STATES, STATES, STATES), start=10):
        thing = uuid.UUID(int=n)
        await born(actual, now, thing)
        if (expected, to) in EDGES:
            assert await move(expected, to, now, thing) is (actual == expected)
        else:
            with pytest.raises(IllegalMove):
                await move(expected, to, now, thing)
        moved = (expected, to) in EDGES and actual == expected
        assert await fetch_value("SELECT state FROM thing WHERE id = $1", thing) == (to if moved else actual)
        history = await fetch_value("SELECT count(*) FROM thing_history WHERE subject_id = $1", thing)
        assert history == 1 + moved


async def test_the_history_is_a_path_from_birth_to_now(scratch: str, now: datetime) -> None:
    await born("draft", now)
    assert await move("draft", "open", now)
    assert await move("open", "paid", now)
    rows = await fetch_all("SELECT * FROM thing_history ORDER BY id")
    assert [(row["from_state"], row["to_state"], row["event"], row["actor"]) for row in rows] == [
        (None, "draft", "thing.created", "merchant"),
        ("draft", "open", "thing.opened", "shopper"),
        ("open", "paid", "thing.paid", "shopper"),
    ]
    assert [row["detail"] for row in rows] == [{}, {"n": 1}, {"n": 1}]
    assert {row["at"] for row in rows} == {now}


async def test_of_ten_that_move_at_once_one_wins(scratch: str, now: datetime) -> None:
    await born("open", now)
    targets = ["paid", "expired"] * 5
    outcomes = await asyncio.gather(*(move("open", to, now) for to in targets))
    assert sum(outcomes) == 1
    assert await fetch_value("SELECT state FROM thing") == targets[outcomes.index(True)]
    assert await fetch_value("SELECT count(*) FROM thing_history") == 2


async def test_checking_the_state_before_writing_lets_both_sides_win(scratch: str, now: datetime) -> None:
    """The control: without the guard in the UPDATE itself, a thing is both paid and expired."""
    await born("open", now)
    both_have_read = asyncio.Barrier(2)

    async def careless(to: str) -> bool:
        async with tx():
            state = await fetch_value("SELECT state FROM thing")
            await both_have_read.wait()
            if state != "open":
                return False
            await kernel.execute("UPDATE thing SET state = $1", to)
            return True

    assert all(await asyncio.gather(careless("paid"), careless("expired")))


async def test_what_does_not_exist_or_is_another_shops_does_not_move(scratch: str, now: datetime) -> None:
    await born("open", now)
    assert not await move("open", "paid", now, uuid.UUID(int=99))
    with pytest.raises(LostRace) as lost:
        async with tx():
            await MACHINE.move(uuid.UUID(int=7), THING, expected="open", to="paid", actor="x", at=now)
    assert (lost.value.subject_id, lost.value.expected, lost.value.to_state) == (THING, "open", "paid")


async def test_a_move_is_one_statement_inside_a_transaction(scratch: str, now: datetime) -> None:
    await born("open", now)
    with kernel.counting() as counts:
        await move("open", "paid", now)
    assert (counts.queries, counts.commits) == (1, 1)
    with pytest.raises(kernel.NotInTransaction):
        await MACHINE.move(SHOP, THING, expected="open", to="paid", actor="x", at=now)


async def test_what_changes_with_a_move_is_written_with_it_or_not_at_all(scratch: str, now: datetime) -> None:
    await born("open", now)
    await kernel.execute_alone("ALTER TABLE thing ADD note text, ADD moves integer NOT NULL DEFAULT 0")

    async def paid(note: str) -> None:
        also = Also("note = $10, moves = moves + 1", (note,))
        await MACHINE.move(SHOP, THING, expected="open", to="paid", actor="x", at=now, also=also)

    with kernel.counting() as counts:
        await kernel.in_tx(lambda: paid("in cash"))
    assert (counts.queries, counts.commits) == (1, 1)
    with pytest.raises(LostRace):
        await kernel.in_tx(lambda: paid("again"))
    [thing] = await fetch_all("SELECT state, note, moves FROM thing")
    assert (thing["state"], thing["note"], thing["moves"]) == ("paid", "in cash", 1)


async def test_a_birth_in_one_statement_begins_its_history(scratch: str, now: datetime) -> None:
    insert = "INSERT INTO thing SELECT $4, $5, 'draft' WHERE $6 RETURNING *"
    sql = f"{MACHINE.born_sql(insert, 'thing.created')} SELECT state FROM born"

    async def be_born(thing: uuid.UUID, may: bool) -> object:
        return await fetch_value(sql, uuid.uuid4(), "merchant", now, SHOP, thing, may)

    assert await be_born(THING, may=True) == "draft"
    assert await be_born(uuid.UUID(int=3), may=False) is None
    [row] = await fetch_all("SELECT * FROM thing_history")
    assert (row["subject_id"], row["from_state"], row["to_state"]) == (THING, None, "draft")
    assert (row["event"], row["actor"], row["at"], row["detail"]) == ("thing.created", "merchant", now, {})


async def test_nothing_is_born_in_a_state_that_does_not_exist(now: datetime) -> None:
    with pytest.raises(ValueError, match="lost"):
        await MACHINE.begin(SHOP, THING, state="lost", event="x", actor="x", at=now)


def test_a_table_name_is_a_name() -> None:
    with pytest.raises(ValueError, match="table name"):
        Machine("thing", "thing; DROP TABLE thing", "thing_history", EDGES)


def test_the_graph_can_be_drawn() -> None:
    drawing = MACHINE.drawing()
    assert drawing.startswith("stateDiagram-v2\n")
    assert "    open --> paid: thing.paid" in drawing.splitlines()
    assert len(drawing.splitlines()) == 1 + len(EDGES)
