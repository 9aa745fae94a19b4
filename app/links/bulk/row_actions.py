"""What a worker does to the rows of an import: each verb is one short transaction, and none does anything twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import db, outbox
from app.links import actions as links
from app.links.bulk.actions import JOB_KIND, Held, ask, lock
from app.links.bulk.rules import Fault, Shop, Wanted, read_row, row_key
from app.links.bulk.states import MACHINE, ImportState, RowState
from app.links.errors import ValidityRefused
from app.links.rules import end_of_day
from app.links.sending import Wanted as Message
from app.links.sending import send_in_tx
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.states import OrderState

WORKER: Final = "worker"


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One row that was looked at. Without faults it has a key, a reference and a sum."""

    line: int
    cells: tuple[str, ...] = field(repr=False)
    faults: tuple[Fault, ...] = ()
    reference: str | None = None
    key: bytes | None = None
    total_minor: int | None = None


_KNOWN: Final = """
SELECT row_key, order_id FROM order_import_keys WHERE merchant_id = $1 AND row_key = ANY($2::bytea[])
"""

_SEEN: Final = """
SELECT row_key FROM order_import_rows
WHERE merchant_id = $1 AND import_id = $2 AND row_key = ANY($3::bytea[])
"""

_ADD_ROWS: Final = """
INSERT INTO order_import_rows (merchant_id, import_id, position, line, state, cells, faults, reference,
                               reference_used, row_key, total_minor, order_id)
SELECT $1, $2, r.position, r.line, r.state, r.cells::jsonb, r.faults::jsonb, r.reference,
       r.state = 'ready' AND EXISTS (SELECT FROM orders o WHERE o.merchant_id = $1 AND o.reference = r.reference),
       r.row_key, r.total_minor, r.order_id
FROM unnest($3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bigint[],
            $11::uuid[])
    AS r (position, line, state, cells, faults, reference, row_key, total_minor, order_id)
"""


async def add_rows(
    merchant_id: UUID, public_id: str, *, after: int, rows: Sequence[JudgedRow], total: int
) -> None:
    """Keep rows that were looked at, the first of them at the position behind `after`; those that another worker has
    kept already are left as they are."""

    async def add() -> None:
        held = await lock(merchant_id, public_id)
        if held.state is not ImportState.CHECKING or await _position(merchant_id, held.id) != after:
            return
        await db.execute(
            "UPDATE order_imports SET rows_total = $3 WHERE merchant_id = $1 AND id = $2",
            merchant_id,
            held.id,
            total,
        )
        keys = [row.key for row in rows if row.key is not None]
        known = {row["row_key"]: row["order_id"] for row in await db.fetch_all(_KNOWN, merchant_id, keys)}
        seen = {row["row_key"] for row in await db.fetch_all(_SEEN, merchant_id, held.id, keys)}
        states, faults = [], []
        for row in rows:
            state_, found = _state_of(row, known, seen)
            states.append(state_.value)
            faults.append(_json([(fault.column, fault.code) for fault in found]))
            if row.key is not None:
                seen.add(row.key)
        await db.execute(
            _ADD_ROWS,
            merchant_id,
            held.id,
            list(range(after + 1, after + 1 + len(rows))),
            [row.line for row in rows],
            states,
            [_json(row.cells) for row in rows],
            faults,
            [row.reference for row in rows],
            [row.key for row in rows],
            [row.total_minor for row in rows],
            [None if row.key is None else known.get(row.key) for row in rows],
        )

    await db.in_tx(add)


def _state_of(
    row: JudgedRow, known: dict[bytes, UUID], seen: set[bytes]
) -> tuple[RowState, tuple[Fault, ...]]:
    if row.key is None:
        return RowState.FAULTY, row.faults
    if row.key in known:
        return RowState.KNOWN, ()
    return (RowState.KNOWN, (Fault("", "twice"),)) if row.key in seen else (RowState.READY, ())


async def read_columns(
    merchant_id: UUID, public_id: str, columns: Sequence[str], unused: Sequence[str]
) -> None:
    """Write down which columns the file has. What no column of ours is called keeps its name in `unused`."""
    await db.in_tx(
        lambda: db.execute(
            "UPDATE order_imports SET columns = $3, unused_columns = $4"
            " WHERE merchant_id = $1 AND public_id = $2 AND state = 'checking'",
            merchant_id,
            public_id,
            list(columns),
            list(unused),
        )
    )


async def finish_check(merchant_id: UUID, public_id: str, *, now: datetime) -> None:
    """Every row was looked at: somebody decides now. The file itself is not kept any longer, its rows are."""

    async def finish() -> None:
        held = await lock(merchant_id, public_id)
        if held.state is ImportState.CHECKING:
            await _move(merchant_id, held, ImportState.CHECKED, now)
            await _drop_content(merchant_id, held.id)

    await db.in_tx(finish)


async def refuse(merchant_id: UUID, public_id: str, reason: str, detail: str, *, now: datetime) -> None:
    """No orders can be read out of the file at all."""

    async def end() -> None:
        held = await lock(merchant_id, public_id)
        if held.state is not ImportState.CHECKING:
            return
        await db.execute(
            "UPDATE order_imports SET refusal = $3, refusal_detail = $4 WHERE merchant_id = $1 AND id = $2",
            merchant_id,
            held.id,
            reason,
            detail,
        )
        await _move(merchant_id, held, ImportState.REFUSED, now)
        await _drop_content(merchant_id, held.id)

    await db.in_tx(end)


_ROW: Final = """
SELECT r.cells, i.columns, i.valid_days, i.sends
FROM order_import_rows r JOIN order_imports i ON i.merchant_id = r.merchant_id AND i.id = r.import_id
WHERE r.merchant_id = $1 AND r.import_id = $2 AND r.position = $3 AND r.state = 'ready' AND i.state = 'making'
FOR UPDATE OF r
"""

_CLAIM_KEY: Final = """
INSERT INTO order_import_keys (merchant_id, row_key, order_id, made_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING true
"""


# The same row further down the file leads to the same order.
_TELL_TWINS: Final = """
UPDATE order_import_rows SET order_id = $4
WHERE merchant_id = $1 AND import_id = $2 AND row_key = $3 AND state = 'known' AND order_id IS NULL
"""


class _Overtaken(Exception):
    """The same row of another import has made its order in this very moment."""


async def make_row(
    merchant_id: UUID, import_id: UUID, position: int, shop: Shop, *, actor: str, now: datetime
) -> None:
    """One row becomes an open order with its link, or nothing at all. A row that is not ready any more, or whose import
    was stopped, is left alone; one that has made its order before is told so; one that time has made wrong (a last day
    that has passed meanwhile) is faulty.
    """

    async def make() -> None:
        row = await db.fetch_one(_ROW, merchant_id, import_id, position)
        if row is None:
            return
        wanted = read_row(row["columns"], row["cells"] or (), shop)
        if not isinstance(wanted, Wanted):
            faults = [[fault.column, fault.code] for fault in wanted]
            await _settle(merchant_id, import_id, position, RowState.FAULTY, faults=faults)
            return
        key = row_key(wanted)
        known = await db.fetch_value(
            "SELECT order_id FROM order_import_keys WHERE merchant_id = $1 AND row_key = $2", merchant_id, key
        )
        if known is not None:
            await _settle(merchant_id, import_id, position, RowState.KNOWN, order_id=known)
            return
        order_id = await _make_order(merchant_id, wanted, shop, row, actor=actor, now=now)
        if not await db.fetch_value(_CLAIM_KEY, merchant_id, key, order_id, now):
            raise _Overtaken
        await _settle(merchant_id, import_id, position, RowState.MADE, order_id=order_id)
        await db.execute(_TELL_TWINS, merchant_id, import_id, key, order_id)

    try:
        await db.in_tx(make)
    except _Overtaken:
        # The other one has committed: this time its order is found.
        await db.in_tx(make)
    except ValidityRefused:
        # The last minute of its last day has passed between looking and making.
        passed = [["valid_until", "passed"]]
        await db.in_tx(lambda: _settle(merchant_id, import_id, position, RowState.FAULTY, faults=passed))


async def fail_row(merchant_id: UUID, import_id: UUID, position: int) -> None:
    """Something went wrong that no row should make go wrong: this one is left out, the others go on."""
    await db.in_tx(
        lambda: _settle(merchant_id, import_id, position, RowState.FAILED, faults=[["", "internal"]])
    )


async def finish_making(merchant_id: UUID, public_id: str, *, now: datetime) -> None:
    """No row is ready any more."""

    async def finish() -> None:
        held = await lock(merchant_id, public_id)
        if held.state is ImportState.MAKING:
            await _move(merchant_id, held, ImportState.DONE, now)

    await db.in_tx(finish)


async def go_on(job: outbox.Job, position: int) -> None:
    """End this try and ask for the next one: a job lasts a few seconds, so that others come in between."""

    async def again() -> None:
        public_id, actor = str(job.payload["import"]), str(job.payload["actor"])
        await ask(job.merchant_id, public_id, actor, key=f"{JOB_KIND}:{job.id}")
        await outbox.succeed(job, f"as far as row {position}")

    await db.in_tx(again)


async def _make_order(
    merchant_id: UUID, wanted: Wanted, shop: Shop, of_import: db.Record, *, actor: str, now: datetime
) -> UUID:
    order = NewOrder(
        reference=wanted.reference,
        country=shop.country,
        currency=shop.currency,
        buyer=wanted.buyer,
        lines=wanted.lines,
        contact=Contact(**wanted.contact),
        note=wanted.note,
    )
    last_day = wanted.valid_until
    if last_day is None and of_import["valid_days"] is not None:
        last_day = shop.today + timedelta(days=of_import["valid_days"])
    lapses = None if last_day is None else end_of_day(last_day, shop.time_zone)
    made = await orders.create(merchant_id, order, state=OrderState.OPEN, actor=actor, now=now)
    link = await links.make_in_tx(merchant_id, made.public_id, expires_at=lapses, actor=actor, now=now)
    if of_import["sends"] and (email := wanted.contact.get("email")):
        await send_in_tx(link, Message("email", email, shop.lang), actor=actor, now=now)
    return made.id


async def _settle(
    merchant_id: UUID,
    import_id: UUID,
    position: int,
    state: RowState,
    *,
    faults: Sequence[Sequence[str]] = (),
    order_id: UUID | None = None,
) -> None:
    await db.execute(
        "UPDATE order_import_rows SET state = $4, faults = $5, order_id = $6"
        " WHERE merchant_id = $1 AND import_id = $2 AND position = $3 AND state = 'ready'",
        merchant_id,
        import_id,
        position,
        state.value,
        list(faults),
        order_id,
    )


async def _move(merchant_id: UUID, held: Held, to: ImportState, now: datetime) -> None:
    await MACHINE.move(merchant_id, held.id, expected=held.state, to=to, actor=WORKER, at=now)


async def _drop_content(merchant_id: UUID, import_id: UUID) -> None:
    await db.execute(
        "UPDATE order_imports SET content = NULL WHERE merchant_id = $1 AND id = $2", merchant_id, import_id
    )


def _json(value: object) -> str:
    """For an array of documents: the driver takes a list in a list for a second dimension."""
    return msgspec.json.encode(value).decode()


async def _position(merchant_id: UUID, import_id: UUID) -> int:
    return int(
        await db.fetch_value(
            "SELECT coalesce(max(position), 0) FROM order_import_rows WHERE merchant_id = $1 AND import_id = $2",
            merchant_id,
            import_id,
        )
    )
