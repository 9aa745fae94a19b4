"""What tests of the kernel share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from app.kernel.db import connect
from app.kernel.keys import Keyring, use_keyring
from app.supervisor.postgres import EmbeddedServer
from tests.support import database

EMPTY = """
TRUNCATE events, outbox, outbox_tries, idempotency_keys, limits, audit_log;
UPDATE business_clock SET offset_s = 0;
DROP TABLE IF EXISTS purse, ticket, seen, thing, thing_history;
DROP FUNCTION IF EXISTS dawdle;
"""


@pytest.fixture(scope="session")
async def kernels_database(postgres_server: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    """A clone for all of the kernel's tests."""
    async with database.clone(postgres_server, template_database) as url:
        yield url


@pytest.fixture
async def database_url(kernels_database: str) -> str:
    """The address of a migrated database whose kernel tables are empty.

    The kernel's tests make tables and functions of their own, and a clone that others use in turn is exchanged after
    such a test: so they share one clone, and only what the kernel writes is emptied.
    """
    connection = await connect(kernels_database)
    await connection.execute(EMPTY)
    await connection.close()
    return kernels_database


@pytest.fixture
def now() -> datetime:
    """A fixed business time."""
    return datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def keyring() -> Iterator[Keyring]:
    """A fresh key ring, in use in this process."""
    ring = Keyring.parse(Keyring.new_line("k1"))
    use_keyring(ring)
    yield ring
    use_keyring(None)
