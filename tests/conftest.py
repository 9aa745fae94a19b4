"""Fixtures for every test. `db` is what most ask for: a migrated database of their own, the pool started."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from app.supervisor.postgres import EmbeddedServer
from tests.support import database


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder for a database's data. pytest's own are closed to the account that runs the database for root."""
    with tempfile.TemporaryDirectory(prefix="kolme-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    with database.test_server() as server:
        yield server


@pytest.fixture(scope="session")
async def template_database(postgres_server: EmbeddedServer) -> str:
    return await database.migrated_template(postgres_server)


@pytest.fixture(scope="session")
async def reused_database(
    postgres_server: EmbeddedServer, template_database: str
) -> AsyncIterator[database.Reused]:
    reused = database.Reused(postgres_server, template_database)
    yield reused
    await reused.close()


@pytest.fixture
async def untouched_database(reused_database: database.Reused) -> None:
    """For a test that reads plans: they follow from the size of the tables' files, and what a test before has deleted
    is still in there. It comes before `db`, by `usefixtures`."""
    await reused_database.close()


@pytest.fixture
async def database_url(reused_database: database.Reused) -> AsyncIterator[str]:
    """The address of a migrated, empty database of this test's own."""
    url = await reused_database.lend()
    yield url
    await reused_database.take_back()


@pytest.fixture(scope="module")
async def modules_database(postgres_server: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    """A clone for a module whose tests share what is in it."""
    async with database.clone(postgres_server, template_database) as url:
        yield url


@pytest.fixture
async def db(
    database_url: str, reused_database: database.Reused, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The same with the pool of `app.kernel.db` on it. Yields the address, for tests that start processes."""
    from app.checkout.actions import sampling  # noqa: PLC0415 - only tests of the database pay for it
    from app.kernel.db import close_pool, start_pool  # noqa: PLC0415
    from app.kernel.keys import Keyring, use_keyring  # noqa: PLC0415
    from app.merchants import passwords  # noqa: PLC0415

    # Chance has no part in a test: an order is drawn for a blind review where a shop draws every one, and else never.
    monkeypatch.setattr(sampling, "is_drawn", lambda sample_ppm: sample_ppm == sampling.MILLION)
    # What makes a password slow to guess is asked in a test of its own; here it would only make every sign-in slow.
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    use_keyring(Keyring({"test": bytes(range(32))}))
    # Not on the database of a module: what such tests change in it is more than rows.
    kept = reused_database.pool if database_url == reused_database.url else None
    await (start_pool(database_url) if kept is None else kept.start(database_url))
    try:
        yield database_url
    finally:
        await (close_pool() if kept is None else kept.leave())
        use_keyring(None)
