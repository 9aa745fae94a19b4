"""Purchases whose process is killed, and the proof that each happened once or not at all.

H1 kills before a chosen statement of the confirm: every one in turn, then random ones, and after the last COMMIT before
anybody hears of it. H2 kills from outside at a random moment. After each death: the database lets go of the dead
connection, the books are checked, the shopper presses the button again, a worker delivers (some workers are killed as
well), and books, API and the receiver's ids must agree.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import msgspec

from app import doors, worker
from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.keys import use_keyring
from app.merchants.actions import create_api_key, create_webhook_endpoint
from app.merchants.queries import Merchant, forget_kept_merchants
from app.outside.mail import SandboxLetterbox
from app.outside.webhook_door import HttpWebhookDoor
from app.plans.queries import forget_kept_plans
from app.supervisor.postgres import EmbeddedServer
from app.web.api.routes import api_router
from tests.factories.checkout import Shopper, a_merchant
from tests.faults.mortal import DOORS, Command, Door, End, Nursery
from tests.faults.shoppers import at_confirm
from tests.support import database
from tests.support.pages import application, program, settings_in
from tests.support.receiver import Receiver
from tests.support.waiting import until

EVENTS: Final = ("order.paid", "session.confirmed")
# The books are read whole after every death, so a database serves for so many and no more.
DEATHS_A_DATABASE: Final = 60
BACKEND_WAIT_S: Final = 10.0
# How many deaths of a confirm are followed by that of a worker.
WORKER_DEATHS: Final = 0.3


@dataclass(slots=True)
class Tally:
    """What came of the deaths. Keys of the counters are statement numbers, from 1."""

    statements: Sequence[str] = ()
    runs: Counter[int] = field(default_factory=Counter)
    died: Counter[int] = field(default_factory=Counter)
    landed: Counter[int] = field(default_factory=Counter)
    random_runs: int = 0
    random_died: int = 0
    random_landed: int = 0
    worker_deaths: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    events: int = 0
    webhooks: int = 0
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def chosen_runs(self) -> int:
        return sum(self.runs.values())

    @property
    def chosen_died(self) -> int:
        return sum(self.died.values())

    def table(self) -> str:
        """Markdown."""
        last = len(self.statements) + 1
        names = [*self.statements, "after COMMIT, before the answer"]
        rows = [f"{'k':>3} | {'dies before':<70} | {'runs':>5} | {'died':>5} | {'found done':>10}"]
        rows.append(f"{'-' * 2}: | {'-' * 70} | {'-' * 4}: | {'-' * 4}: | {'-' * 9}:")
        for k in range(1, last + 1):
            counts = f"{self.runs[k]:>5} | {self.died[k]:>5} | {self.landed[k]:>10}"
            rows.append(f"{k:>3} | {names[k - 1]:<70} | {counts}")
        rows.append(f"{'':>3} | {'not killed':<70} | {self.runs[0]:>5} | {0:>5} | {self.landed[0]:>10}")
        return "\n".join(f"| {row} |" for row in rows)

    def summary(self) -> str:
        deaths = ", ".join(f"{where} {count}" for where, count in sorted(self.worker_deaths.items()))
        figures = {
            "Statements of a confirm (BEGIN and COMMIT counted)": len(self.statements),
            "H1 runs, killed at a chosen statement": self.chosen_runs,
            "H1 died inside": f"{self.chosen_died} ({_percent(self.chosen_died, self.chosen_runs)})",
            "H1 found done by the retry (a replay)": sum(self.landed.values()),
            "H2 runs, killed at a random moment": self.random_runs,
            "H2 died inside": f"{self.random_died} ({_percent(self.random_died, self.random_runs)})",
            "H2 found done by the retry (a replay)": self.random_landed,
            "Workers killed": f"{sum(self.worker_deaths.values())} ({deaths or 'none'})",
            "Purchases acknowledged": self.acknowledged,
            "Events": self.events,
            "Webhooks that arrived (same ids, repeats counted)": self.webhooks,
            "Violations": len(self.violations),
            "Seconds": f"{self.seconds:.0f}",
        }
        rows = [f"| {name:<56} | {value!s:<60} |" for name, value in figures.items()]
        head = [f"| {'figure':<56} | {'':<60} |", f"| {'-' * 56} | {'-' * 60} |"]
        return "\n".join([*head, *rows, *self.violations])


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


@dataclass(slots=True)
class Shop:
    """One merchant on a database of its own, its receiver, its API client, and which orders it was told are paid."""

    merchant: Merchant
    receiver: Receiver
    api: httpx.AsyncClient
    worker: worker.Worker
    environ: dict[str, str]
    people: int = 0
    told: set[str] = field(default_factory=set)


class Crashes:
    """Runs deaths one after the other and keeps the tally. The same `rng` chooses the same deaths."""

    def __init__(
        self, server: EmbeddedServer, template: str, folder: Path, nursery: Nursery, rng: random.Random
    ) -> None:
        self._server, self._template, self._folder = server, template, folder
        self._nursery, self._rng = nursery, rng
        self._drain_statements = 0
        self._usual_s = 0.0
        self.tally = Tally()

    async def run(
        self, chosen: int, at_random: int, say: Callable[[str], object] = lambda _progress: None
    ) -> Tally:
        """`chosen` deaths at a statement (each statement first, then random ones), `at_random` at any moment."""
        began = time.monotonic()
        async with self._a_shop() as shop:
            await self._learn(shop)
        last = len(self.tally.statements) + 1
        order = [*range(1, last + 1)] * 2
        # Nought is no death at all: some of them keep the others honest.
        order += self._rng.choices(range(last + 1), k=max(0, chosen - len(order)))
        deaths = [*order[:chosen], *[None] * at_random]
        for start in range(0, len(deaths), DEATHS_A_DATABASE):
            async with self._a_shop() as shop:
                for death in deaths[start : start + DEATHS_A_DATABASE]:
                    await self._one(shop, death)
                self.tally.events += await _events(shop)
                self.tally.webhooks += len(shop.receiver.book)
            say(f"{min(start + DEATHS_A_DATABASE, len(deaths))} of {len(deaths)}")
        self.tally.seconds = time.monotonic() - began
        return self.tally

    @asynccontextmanager
    async def _a_shop(self) -> AsyncIterator[Shop]:
        forget_kept_merchants()
        forget_kept_plans()
        async with database.clone(self._server, self._template) as url, Receiver().listening() as receiver:
            settings = settings_in(self._folder, url)
            doors.turn_keys(settings)
            await db.start_pool(url, max_size=4)
            try:
                merchant = await a_merchant(credit_limit_minor=10**10)
                key = await create_api_key(merchant.id, "faults", mode="test", now=clock.wall())
                await create_webhook_endpoint(merchant.id, receiver.url, EVENTS, clock.wall())
                async with program(application(settings, [api_router(settings)]), key) as api:
                    environ = {"DATABASE_URL": url, "KOLME_VAR_DIR": str(self._folder)}
                    through = doors.WorkerDoors(SandboxLetterbox(), HttpWebhookDoor(settings))
                    hands = worker.Worker(worker.handlers(through), worker.chores())
                    yield Shop(merchant, receiver, api, hands, environ)
            finally:
                await db.close_pool()
                use_keyring(None)

    async def _learn(self, shop: Shop) -> None:
        """Count the statements of a confirm and of a worker's drain, and how long a confirm takes."""
        shopper, field_ = await _at_confirm(shop)
        end = await self._nursery.run(_confirm(shop, shopper, field_))
        assert end.acknowledged, "a confirm that nobody disturbs goes through"
        self.tally.statements = end.statements
        drained = await self._nursery.run(Command("work", shop.environ))
        self._drain_statements = len(drained.statements)
        self._usual_s = end.took_s

    async def _one(self, shop: Shop, death: int | None) -> None:
        """One purchase, one death; `death` None is a random moment, nought is none."""
        shopper, field_ = await _at_confirm(shop)
        end = await self._nursery.run(self._deadly(_confirm(shop, shopper, field_), death))
        await let_go(end.backend)
        before = await _state(shopper.session)
        await self._prove(shop, "after the death")
        if end.acknowledged and before != "confirmed":
            self.tally.violations.append(f"{shopper.session}: acknowledged, and then {before}")
        flow = await shopper.confirm(shown_field=field_)
        shop.told.add(flow.order_public_id)
        self.tally.acknowledged += 1
        self._count(death, end, landed=before == "confirmed")
        if self._rng.random() < WORKER_DEATHS:
            await self._kill_a_worker(shop)
        await shop.worker.run_once()
        await self._prove(shop, "after the retry")
        await self._agree(shop, shopper.session, flow.order_public_id)

    def _deadly(self, command: Command, death: int | None) -> Command:
        if death is None:
            # Up to a little longer than it usually takes: some come too late, as in life.
            return msgspec.structs.replace(command, kill_after_s=self._rng.uniform(0.0, 1.2 * self._usual_s))
        return msgspec.structs.replace(command, die_at=death or None)

    def _count(self, death: int | None, end: End, *, landed: bool) -> None:
        # What was acknowledged was not killed inside, and what was not begun neither.
        inside = end.killed and end.began and not end.acknowledged
        if death is None:
            self.tally.random_runs += 1
            self.tally.random_died += inside
            self.tally.random_landed += landed and inside
            # The machine's pace changes; so that blows fall all over a confirm, about four in five shall fall inside.
            self._usual_s *= 1.03 if inside else 0.9
        else:
            self.tally.runs[death] += 1
            self.tally.died[death] += inside
            self.tally.landed[death] += landed and inside

    async def _kill_a_worker(self, shop: Shop) -> None:
        where: Door | str = self._rng.choice([*DOORS, "at a statement", "at any moment"])
        command = Command("work", shop.environ)
        if where == "at a statement":
            command = msgspec.structs.replace(command, die_at=self._rng.randint(1, self._drain_statements))
        elif where == "at any moment":
            command = msgspec.structs.replace(command, kill_after_s=self._rng.uniform(0.0, 0.1))
        else:
            command = Command("work", shop.environ, die_door=next(door for door in DOORS if door == where))
        end = await self._nursery.run(command)
        await let_go(end.backend)
        if end.killed and not end.acknowledged:
            self.tally.worker_deaths[where] += 1
        # A lease ends by the wall's clock: here it has run on.
        await db.in_tx(
            lambda: db.execute(
                "UPDATE outbox SET leased_until = now() - interval '1 second' WHERE leased_until IS NOT NULL"
            )
        )

    async def _prove(self, shop: Shop, when: str) -> None:
        found = await check_books(shop.told)
        self.tally.violations += [f"{when}: {violation.invariant}: {violation.where}" for violation in found]

    async def _agree(self, shop: Shop, session: str, order: str) -> None:
        """The API, the receiver and the events tell the same story."""
        answer = (await shop.api.get(f"/api/v1/sessions/{session}")).json()
        if answer["state"] != "confirmed":
            self.tally.violations.append(f"{session}: the API says {answer['state']}")
        paid = (await shop.api.get(f"/api/v1/orders/{order}")).json()
        if paid["state"] != "paid":
            self.tally.violations.append(f"{order}: the API says {paid['state']}")
        rows = await db.fetch_all("SELECT public_id FROM events WHERE type = ANY($1::text[])", list(EVENTS))
        events = {str(row["public_id"]) for row in rows}
        ids = {received.headers["webhook-id"] for received in shop.receiver.book}
        if events != ids:
            self.tally.violations.append(f"{order}: events and webhooks differ: {sorted(events ^ ids)}")
        if len(events) != len(EVENTS) * len(shop.told):
            self.tally.violations.append(f"{order}: {len(events)} events of {len(shop.told)} purchases")
        receipts = await db.fetch_value(
            """SELECT count(*) FROM outbox
               WHERE about = $1 AND kind = 'mail' AND payload->>'template' = 'receipt' AND done_at IS NOT NULL""",
            order,
        )
        if receipts != 1:
            self.tally.violations.append(f"{order}: {receipts} receipts")


def _confirm(shop: Shop, shopper: Shopper, shown_field: str) -> Command:
    return Command(
        "confirm", shop.environ, session=shopper.session, token=shopper.browser.token, shown=shown_field
    )


async def _at_confirm(shop: Shop) -> tuple[Shopper, str]:
    """Somebody before the last button, identified by their bank; every third has bought here before."""
    shop.people += 1
    number = shop.people - (shop.people % 3 == 0)
    return await at_confirm(shop.merchant, f"person-{number}")


async def _state(session: str) -> str:
    return str(await db.fetch_value("SELECT state FROM checkout_sessions WHERE public_id = $1", session))


async def _events(shop: Shop) -> int:
    count = await db.fetch_value("SELECT count(*) FROM events WHERE merchant_id = $1", shop.merchant.id)
    assert isinstance(count, int)
    return count


async def let_go(backend: int) -> None:
    """Wait until the database has noticed that a client is dead, and has ended what it was doing."""

    async def gone() -> bool:
        found = await db.fetch_value("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", backend)
        return bool(found == 0)

    await until(gone, BACKEND_WAIT_S)
