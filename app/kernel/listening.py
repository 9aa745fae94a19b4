"""What the database tells by NOTIFY, heard on a connection of its own for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

import asyncpg
import structlog

from app.kernel import db

if TYPE_CHECKING:
    from app.kernel.db import Connection

# How often the connection is asked whether it still lives: one that died in silence tells nothing.
CHECK_S: Final = 5.0
AGAIN_S: Final = 2.0

_log = structlog.get_logger("listening")


async def listen(
    dsn: str, channel: str, hear: Callable[[str], None], *, began: Callable[[], None]
) -> NoReturn:
    """Call `hear` with the payload of each notification, until cancelled. A connection that is lost is opened again.

    `began` is called each time the listening begins: what was told before nobody heard, so the caller looks for itself.
    """
    while True:
        connection: Connection | None = None
        try:
            connection = await db.connect(dsn)
            # So that an operator who looks at the server's connections knows what this one is for.
            await connection.fetchval(
                "SELECT set_config('application_name', $1, false)", f"kolme hears {channel}"
            )
            await connection.add_listener(channel, lambda *told: hear(str(told[-1])))
            began()
            while True:
                await asyncio.sleep(CHECK_S)
                await connection.fetchval("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("listener_away", channel=channel, error=type(error).__name__)
        finally:
            if connection is not None and not connection.is_closed():
                connection.terminate()
        await asyncio.sleep(AGAIN_S)
