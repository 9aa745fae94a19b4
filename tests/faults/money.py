"""Verbs that move money, whose process is killed before each of their statements, and after the last COMMIT.

After each death: the database lets go of the dead connection, what was made stands whole or not at all, the same move
is made again with the same key, and stands once. The books are proved after each death, and when all repeats were made.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app import doors
from app.checkout.books import check_books
from app.kernel import db
from app.kernel.keys import use_keyring
from app.merchants.queries import Merchant, forget_kept_merchants
from app.plans.queries import forget_kept_plans
from app.supervisor.postgres import EmbeddedServer
from tests.factories.checkout import nobody_has_bought_before
from tests.factories.loyalty import AT_ONCE, a_shop
from tests.faults.all_moves import MOVES
from tests.faults.crashes import let_go
from tests.faults.mortal import Command, End, Nursery
from tests.faults.moves import Args, Move
from tests.support import database
from tests.support.pages import settings_in

# The books are read whole after every death, so a database serves for so many and no more.
DEATHS_A_DATABASE = 60


@dataclass(slots=True)
class MoneyTally:
    """What came of the deaths, by move."""

    statements: dict[str, int] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)
    died: Counter[str] = field(default_factory=Counter)
    landed: Counter[str] = field(default_factory=Counter)
    places: dict[str, set[int]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def table(self) -> str:
        """Markdown."""
        head = ("move", "statements", "runs", "died inside", "found done", "places")
        rows = [
            (move, count, self.runs[move], self.died[move], self.landed[move], len(self.places.get(move, ())))
            for move, count in self.statements.items()
        ]
        counted = (self.statements, self.runs, self.died, self.landed)
        total = ("all", *(sum(each.values()) for each in counted), sum(map(len, self.places.values())))
        lines = [f"| {' | '.join(head)} |", f"| --- {'| ---: ' * (len(head) - 1)}|"]
        lines += [f"| {' | '.join(map(str, row))} |" for row in (*rows, total)]
        return "\n".join(
            [*lines, f"{len(self.violations)} violations, {self.seconds:.0f} s", *self.violations]
        )


@dataclass(slots=True)
class MoneyDeaths:
    """Kills moves one after the other and keeps the tally. The same `rng` chooses the same deaths."""

    server: EmbeddedServer
    template: str
    folder: Path
    nursery: Nursery
    rng: random.Random
    moves: Mapping[str, Move] = field(default_factory=lambda: MOVES)
    tally: MoneyTally = field(default_factory=MoneyTally)
    _environ: dict[str, str] = field(default_factory=dict)
    _people: int = 0

    def _next_person(self) -> int:
        self._people += 1
        return self._people

    async def run(self, deaths: int, say: Callable[[str], object] = lambda _progress: None) -> MoneyTally:
        """So many deaths: every place of every move where they suffice, else of each move the last two (before COMMIT,
        and after it, before anybody hears) and others at random."""
        began = time.monotonic()
        async with self._a_shop() as merchant:
            for name in self.moves:
                self.tally.statements[name] = await self._statements(merchant, name)
        places = [(name, k) for name, count in self.tally.statements.items() for k in range(1, count + 2)]
        if deaths < len(places):
            plan = [(name, k) for name, k in places if k >= self.tally.statements[name]]
            plan += self.rng.sample(
                [place for place in places if place not in plan], k=max(0, deaths - len(plan))
            )
        else:
            plan = places + self.rng.choices(places, k=deaths - len(places))
        for start in range(0, len(plan), DEATHS_A_DATABASE):
            async with self._a_shop() as merchant:
                for name, k in plan[start : start + DEATHS_A_DATABASE]:
                    await self._one(merchant, name, k)
                await self._prove(f"after the repeats of {start + 1} and those that followed")
            say(f"{min(start + DEATHS_A_DATABASE, len(plan))} of {len(plan)}")
        self.tally.seconds = time.monotonic() - began
        return self.tally

    @asynccontextmanager
    async def _a_shop(self) -> AsyncIterator[Merchant]:
        forget_kept_merchants()
        forget_kept_plans()
        async with database.clone(self.server, self.template) as url:
            doors.turn_keys(settings_in(self.folder, url))
            await db.start_pool(url, max_size=2)
            self._environ = {"DATABASE_URL": url, "KOLME_VAR_DIR": str(self.folder)}
            try:
                yield await a_shop(AT_ONCE)
            finally:
                await db.close_pool()
                use_keyring(None)

    async def _killed(self, name: str, args: Args, die_at: int | None) -> End:
        end = await self.nursery.run(
            Command("move", self._environ, move=name, args=dict(args), die_at=die_at)
        )
        await let_go(end.backend)
        return end

    async def _prepared(self, merchant: Merchant, name: str) -> Args:
        # They all buy the same within seconds, which is no fraud here.
        await nobody_has_bought_before()
        return await self.moves[name].prepare(merchant, self._next_person())

    async def _statements(self, merchant: Merchant, name: str) -> int:
        """How many statements a move is, when nobody disturbs it."""
        args = await self._prepared(merchant, name)
        end = await self._killed(name, args, None)
        assert end.acknowledged, f"{name}: a move that nobody disturbs is made"
        assert await self.moves[name].effects(args) == 1, f"{name}: made once"
        return len(end.statements)

    async def _one(self, merchant: Merchant, name: str, k: int) -> None:
        move = self.moves[name]
        args = await self._prepared(merchant, name)
        end = await self._killed(name, args, k)
        landed = await move.effects(args)
        where = f"{name}, killed before statement {k}"
        if landed > 1 or (end.acknowledged and not landed):
            self.tally.violations.append(f"{where}: stands {landed} times")
        await self._prove(f"{where}, after the death")
        await move.make(args)
        if (count := await move.effects(args)) != 1:
            self.tally.violations.append(f"{where}: after the repeat it stands {count} times")
        if not await move.agrees(args):
            self.tally.violations.append(f"{where}: after the repeat somebody outside says otherwise")
        self._count(name, k, end, landed)

    def _count(self, name: str, k: int, end: End, landed: int) -> None:
        inside = end.killed and end.began and not end.acknowledged
        self.tally.runs[name] += 1
        self.tally.died[name] += inside
        self.tally.landed[name] += inside and bool(landed)
        if inside:
            self.tally.places.setdefault(name, set()).add(k)

    async def _prove(self, when: str) -> None:
        self.tally.violations += [
            f"{when}: {found.invariant}: {found.where}" for found in await check_books()
        ]
