"""One clone a module instead of one a test: for many small tests that only need to begin with nothing there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.kernel.db import connect
from app.supervisor.postgres import EmbeddedServer
from tests.support import database

# Every table but the clock, which holds its one row, and the record of migrations.
_EMPTY = """
DO $$ DECLARE tables text;
BEGIN
    SELECT string_agg(format('%I', tablename), ', ') INTO tables FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('business_clock', 'migration');
    EXECUTE 'TRUNCATE ' || tables;
END $$;
UPDATE business_clock SET offset_s = 0;
"""


@pytest.fixture(scope="module")
async def modules_database(postgres_server: EmbeddedServer, template_database: str) -> AsyncIterator[str]:
    async with database.clone(postgres_server, template_database) as url:
        yield url


@pytest.fixture
async def database_url(modules_database: str) -> str:
    """The address of a migrated database with nothing in it."""
    connection = await connect(modules_database)
    await connection.execute(_EMPTY)
    await connection.close()
    return modules_database
