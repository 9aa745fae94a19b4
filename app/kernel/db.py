"""PostgreSQL through asyncpg, with Piccolo's query builder joining the same transactions.

    await start_pool(dsn)
    rows = await fetch_all("SELECT ... WHERE id = $1", some_id)      # autocommit, a connection from the pool
    result = await in_tx(verb)                                       # one transaction, retried as a whole

Piccolo's own transactions are not used: when a COMMIT fails or a task is cancelled they never give their
connection back. `tx()` begins, ends and releases by itself and only tells Piccolo which connection to use.

Rules inside a transaction, kept at run time:
- no second transaction inside the first (`NestedTransaction`): an inner "rollback" would commit its half;
- no `gather`, `create_task` or `wait_for` around queries (`ForeignTask`): one connection serves one task;
- no call to the outside (`refuse_in_transaction`, called by every adapter);
- an error of the database ends the transaction: do not catch it and go on.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Literal, TypeVar, cast

from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

from app.kernel import counting as _counting
from app.kernel import faults as _faults
from app.kernel import pool as _pool
from app.kernel.counting import Counts, counting
from app.kernel.faults import race_point, set_race_barrier, set_statement_probe
from app.kernel.pool import (
    Connection,
    ConnectionLost,
    Contended,
    DatabaseUnavailable,
    ForeignTask,
    NestedTransaction,
    NetworkInTransaction,
    NotInTransaction,
    PoolExhausted,
    PoolNotStarted,
    Record,
    TooSlow,
    connect,
)

__all__ = [
    "Connection",
    "ConnectionLost",
    "Contended",
    "Counts",
    "DatabaseUnavailable",
    "ForeignTask",
    "NestedTransaction",
    "NetworkInTransaction",
    "NotInTransaction",
    "PoolExhausted",
    "PoolNotStarted",
    "Record",
    "TooSlow",
    "close_pool",
    "connect",
    "counting",
    "engine",
    "execute",
    "fetch_all",
    "fetch_one",
    "fetch_value",
    "in_transaction",
    "in_tx",
    "migrate_over",
    "pool_sizes",
    "race_point",
    "refuse_in_transaction",
    "require_transaction",
    "set_race_barrier",
    "set_statement_probe",
    "start_pool",
    "tx",
]

ROLLBACK_TIMEOUT_S: Final = 2.0
MAX_CONFLICT_RETRIES: Final = 5
MAX_LOSS_RETRIES: Final = 3

Isolation = Literal["read_committed", "repeatable_read", "serializable"]
T = TypeVar("T")


# --- the pool -----------------------------------------------------------------------------------------------


async def start_pool(
    dsn: str,
    *,
    min_size: int = 2,
    max_size: int = 10,
    statement_timeout_s: float = _pool.STATEMENT_TIMEOUT_S,
    lock_timeout_s: float = 3.0,
) -> None:
    """Open the process's one pool. Raises `RuntimeError` when one is open already."""
    if engine.pool is not None:
        raise RuntimeError("the pool is already started")
    engine.pool = await _pool.open_pool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        statement_timeout_s=statement_timeout_s,
        lock_timeout_s=lock_timeout_s,
    )


async def close_pool() -> None:
    """Close the pool. Without one: nothing."""
    pool, engine.pool = engine.pool, None
    if pool is not None:
        await _pool.shut_pool(pool)


def pool_sizes() -> tuple[int, int]:
    """(connections, idle connections) of the pool, for metrics and tests."""
    pool = _started_pool()
    return pool.get_size(), pool.get_idle_size()


def _started_pool() -> Any:
    if engine.pool is None:
        raise PoolNotStarted("call start_pool first")
    return engine.pool


# --- transactions -------------------------------------------------------------------------------------------


async def in_tx(
    closure: Callable[[], Awaitable[T]],
    *,
    landed: Callable[[], Awaitable[T | None]] | None = None,
    isolation: Isolation = "read_committed",
) -> T:
    """Run the closure in one transaction, from the start again after a conflict or a lost connection.

    Conflicts (40001, 40P01, 55P03) are retried at most 5 times, a lost connection at most 3 times. A closure
    that lost its connection may have committed: either a second run finds the first one's effects by itself, or
    `landed` looks for them before it and gives the answer that was lost, None when there is none. Raises
    `Contended` or `ConnectionLost` when the retries are used up; the closure's own errors pass through after a
    rollback.
    """

    async def attempt(losses: int) -> T:
        async with tx(isolation=isolation):
            before = await landed() if losses and landed is not None else None
            return await closure() if before is None else before

    return await _persist(attempt)


async def _persist(attempt: Callable[[int], Awaitable[T]]) -> T:
    """Attempts until one comes through; each is told how many connections were lost before it."""
    conflicts = losses = 0
    while True:
        try:
            return await attempt(losses)
        except Contended:
            conflicts += 1
            if conflicts > MAX_CONFLICT_RETRIES:
                raise
            await asyncio.sleep(_jitter_s(0.005, conflicts))
        except ConnectionLost:
            losses += 1
            if losses > MAX_LOSS_RETRIES:
                raise
            await asyncio.sleep(_jitter_s(0.1, losses))


def _jitter_s(base_s: float, attempt: int) -> float:
    return base_s * float(2**attempt) * (0.5 + random.random() / 2)  # noqa: S311 - spreads retries, no secret


def tx(*, isolation: Isolation = "read_committed") -> Transaction:
    """One attempt of one transaction: `async with tx() as connection`.

    Commits when the block ends, rolls back when it raises. Raises `NestedTransaction`, `PoolExhausted`,
    `ConnectionLost`, `Contended`, `TooSlow`, or what the COMMIT itself raised (a deferred constraint, for one).
    """
    return Transaction(isolation)


class Transaction:
    """An open transaction. Piccolo reads `engine` and `connection` of the object in `current_transaction`."""

    __slots__ = ("_isolation", "_owner", "_pool", "_token", "_transaction", "connection", "engine")

    connection: Connection

    def __init__(self, isolation: Isolation) -> None:
        self.engine = engine
        self._isolation = isolation
        self._owner: asyncio.Task[object] | None = None

    async def __aenter__(self) -> Connection:
        if _current.get() is not None:
            raise NestedTransaction("this context is already in a transaction")
        self._pool = _started_pool()
        self.connection = await _pool.acquire(self._pool)
        self._transaction = self.connection.transaction(isolation=self._isolation)
        try:
            _note_transaction_statement("BEGIN")
            await self._transaction.start()
        except BaseException as error:
            await _to_the_end(self._roll_back())
            named = _pool.unavailable(error, lost=True)
            if named is not None:
                raise named from error
            raise
        self._owner = asyncio.current_task()
        self._token = _current.set(self)
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Before COMMIT, so that nothing that runs after this block believes it is still inside.
        _current.reset(self._token)
        self._owner = None
        if error is None:
            await _to_the_end(self._commit())
            return
        lost = _pool.is_lost(self.connection)
        await _to_the_end(self._roll_back())
        named = _pool.unavailable(error, lost=lost)
        if named is not None:
            raise named from error

    def check_owner(self) -> None:
        """Raises `ForeignTask`, unless the running task opened this transaction and it is still open."""
        if self._owner is not asyncio.current_task():
            raise ForeignTask("a transaction is used only by the task that opened it, while it is open")

    async def _commit(self) -> None:
        try:
            _note_transaction_statement("COMMIT")
            await self._transaction.commit()
            _counting.note_commit()
        except Exception as error:
            named = _pool.unavailable(error, lost=False)
            if named is None and isinstance(error, _pool.NO_ANSWER):
                # The connection cannot be trusted any more, and whether the COMMIT landed is unknown.
                _pool.cut(self.connection)
                named = ConnectionLost()
            if named is not None:
                raise named from error
            raise
        finally:
            await _pool.release(self._pool, self.connection)

    async def _roll_back(self) -> None:
        # The error that led here is the one to tell; a ROLLBACK that fails as well only costs the connection.
        try:
            if not _pool.is_lost(self.connection):
                _note_transaction_statement("ROLLBACK")
                async with asyncio.timeout(ROLLBACK_TIMEOUT_S):
                    await self._transaction.rollback()
        except Exception:  # noqa: BLE001 - as said above
            _pool.cut(self.connection)
        finally:
            await _pool.release(self._pool, self.connection)


async def _to_the_end(work: Coroutine[object, object, None]) -> None:
    """Run `work` to its end even when this task is cancelled meanwhile; then raise the cancellation."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # Looked at, so that the loop does not report it: the cancellation goes first.
        raise cancelled
    task.result()


def in_transaction() -> bool:
    """Whether this context is inside a transaction."""
    return _current.get() is not None


def require_transaction(verb: str) -> None:
    """Called by kernel verbs that write. Raises `NotInTransaction`."""
    if _current.get() is None:
        raise NotInTransaction(f"{verb} needs an open transaction")


def refuse_in_transaction(door: str) -> None:
    """Called first by every adapter to the outside. Raises `NetworkInTransaction`."""
    if _current.get() is not None:
        raise NetworkInTransaction(f"{door} must not be used inside a transaction")


# --- statements ---------------------------------------------------------------------------------------------


async def fetch_all(sql: str, *args: object) -> list[Record]:
    """All rows, on the current transaction's connection, else in autocommit on one from the pool."""
    return cast(list[Record], await _run("fetch", sql, args))


async def fetch_one(sql: str, *args: object) -> Record | None:
    """The first row or None; runs where `fetch_all` runs."""
    return cast("Record | None", await _run("fetchrow", sql, args))


async def fetch_value(sql: str, *args: object) -> Any:
    """The first column of the first row or None; runs where `fetch_all` runs."""
    return await _run("fetchval", sql, args)


async def execute(sql: str, *args: object) -> str:
    """Run a statement inside a transaction; returns the server's status, as in "UPDATE 1"."""
    require_transaction("execute")
    return cast(str, await _run("execute", sql, args))


async def execute_alone(sql: str, *args: object) -> str:
    """One writing statement as a transaction of its own, in a single round trip; answers the server's status.

    Retried as `in_tx` retries, so a second run must find what a first one did, and change nothing. Raises
    `NestedTransaction`, `PoolExhausted`, `Contended`, `ConnectionLost`, `TooSlow`.
    """
    if _current.get() is not None:
        raise NestedTransaction("inside a transaction, use execute")

    async def attempt(_losses: int) -> str:
        status = cast(str, await _autocommit_once("execute", sql, args))
        _counting.note_commit()
        return status

    return await _persist(attempt)


_Method = Literal["fetch", "fetchrow", "fetchval", "execute"]


async def _run(method: _Method, sql: str, args: Sequence[object]) -> Any:
    current = _current.get()
    if current is None:
        return await _autocommit(method, sql, args)
    if isinstance(current, Transaction):
        current.check_owner()
    _note_query(sql)
    try:
        return await getattr(current.connection, method)(sql, *args)
    except TimeoutError as error:
        raise TooSlow from error


async def _autocommit(method: _Method, sql: str, args: Sequence[object]) -> Any:
    """A read that lost its connection is asked once more: after a restart every pooled one is dead."""
    try:
        return await _autocommit_once(method, sql, args)
    except ConnectionLost:
        if _counting.writes(sql):
            raise
    await asyncio.sleep(_jitter_s(0.05, 1))
    return await _autocommit_once(method, sql, args)


async def _autocommit_once(method: _Method, sql: str, args: Sequence[object]) -> Any:
    pool = _started_pool()
    connection = await _pool.acquire(pool)
    try:
        _note_query(sql)
        return await getattr(connection, method)(sql, *args)
    except TimeoutError as error:
        raise TooSlow from error
    except Exception as error:
        named = _pool.unavailable(error, lost=_pool.is_lost(connection))
        if named is not None:
            raise named from error
        raise
    finally:
        await _pool.release(pool, connection)


def _note_query(sql: str) -> None:
    if _faults.statement_probe is not None:
        _faults.statement_probe(sql)
    _counting.note_query(sql)


def _note_transaction_statement(sql: str) -> None:
    if _faults.statement_probe is not None:
        _faults.statement_probe(sql)
    _counting.note_transaction_statement()


# --- Piccolo ------------------------------------------------------------------------------------------------


def migrate_over(dsn: str) -> None:
    """Let Piccolo open connections and transactions of its own to `dsn`, for migrations: they run before the
    pool and without its time limits, which a new index on a large table would meet."""
    engine.config = {"dsn": dsn}


class KolmeEngine(PostgresEngine):
    """Piccolo's engine, which neither connects on import nor opens transactions beside ours."""

    async def check_version(self) -> None:
        """Piccolo asks the server on import; a program that only shows its help needs no server."""

    async def get_new_connection(self) -> Any:
        if not self.config:
            raise PoolNotStarted("call start_pool first, or migrate_over for migrations")
        return await super().get_new_connection()

    # The positional truth values below are Piccolo's signatures.

    def transaction(self, allow_nested: bool = True) -> PostgresTransaction:  # noqa: FBT001, FBT002
        if self.pool is not None:
            raise NestedTransaction("use tx() or in_tx(); Piccolo's transactions serve migrations alone")
        return super().transaction(allow_nested)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:  # noqa: FBT001, FBT002
        if self.pool is None:
            return await super().run_querystring(querystring, in_pool)
        sql, args = querystring.compile_string(engine_type=self.engine_type)
        return await _run("fetch", sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:  # noqa: FBT001, FBT002
        if self.pool is None:
            return await super().run_ddl(ddl, in_pool)
        return await _run("fetch", ddl, ())


# Tables find their engine through this name, wherever the program was started from.
os.environ.setdefault("PICCOLO_CONF", "app.piccolo_conf")
engine: Final = KolmeEngine(config={})
_current: Final[ContextVar[Any]] = engine.current_transaction
