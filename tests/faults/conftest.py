"""Two web processes on one database, as a deployment of two machines has them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app import doors
from app.kernel import clock, db
from app.kernel.keys import use_keyring
from app.merchants.actions import create_api_key
from app.merchants.queries import Merchant, forget_kept_merchants
from app.plans.queries import forget_kept_plans
from app.supervisor.postgres import EmbeddedServer
from tests.support import database, processes
from tests.support.pages import settings_in
from tests.support.product import free_port


@dataclass(frozen=True)
class Webs:
    """A client for each web process; this process shares their database and their keys."""

    clients: Sequence[httpx.AsyncClient]
    environ: Mapping[str, str]
    """What the processes were started with, but for their ports."""

    def lane(self, number: int) -> httpx.AsyncClient:
        """Requests take the processes in turn."""
        return self.clients[number % len(self.clients)]

    async def key(self, merchant: Merchant) -> dict[str, str]:
        """The headers of this shop's program."""
        secret = await create_api_key(merchant.id, "faults", mode="test", now=clock.wall())
        return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def modules_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kolme-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
async def webs(
    postgres_server: EmbeddedServer, template_database: str, modules_folder: Path
) -> AsyncIterator[Webs]:
    """Two `kolme serve` on one database, and this process's own pool on it."""
    async with database.clone(postgres_server, template_database) as url:
        doors.turn_keys(settings_in(modules_folder, url))
        forget_kept_merchants()
        forget_kept_plans()
        ports = (free_port(), free_port())
        environ = {
            "DATABASE_URL": url,
            "KOLME_VAR_DIR": str(modules_folder),
            "KOLME_BASE_URL": f"http://localhost:{ports[0]}",
        }
        with ExitStack() as started:
            for port in ports:
                log = modules_folder / f"web-{port}.log"
                started.enter_context(processes.web(port, log=log, environ=environ))
            await db.start_pool(url)
            clients = [httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=30) for port in ports]
            try:
                yield Webs(clients, environ)
            finally:
                for client in clients:
                    await client.aclose()
                await db.close_pool()
                use_keyring(None)
