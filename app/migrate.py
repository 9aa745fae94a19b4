"""Brings a database up to the newest migration, for `kolme migrate`, the supervisor and the tests alike."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout

import asyncpg
from piccolo.apps.migrations.commands.forwards import run_forwards

from app.kernel.db import migrate_over

APP_NAME = "kolme"
# Any constant does, as long as nothing else in this database takes the same advisory lock.
_LOCK_KEY = 0x6B6F6C6D65


class MigrationError(Exception):
    """A migration failed; the message is the migration tool's own."""


async def migrate(database_url: str) -> None:
    """Runs what has not run yet, before any pool is started. Several at once wait for each other."""
    os.environ.setdefault("PICCOLO_CONF", "app.piccolo_conf")
    migrate_over(database_url)
    guard = await asyncpg.connect(database_url)
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
        with redirect_stdout(io.StringIO()) as said:
            result = await run_forwards(APP_NAME)
        if not result.success:
            raise MigrationError(result.message or said.getvalue())
    finally:
        await guard.close()
