"""The pool of PostgreSQL connections under `db`, and the errors of both. Others import `db`, not this."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, cast

import asyncpg
import msgspec
from asyncpg import exceptions as pg

ACQUIRE_TIMEOUT_S: Final = 2.0
STATEMENT_TIMEOUT_S: Final = 5.0
# Later than the server's own statement timeout: only a server that does not answer at all meets this one.
COMMAND_TIMEOUT_S: Final = 6.0
CLOSE_TIMEOUT_S: Final = 5.0

# The driver's own state is broken: the server's last words to a connection came while a statement was being sent.
BROKEN: Final = pg.InternalClientError
NO_ANSWER: Final = (
    OSError,
    pg.InterfaceError,
    pg.PostgresConnectionError,
    pg.OperatorInterventionError,
    BROKEN,
)
_log = logging.getLogger("kolme.db")


class Record(Protocol):
    """A row: by column name or position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def __len__(self) -> int: ...
    def get(self, key: str, default: Any = None) -> Any: ...
    def keys(self) -> Iterator[str]: ...
    def values(self) -> Iterator[Any]: ...
    def items(self) -> Iterator[tuple[str, Any]]: ...


class Connection(Protocol):
    """What this code uses of asyncpg's connection. Statements sent straight through it are not counted."""

    async def fetch(self, query: str, *args: object) -> list[Record]: ...
    async def fetchrow(self, query: str, *args: object) -> Record | None: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...
    async def execute(self, query: str, *args: object) -> str: ...
    def transaction(self, *, isolation: str | None = None) -> Any: ...
    def is_closed(self) -> bool: ...
    def terminate(self) -> None: ...
    async def add_listener(self, channel: str, callback: Callable[..., object]) -> None: ...
    async def close(self, *, timeout: float | None = None) -> None: ...


class DatabaseUnavailable(Exception):
    """The database cannot serve this now; the caller may try again soon. The web layer answers 503."""


class PoolExhausted(DatabaseUnavailable):
    """No connection came free within `ACQUIRE_TIMEOUT_S`."""


class ConnectionLost(DatabaseUnavailable):
    """The server went away. Whether a COMMIT in flight landed is unknown: the idempotency key tells."""


class Contended(DatabaseUnavailable):
    """Another transaction stood in the way: serialization failure, deadlock or a lock not had in time."""


class TooSlow(DatabaseUnavailable):
    """A statement ran into its time limit."""


class DatabaseNotReached(ConnectionLost):
    """No pool could be opened. `sentence` tells whoever started the process why; it names no address, no secret."""

    def __init__(self, cause: Exception) -> None:
        reason = "it does not answer" if isinstance(cause, OSError) else "it refused the connection"
        self.sentence = (
            f"The database cannot be reached: {reason} ({type(cause).__name__}). Check DATABASE_URL."
        )
        super().__init__(self.sentence)


class PoolNotStarted(RuntimeError):
    """A query before `start_pool`."""


class NotInTransaction(RuntimeError):
    """A write outside a transaction."""


class NestedTransaction(RuntimeError):
    """A transaction was opened inside another one."""


class ForeignTask(RuntimeError):
    """A query on a transaction that belongs to another task, or that has ended."""


class NetworkInTransaction(RuntimeError):
    """A door to the outside was used while a transaction is open."""


async def open_pool(
    dsn: str, *, min_size: int, max_size: int, statement_timeout_s: float, lock_timeout_s: float
) -> Any:
    """An open asyncpg pool. Raises `DatabaseNotReached`."""
    opening = asyncpg.create_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        init=prepare_connection,
        # Nothing here changes session state, so the driver's reset statement would be a wasted round trip. It
        # still rolls back by itself, with a complaint, should a connection come back inside a transaction.
        reset=_no_reset,
        command_timeout=COMMAND_TIMEOUT_S + max(0.0, statement_timeout_s - STATEMENT_TIMEOUT_S),
        server_settings={
            "application_name": "kolme",
            "timezone": "UTC",
            "lock_timeout": f"{int(lock_timeout_s * 1000)}ms",
            "statement_timeout": f"{int(statement_timeout_s * 1000)}ms",
            "idle_in_transaction_session_timeout": "10s",
            # Every query here is short; compiling one would cost more than running it.
            "jit": "off",
        },
    )
    try:
        return await opening
    except (*NO_ANSWER, pg.PostgresError) as error:
        raise DatabaseNotReached(error) from error


async def shut_pool(pool: Any) -> None:
    """Close the pool; connections still busy after `CLOSE_TIMEOUT_S` are cut."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def acquire(pool: Any) -> Connection:
    """A connection from the pool. Raises `PoolExhausted` or `ConnectionLost`."""
    # A connection that stands ready is had without a timer, which costs as much as a short query.
    timeout_s = None if pool.get_idle_size() else ACQUIRE_TIMEOUT_S
    try:
        return cast(Connection, await pool.acquire(timeout=timeout_s))
    except (TimeoutError, pg.TooManyConnectionsError) as error:
        raise PoolExhausted from error
    except NO_ANSWER as error:
        raise ConnectionLost from error


async def release(pool: Any, connection: Connection) -> None:
    """Give the connection back clean, or not at all. Never raises: the work's outcome is already decided."""
    try:
        await pool.release(connection)
    except Exception:  # noqa: BLE001 - whatever it was, the caller has its answer and the connection is gone
        _log.warning("a connection could not be released and was dropped", exc_info=True)


def is_lost(connection: Connection) -> bool:
    """Whether the connection is closed. The pool takes a closed one back, after which it only raises."""
    try:
        return connection.is_closed()
    except pg.InterfaceError:
        return True


def cut(connection: Connection) -> None:
    """End a connection that can no longer be trusted, without a word to the server."""
    if not is_lost(connection):
        connection.terminate()


def unavailable(error: BaseException, *, lost: bool) -> DatabaseUnavailable | None:
    """The error under the name that callers know, or None when it is the caller's own or a broken constraint."""
    if isinstance(error, BROKEN) or (
        lost and isinstance(error, (OSError, pg.InterfaceError, pg.PostgresError))
    ):
        return ConnectionLost()
    if isinstance(error, (pg.SerializationError, pg.DeadlockDetectedError, pg.LockNotAvailableError)):
        return Contended()
    return TooSlow() if isinstance(error, pg.QueryCanceledError) else None


async def connect(dsn: str) -> Connection:
    """A connection of its own, outside the pool, for LISTEN. The caller closes it."""
    connection = await asyncpg.connect(dsn, command_timeout=COMMAND_TIMEOUT_S)
    await prepare_connection(connection)
    return cast(Connection, connection)


async def prepare_connection(connection: Any) -> None:
    """Let json and jsonb go in and out as Python objects."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode_jsonb, decoder=_decode_jsonb
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=_encode_json, decoder=msgspec.json.decode
    )


async def _no_reset(_connection: object) -> None:
    return None


def _encode_jsonb(value: object) -> bytes:
    # Binary jsonb is a version byte and then the text.
    return b"\x01" + _encode_json(value)


def _encode_json(value: object) -> bytes:
    # Piccolo's builder hands JSON columns over as text that is already encoded, so text passes through.
    if isinstance(value, str):
        return value.encode()
    return msgspec.json.encode(value)


def _decode_jsonb(encoded: bytes) -> object:
    return msgspec.json.decode(encoded[1:])
