"""The ledger beside a plain model of it: whatever is done in whatever order at whatever hour, both say the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ClassVar, TypeAlias, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from app.kernel.errors import Refusal
from app.ledger import actions as ledger
from app.ledger.actions import NewLot
from app.ledger.proof import check_ledger
from tests.factories.ledger import NOON, Purse
from tests.unit.ledger.model import Hold, Model, Transfer

T = TypeVar("T")
Moved: TypeAlias = tuple[str, Transfer]
Held: TypeAlias = tuple[UUID, Hold]

# A machine has thirty steps. `make test` runs a dozen of them, `make torture` some hundreds.
MACHINES_OF_EXAMPLES = 8
STEPS = 30

MINORS = st.integers(1, 400)
SPANS = st.sampled_from([timedelta(minutes=1), timedelta(hours=1), timedelta(days=2)])
ABOUTS = st.sampled_from(["o_1", "o_2"])
JUMPS = st.sampled_from(
    [timedelta(hours=-2), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1), timedelta(days=30)]
)


class LedgerMachine(RuleBasedStateMachine):
    """Each rule does the same to the database and to the model, and compares how both ended."""

    transfers: Bundle[Moved] = Bundle("transfers")
    takings: Bundle[Moved] = Bundle("takings")
    holds: Bundle[Held] = Bundle("holds")

    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self._all_holds: list[Hold] = []

    @initialize(is_points=st.booleans())
    def begin(self, is_points: bool) -> None:
        self.purse = self._run(Purse.points() if is_points else Purse.wallet())
        self.model = Model(is_points, NOON)

    def _run(self, coroutine: Awaitable[T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def _both(self, real: Awaitable[object], model: Callable[[], T]) -> T | None:
        """What the model answers, once both ended alike; None after the same refusal."""
        expected, refusal = None, None
        try:
            expected = model()
        except Refusal as said:
            refusal = said
        if refusal is None:
            self._run(real)
            return expected
        with pytest.raises(type(refusal)) as refused:
            self._run(real)
        # The model does not word every refusal.
        assert refusal.args in {refused.value.args, ("",)}
        return None

    @rule(target=transfers, minor=MINORS, about=ABOUTS, wait=st.none() | SPANS, life=st.none() | SPANS)
    def put(self, minor: int, about: str, wait: timedelta | None, life: timedelta | None) -> Moved:
        now, life = self.model.now, life + (wait or timedelta()) if life else None
        lot = NewLot(now + life if life else None, now + wait if wait else None)
        key = self.purse.new_key()
        done = self._both(
            self.purse.put(minor, lot, key=key, about=about),
            lambda: self.model.put(minor, about, wait, life),
        )
        assert done is not None
        return key, done

    @rule(target=takings, minor=MINORS)
    def take(self, minor: int) -> Moved | MultipleResults[Moved]:
        key = self.purse.new_key()
        done = self._both(self.purse.take(minor, key=key), lambda: self.model.take(minor))
        return multiple() if done is None else (key, done)

    @rule(target=holds, minor=MINORS, span=SPANS)
    def hold(self, minor: int, span: timedelta) -> Held | MultipleResults[Held]:
        found: list[UUID] = []

        async def place() -> None:
            found.append((await self.purse.hold(minor, self.model.now + span)).id)

        done = self._both(place(), lambda: self.model.hold(minor, span))
        if done is None:
            return multiple()
        self._all_holds.append(done)
        return found[0], done

    @rule(target=takings, held=holds, part=st.integers(1, 100))
    def capture(self, held: Held, part: int) -> Moved | MultipleResults[Moved]:
        hold_id, hold = held
        minor, key = max(1, hold.amount * part // 100), self.purse.new_key()
        done = self._both(
            self.purse.capture(hold_id, minor, key=key), lambda: self.model.capture(hold, minor)
        )
        return multiple() if done is None else (key, done)

    @rule(held=consumes(holds))
    def release(self, held: Held) -> None:
        assert self._run(self.purse.release(held[0])) == self.model.release(held[1])

    @rule(target=transfers, minor=MINORS, first_about=st.none() | ABOUTS)
    def claw_back(self, minor: int, first_about: str | None) -> Moved | MultipleResults[Moved]:
        key = self.purse.new_key()
        expected, done = self.model.claw_back(minor, first_about)
        assert self._run(self.purse.claw_back(minor, first_about=first_about, key=key)) == expected
        return (key, done) if expected.taken + expected.debt else multiple()

    @rule(target=transfers, taking=takings, minor=MINORS)
    def restore(self, taking: Moved, minor: int) -> Moved | MultipleResults[Moved]:
        key = self.purse.new_key()
        done = self._both(
            self.purse.restore(taking[0], minor, key=key), lambda: self.model.restore(taking[1], minor)
        )
        return multiple() if done is None else (key, done)

    @rule(of=transfers | takings)
    def reverse(self, of: Moved) -> None:
        self._both(self.purse.reverse(of[0]), lambda: self.model.reverse(of[1]))

    @rule(jump=JUMPS)
    def clock_jumps(self, jump: timedelta) -> None:
        self.model.now += jump
        self.purse.now = self.model.now

    @rule()
    def the_worker_comes_by(self) -> None:
        now = self.model.now
        # What machines before this one left behind ends as well, so the counts are not theirs to compare.
        self._run(ledger.expire_holds(now, 1000))
        self.model.end_holds(self._all_holds)
        self._run(ledger.expire_lots(now, 1000))
        self.model.lapse()
        self._run(ledger.seal(now, 1000))

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self._run(self.purse.balance()) == self.model.balance()
        assert self._run(self.purse.lefts()) == self.model.lefts()

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self._run(check_ledger()) == []


@pytest.fixture
async def loop(db: str) -> asyncio.AbstractEventLoop:
    """The loop that the pool lives on; it stands still while a test that is no coroutine runs."""
    del db
    return asyncio.get_running_loop()


@pytest.mark.hypothesis
@pytest.mark.timeout(300)
def test_lots_and_holds_are_what_the_model_says(loop: asyncio.AbstractEventLoop) -> None:
    class OnThisLoop(LedgerMachine):
        pass

    OnThisLoop.loop = loop
    assert settings.default is not None
    run_state_machine_as_test(
        OnThisLoop,
        settings=settings(
            max_examples=settings.default.max_examples // MACHINES_OF_EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
