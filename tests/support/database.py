"""One PostgreSQL for all that tests this checkout at a time, one migrated template, clones of it for the tests.

Cloning takes as long as twenty small tests do, so a clone serves many tests one after the other (`Reused`).

Each test process holds a shared lock on `users`. Who can turn it into an exclusive one is alone: at the start
that one sweeps away what a killed run left behind, at the end it stops the server. A killed process lets go
of its lock by dying.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import asyncpg

from app.supervisor import postgres
from tests.support.kept_pool import KeptPool

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "test-pg"
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}
_numbers = itertools.count(1)


def _is_alone(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@asynccontextmanager
async def _administrator(server: postgres.EmbeddedServer) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        yield connection
    finally:
        await connection.close()


@contextmanager
def test_server() -> Iterator[postgres.EmbeddedServer]:
    """The running server; the last to leave stops it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "users").open("a") as users:
        with postgres.exclusively(FOLDER / "lock"):
            alone = _is_alone(users)
            server = postgres.start(FOLDER / "data", options=_FAST)
            if alone:
                (FOLDER / "sweep").touch()
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with postgres.exclusively(FOLDER / "lock"):
                if _is_alone(users):
                    postgres.stop(server.data_dir)


def _template_name() -> str:
    """Changes with every migration, so that a template of yesterday is never taken for today's."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations").glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return f"template_{digest.hexdigest()[:16]}"


async def _sweep(connection: asyncpg.Connection) -> None:
    """Drops the clones and half-made templates of runs that were killed."""
    leftovers = await connection.fetch("SELECT datname FROM pg_database WHERE datname ~ '^(test_|draft_)'")
    for row in leftovers:
        await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')


async def migrated_template(server: postgres.EmbeddedServer) -> str:
    """The name of a database with every migration run, made once by whichever process comes first."""
    name = _template_name()
    with postgres.exclusively(FOLDER / "template.lock"):
        async with _administrator(server) as connection:
            if (FOLDER / "sweep").exists():
                await _sweep(connection)
                (FOLDER / "sweep").unlink()
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                return name
            draft = f"draft_{os.getpid()}"
            await connection.execute(
                f"CREATE DATABASE {draft} TEMPLATE template0 ENCODING 'UTF8' "
                "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
            )
            from app.migrate import migrate  # noqa: PLC0415 - tests of pure rules never load the stack

            await migrate(server.url(draft))
            await connection.execute(f"ALTER DATABASE {draft} RENAME TO {name}")
    return name


# Rows go past the guards of their tables, which would refuse it. The statements stand in the function one by one, so
# that each is planned once: that is why the role belongs to the connection, whose plans every change of it throws away.
_WRITE_EMPTY = """
SET session_replication_role = replica;
DO $$
DECLARE deletes text;
BEGIN
    SELECT string_agg(format(
        'IF EXISTS (SELECT FROM %1$s) THEN DELETE FROM %1$s; '
        'GET DIAGNOSTICS went = ROW_COUNT; total := total + went; END IF;', oid::regclass), ' ')
    INTO deletes FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname NOT IN ('business_clock', 'migration');
    EXECUTE format($write$
        CREATE FUNCTION pg_temp.empty_tables() RETURNS bigint LANGUAGE plpgsql AS $body$
        DECLARE went bigint; total bigint := 0;
        BEGIN
            %s
            UPDATE business_clock SET offset_s = 0 WHERE offset_s <> 0;
            PERFORM setval(format('%%I', sequencename)::regclass, start_value, false) FROM pg_sequences
            WHERE last_value IS NOT NULL AND sequencename <> 'migration_id_seq';
            RETURN total;
        END $body$
    $write$, deletes);
END $$;
"""
# Answers how many rows went.
_EMPTY = "SELECT pg_temp.empty_tables()"

# Changes with whatever is more than rows: tables, functions, triggers switched off, constraints, counted statistics.
# What is made or changed is the newest of its catalogue, what is gone is missing in the count.
_SHAPE = """
SELECT concat_ws(' ',
    (SELECT (count(*), max(xmin::text::bigint)) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
    (SELECT (count(*), max(xmin::text::bigint)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
    (SELECT (count(*), max(xmin::text::bigint)) FROM pg_trigger),
    (SELECT (count(*), max(xmin::text::bigint)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
    (SELECT count(*) FROM pg_statistic))
"""

_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ALL ($1::integer[])
AND backend_type = 'client backend'
"""

# Deleted rows stay in their pages, because nothing vacuums here: a clone is exchanged before that costs anything.
TESTS_PER_CLONE = 200
ROWS_PER_CLONE = 20_000


class Reused:
    """A clone that serves the tests of one process in turn: emptied between them, and exchanged once it has served
    long or a test has changed more than rows.

    One connection watches over it all the time: a fresh one would read the catalogue of a hundred tables each time.
    """

    def __init__(self, server: postgres.EmbeddedServer, template: str) -> None:
        self._server = server
        self._template = template
        self._clones = AsyncExitStack()
        self._watch: asyncpg.Connection | None = None
        self.url = ""
        self._shape = ""
        self._served = 0
        self._rows = 0
        self.pool = KeptPool()

    async def lend(self) -> str:
        """The address of a migrated, empty database."""
        if not self.url:
            self.url = await self._clones.enter_async_context(clone(self._server, self._template))
            self._shape = await (await self._watching()).fetchval(_SHAPE)
        self._served += 1
        return self.url

    async def take_back(self) -> None:
        """Empty it for the next test. Whoever is still connected, but for the kept pool, is cut off."""
        try:
            worn = await self._empty()
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError):
            # The test has cut off everybody, this connection too.
            worn = True
        if worn:
            await self.close()

    async def _empty(self) -> bool:
        """Whether the clone has served its time."""
        watch = await self._watching()
        while await watch.fetchval(_OTHERS, sorted(self.pool.kept)):
            pass
        if self._served >= TESTS_PER_CLONE or await watch.fetchval(_SHAPE) != self._shape:
            return True
        self._rows += await watch.fetchval(_EMPTY)
        return self._rows > ROWS_PER_CLONE

    async def _watching(self) -> asyncpg.Connection:
        if self._watch is None:
            self._watch = await asyncpg.connect(self.url)
            await self._watch.execute(_WRITE_EMPTY)
        return self._watch

    async def close(self) -> None:
        await self.pool.close()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.terminate()
        await self._clones.aclose()
        self.url, self._served, self._rows = "", 0, 0


@asynccontextmanager
async def clone(server: postgres.EmbeddedServer, template: str) -> AsyncIterator[str]:
    """The address of a database of one's own, gone afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    async with _administrator(server) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        try:
            yield server.url(name)
        finally:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
