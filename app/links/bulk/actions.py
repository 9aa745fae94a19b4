"""What people do to an import of orders, and what becomes of it in time. A worker's part is in `row_actions`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db, ids, outbox
from app.links.bulk.errors import ImportMoved, ImportUnknown
from app.links.bulk.states import MACHINE, ImportState

JOB_KIND: Final = "order_import"
# What people wrote into a file is kept as long as what is known of a cancelled order's buyer.
ROWS_KEPT: Final = timedelta(days=30)
# A file sent again a year later is another year's file.
KEYS_KEPT: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came, its bytes already text. `key` tells one sending of the form from another; the links of its
    orders hold `valid_days` days unless a row says better, None for no end. With `sends` each link goes out by e-mail
    as it is made, in the shop's words, where the row has an address."""

    key: UUID
    file_name: str | None
    valid_days: int | None
    content: str = field(repr=False)
    sends: bool = False


_TAKE_IN: Final = """
INSERT INTO order_imports (merchant_id, id, public_id, state, upload_key, digest, file_name, content, valid_days,
                           created_at, created_by, forget_at, sends)
VALUES ($1, $2, $3, 'checking', $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (merchant_id, upload_key, digest) DO NOTHING RETURNING public_id
"""


async def take_in(merchant_id: UUID, upload: Upload, *, actor: str, now: datetime) -> str:
    """Keep a file and have it checked; answers the import's public id. The same form sent twice is one import."""
    digest = hashlib.sha256(upload.content.encode()).digest()

    async def keep() -> str:
        import_id, public_id = ids.internal_id(), ids.public_id("imp")
        kept = await db.fetch_value(
            _TAKE_IN,
            merchant_id,
            import_id,
            public_id,
            upload.key,
            digest,
            upload.file_name,
            upload.content,
            upload.valid_days,
            now,
            actor,
            now + ROWS_KEPT,
            upload.sends,
        )
        if kept is None:
            first = await db.fetch_value(
                "SELECT public_id FROM order_imports WHERE merchant_id = $1 AND upload_key = $2 AND digest = $3",
                merchant_id,
                upload.key,
                digest,
            )
            return str(first)
        await MACHINE.begin(
            merchant_id, import_id, state=ImportState.CHECKING, event="import.sent", actor=actor, at=now
        )
        await ask(merchant_id, public_id, actor, key=f"{JOB_KIND}:{public_id}")
        return public_id

    return await db.in_tx(keep)


async def start(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Make the orders of every row that is ready; a stopped import goes on. Starting twice is starting once. Raises
    ImportUnknown, ImportMoved.
    """

    async def begin() -> None:
        held = await lock(merchant_id, public_id)
        if held.state in {ImportState.MAKING, ImportState.DONE}:
            return
        if held.state not in {ImportState.CHECKED, ImportState.STOPPED}:
            raise ImportMoved(held.state.value)
        if held.forgotten:
            raise ImportMoved("forgotten")
        await MACHINE.move(
            merchant_id, held.id, expected=held.state, to=ImportState.MAKING, actor=actor, at=now
        )
        await ask(merchant_id, public_id, actor)

    await db.in_tx(begin)


async def stop(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Make no more orders of it for now; those that are made stay. Raises ImportUnknown, ImportMoved."""
    await _end(merchant_id, public_id, ImportState.MAKING, ImportState.STOPPED, actor=actor, now=now)


async def drop(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Make nothing of a file that was checked, and forget what it says. Raises ImportUnknown, ImportMoved."""
    await _end(merchant_id, public_id, ImportState.CHECKED, ImportState.DROPPED, actor=actor, now=now)


async def _end(
    merchant_id: UUID,
    public_id: str,
    expected: ImportState,
    to: ImportState,
    *,
    actor: str,
    now: datetime,
) -> None:
    async def end() -> None:
        held = await lock(merchant_id, public_id)
        if held.state is to:
            return
        if held.state is not expected:
            raise ImportMoved(held.state.value)
        await MACHINE.move(merchant_id, held.id, expected=expected, to=to, actor=actor, at=now)
        if to is ImportState.DROPPED:
            await _forget([(merchant_id, held.id)])

    await db.in_tx(end)


async def forget_imports(now: datetime, limit: int) -> int:
    """Blank what files said that were sent long enough ago, up to `limit` files. Answers how many."""
    due = await db.fetch_all(
        "SELECT merchant_id, id FROM order_imports WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2"
        " FOR UPDATE SKIP LOCKED",
        now,
        limit,
    )
    await _forget([(row["merchant_id"], row["id"]) for row in due])
    return len(due)


async def forget_rows_of(merchant_id: UUID, order_id: UUID) -> None:
    """Blank what files said of an order that is removed. In its transaction."""
    await db.execute(
        "UPDATE order_import_rows SET cells = NULL WHERE merchant_id = $1 AND order_id = $2",
        merchant_id,
        order_id,
    )


async def forget_keys(oldest: datetime, limit: int) -> int:
    """Forget which rows made their order before `oldest`, up to `limit`. Answers how many."""
    status = await db.execute(
        "DELETE FROM order_import_keys WHERE (merchant_id, row_key) IN"
        " (SELECT merchant_id, row_key FROM order_import_keys WHERE made_at < $1 ORDER BY made_at LIMIT $2)",
        oldest,
        limit,
    )
    return int(status.split()[-1])


async def _forget(imports: Sequence[tuple[UUID, UUID]]) -> None:
    merchants, numbers = [each[0] for each in imports], [each[1] for each in imports]
    await db.execute(
        "UPDATE order_import_rows SET cells = NULL"
        " WHERE (merchant_id, import_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
        merchants,
        numbers,
    )
    # A file that nobody came to check would never be checked any more: what it says is gone as well.
    await db.execute(
        "UPDATE order_imports SET forget_at = NULL, content = CASE WHEN state = 'checking' THEN '' END"
        " WHERE (merchant_id, id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))",
        merchants,
        numbers,
    )


@dataclass(frozen=True, slots=True)
class Held:
    """An import that no one else changes until the transaction ends."""

    id: UUID
    state: ImportState
    forgotten: bool


async def lock(merchant_id: UUID, public_id: str) -> Held:
    """Raises ImportUnknown."""
    db.require_transaction("imports: changing one")
    row = await db.fetch_one(
        "SELECT id, state, forget_at IS NULL AS forgotten FROM order_imports"
        " WHERE merchant_id = $1 AND public_id = $2 FOR UPDATE",
        merchant_id,
        public_id,
    )
    if row is None:
        raise ImportUnknown
    return Held(row["id"], ImportState(row["state"]), row["forgotten"])


async def ask(merchant_id: UUID, public_id: str, actor: str, key: str | None = None) -> None:
    """Have a worker take the import up. Asked with the same `key`, it is asked once."""
    payload = {"import": public_id, "actor": actor}
    await outbox.put(merchant_id, JOB_KIND, payload, key=key, about=public_id)
