"""One PostgreSQL for all that tests this checkout at a time, one migrated template, one clone a test.

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
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import asyncpg

from app.supervisor import postgres

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
