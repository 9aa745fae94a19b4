"""How a way to pay is doing: what calls and probes make of it, and that it does not flap."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.kernel import clock
from app.kernel import db as database
from app.kernel.jobs import Now
from app.kernel.money import Money
from app.payments import actions
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.health import (
    DOWN_AFTER,
    DOWN_AT,
    FAILURES_MAX,
    SHAKY_AT,
    STALE_AFTER,
    UP_AFTER,
    MethodHealth,
    after_failure,
    after_success,
    forget_kept_health,
    health_of_methods,
    known_health,
    read_health,
)
from app.payments.probing import Probing
from app.payments.watched import Watched
from tests.support.providers import FakeProvider
from tests.support.sandbox_mobilepay import a_payment

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOW = clock.wall()
SECOND = timedelta(seconds=1)
WELL = MethodHealth("mobilepay", "up", NOON)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    forget_kept_health()
    yield
    forget_kept_health()


def failing(
    before: MethodHealth, times: int, *, since: datetime = NOON, every: timedelta = SECOND
) -> MethodHealth:
    for number in range(times):
        before = after_failure(before, "timeout", since + number * every)
    return before


def working(before: MethodHealth, times: int, *, since: datetime, every: timedelta = SECOND) -> MethodHealth:
    for number in range(times):
        before = after_success(before, since + number * every)
    return before


def test_a_single_lost_answer_among_good_ones_changes_nothing() -> None:
    now = WELL
    for minute in range(20):
        now = after_failure(now, "timeout", NOON + minute * UP_AFTER)
        now = after_success(now, NOON + minute * UP_AFTER)
    assert now == WELL


def test_some_failures_make_it_shaky_and_name_the_last_one() -> None:
    assert failing(WELL, SHAKY_AT - 1).state == "up"
    shaky = failing(WELL, SHAKY_AT)
    assert (shaky.state, shaky.since, shaky.reason) == ("shaky", NOON + 2 * SECOND, "timeout")


def test_a_burst_of_failures_hides_nothing_at_once() -> None:
    burst = failing(WELL, 50, every=timedelta(0))
    assert (burst.state, burst.failures) == ("shaky", FAILURES_MAX)
    assert after_failure(burst, "timeout", NOON + DOWN_AFTER).state == "down"


def test_one_that_fails_for_long_is_down() -> None:
    assert failing(WELL, DOWN_AT, every=DOWN_AFTER).state == "down"


def test_it_comes_back_in_steps_and_never_at_once() -> None:
    down = failing(WELL, FAILURES_MAX, every=DOWN_AFTER)
    back = down.since + DOWN_AFTER
    states = []
    now = down
    for number in range(12):
        now = after_success(now, back + number * timedelta(seconds=15))
        states.append(now.state)

    assert down.state == "down"
    # Five good answers until anybody is offered it, three more and a minute until nobody is warned.
    assert states == ["down"] * 4 + ["shaky"] * 4 + ["up"] * 4
    assert (now.failures, now.reason) == (0, None)


def test_one_that_works_every_other_time_stays_as_it_is() -> None:
    now = failing(WELL, DOWN_AT, every=DOWN_AFTER)
    seen = set()
    for number in range(40):
        at = NOON + number * UP_AFTER
        now = after_success(now, at) if number % 2 else after_failure(now, "timeout", at)
        seen.add(now.state)
    assert seen == {"down"}


def test_it_stays_shaky_for_a_minute_however_well_it_goes() -> None:
    shaky = failing(WELL, SHAKY_AT)
    assert working(shaky, 20, since=shaky.since, every=SECOND).state == "shaky"
    assert working(shaky, 4, since=shaky.since + UP_AFTER).state == "up"


@pytest.mark.usefixtures("db")
async def test_what_is_noted_is_what_every_process_reads() -> None:
    assert await health_of_methods() == {}
    for _ in range(SHAKY_AT):
        await actions.note_failure("mobilepay", "timeout", NOW)
    assert await health_of_methods() == {"mobilepay": "shaky"}


@pytest.mark.usefixtures("db")
async def test_what_nobody_has_looked_at_for_long_says_nothing_any_more() -> None:
    for number in range(DOWN_AT):
        await actions.note_failure("card", "timeout", NOW - 2 * STALE_AFTER + number * DOWN_AFTER)
    assert await read_health() == ()
    await actions.claim_probe("card", NOW)
    assert [found.state for found in await read_health()] == ["down"]


@pytest.mark.usefixtures("db")
async def test_failures_of_many_at_once_are_all_counted() -> None:
    await asyncio.gather(*(actions.note_failure("card", "timeout", NOW) for _ in range(5)))
    (found,) = await read_health()
    assert (found.method, found.failures, found.state) == ("card", 5, "shaky")


@pytest.mark.usefixtures("db")
async def test_reading_costs_one_statement_every_few_seconds() -> None:
    with database.counting() as counts:
        await known_health()
        await known_health()
    assert counts.queries == 1


@pytest.mark.usefixtures("db")
async def test_real_calls_that_nobody_answers_are_noted_and_still_raise() -> None:
    bank = FakeProvider("mobilepay")
    watched = Watched(bank)
    opened = await watched.create(a_payment())
    for _ in range(SHAKY_AT):
        bank.cut("get", after=True)
        with pytest.raises(ProviderUnreachable):
            await watched.get(opened.provider_ref)
    assert await health_of_methods() == {"mobilepay": "shaky"}


@pytest.mark.usefixtures("db")
async def test_a_refusal_is_an_answer_and_makes_a_failure_good() -> None:
    bank = FakeProvider("card")
    watched = Watched(bank)
    opened = await watched.create(a_payment())
    bank.approve(opened.provider_ref)
    await actions.note_failure("card", "timeout", NOW)
    bank.refuse("capture")
    with pytest.raises(ProviderRefused):
        await watched.capture(opened.provider_ref, Money(12_345, "EUR"), key="capture-1")
    assert [found.failures for found in await read_health()] == [0]


@pytest.mark.usefixtures("db")
async def test_a_call_that_is_answered_writes_nothing_while_all_is_well() -> None:
    watched = Watched(FakeProvider("card"))
    opened = await watched.create(a_payment())
    await known_health()
    with database.counting() as counts:
        await watched.get(opened.provider_ref)
    assert (counts.queries, counts.writes) == (0, 0)


@pytest.mark.usefixtures("db")
async def test_a_probe_is_made_now_and_then_and_oftener_in_trouble() -> None:
    bank = FakeProvider("card")
    probing = Probing({"card": Watched(bank)})

    async def probes_at(seconds: int) -> int:
        await probing(Now(NOON, NOON + seconds * SECOND))
        await probing.ended()
        return bank.asked.count("probe")

    assert [await probes_at(s) for s in (0, 5, 59, 60)] == [1, 1, 1, 2]
    bank.cut("probe", after=False)
    assert await probes_at(120) == 3
    assert [await probes_at(s) for s in (130, 135, 140)] == [3, 4, 4]


@pytest.mark.usefixtures("db")
async def test_of_two_workers_one_makes_the_probe() -> None:
    claims = await asyncio.gather(*(actions.claim_probe("card", NOON) for _ in range(4)))
    assert sorted(claims) == [False, False, False, True]


@pytest.mark.usefixtures("db")
async def test_a_probe_that_hangs_holds_up_nobody() -> None:
    bank, gate = FakeProvider("card"), asyncio.Event()

    async def wait(_call: str) -> None:
        await gate.wait()

    bank.pause = wait
    probing = Probing({"card": Watched(bank)})
    assert await probing(Now(NOON, NOON)) == 0
    # The one that hangs is not joined by another, and once it ends the next may begin.
    assert await probing(Now(NOON, NOON + 600 * SECOND)) == 0
    gate.set()
    await probing.ended()
    await probing(Now(NOON, NOON + 1200 * SECOND))
    await probing.ended()
    assert bank.asked.count("probe") == 2
