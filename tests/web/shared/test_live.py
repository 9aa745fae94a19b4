"""Pages that hear of changes at once: who is woken, by what, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from litestar.response import Stream

from app.kernel import db as database
from app.kernel import listening
from app.web.shared import live
from tests.support.waiting import until

PATIENCE_S = 20


@pytest.fixture
async def hub(db: str) -> AsyncIterator[str]:
    live.start(db)
    try:
        yield db
    finally:
        await live.stop()


async def tell(topic: str) -> None:
    await database.in_tx(lambda: database.execute("SELECT pg_notify($1, $2)", live.CHANNEL, topic))


async def heard(news: AsyncIterator[object]) -> object:
    """The next of it. Raises TimeoutError, or StopAsyncIteration at the end."""
    async with asyncio.timeout(PATIENCE_S):
        return await anext(news)


async def to_the_end(news: AsyncIterator[object]) -> list[object]:
    async with asyncio.timeout(PATIENCE_S):
        return [each async for each in news]


def messages_of(topic: str) -> AsyncIterator[bytes]:
    answer = live.stream(topic)
    assert isinstance(answer, Stream)
    assert (answer.media_type, answer.headers["Cache-Control"]) == ("text/event-stream", "no-store")
    return cast("AsyncIterator[bytes]", answer.iterator)


async def test_a_page_is_woken_once_at_the_beginning_and_by_each_change_of_its_own_order(hub: str) -> None:
    ours, theirs = live.changes("ord_ours"), live.changes("ord_theirs")
    await heard(ours)
    await heard(theirs)
    waiting = asyncio.create_task(heard(theirs))
    for _ in range(3):
        await tell("ord_ours")
        await heard(ours)
    assert not waiting.done(), "the change was of another order"
    await tell("ord_theirs")
    await waiting


async def test_what_is_rolled_back_is_told_to_nobody(hub: str) -> None:
    news = live.changes("ord_x")
    await heard(news)

    async def fail() -> None:
        await database.execute("SELECT pg_notify($1, 'ord_x')", live.CHANNEL)
        raise LookupError

    with pytest.raises(LookupError):
        await database.in_tx(fail)
    waiting = asyncio.create_task(heard(news))
    control = live.changes("ord_control")
    await heard(control)
    await tell("ord_control")
    await heard(control)
    assert not waiting.done()
    await tell("ord_x")
    await waiting


async def test_one_connection_listens_for_every_page_and_none_before_the_first(hub: str) -> None:
    async def listeners() -> int:
        found = await database.fetch_value(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'kolme hears order_changed'"
        )
        assert isinstance(found, int)
        return found

    assert await listeners() == 0
    for number in range(5):
        await heard(live.changes(f"ord_{number}"))
    assert await listeners() == 1


async def test_after_a_pause_in_the_listening_everybody_looks_for_themselves(
    hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "CHECK_S", 0.05)
    monkeypatch.setattr(listening, "AGAIN_S", 0.05)
    news = live.changes("ord_x")
    await heard(news)
    await database.fetch_value(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'kolme hears order_changed'"
    )
    await heard(news)
    await tell("ord_x")
    await heard(news)


async def test_a_stream_says_changed_and_nothing_of_the_order(hub: str) -> None:
    messages = messages_of("ord_x")
    assert await heard(messages) == b"retry: 2000\n\n"
    assert await heard(messages) == b"event: changed\ndata:\n\n"
    await tell("ord_x")
    assert await heard(messages) == b"event: changed\ndata:\n\n"


async def test_a_quiet_stream_beats_and_ends_after_a_while_so_that_its_reader_is_asked_again(
    hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(live, "STREAM_LIFE_S", 1.0)
    assert b":\n\n" in await to_the_end(messages_of("ord_x"))


async def test_every_stream_ends_with_the_process(hub: str) -> None:
    news = [live.changes(f"ord_{number}") for number in range(3)]
    for each in news:
        await heard(each)
    ends = [asyncio.create_task(to_the_end(each)) for each in news]
    await live.stop()
    assert await asyncio.gather(*ends) == [[], [], []]


async def test_too_many_pages_on_one_order_are_told_to_go_on_without(
    hub: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAMS_PER_TOPIC_MAX", 2)
    crowd = [live.changes("ord_x") for _ in range(2)]
    for each in crowd:
        await heard(each)
    assert live.stream("ord_x").status_code == 503
    assert isinstance(live.stream("ord_y"), Stream)
    for each in crowd:
        await each.aclose()  # type: ignore[attr-defined]
    assert isinstance(live.stream("ord_x"), Stream)


async def test_who_has_left_is_forgotten(hub: str) -> None:
    news = live.changes("ord_x")
    await heard(news)
    assert live._hub is not None
    assert live._hub._waiting
    await news.aclose()  # type: ignore[attr-defined]

    async def gone() -> bool:
        return not live._hub._waiting if live._hub else True

    await until(gone)
