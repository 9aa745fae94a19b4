"""One try to go on with an import: its rows are looked through, or their orders are made, for a few seconds.

A file of ten thousand rows takes longer than a worker may keep one job, and others wait beside it: so a try stops
after a while and asks for the next one. What it did is written row by row, and nothing of it is done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db
from app.kernel.jobs import Done, EndedAlready, Outcome, business_now
from app.kernel.outbox import Job
from app.kernel.typed import clean, one_line
from app.links.bulk import queries, row_actions
from app.links.bulk.errors import FileRefused
from app.links.bulk.queries import ImportView
from app.links.bulk.row_actions import JudgedRow
from app.links.bulk.rules import Fault, Shop, Wanted, read_row, row_key
from app.links.bulk.sheet import Row, Sheet, read
from app.links.bulk.states import ImportState, RowState
from app.merchants.queries import Merchant, merchant_by_id

# Well within a worker's lease.
TRY_LASTS_S: Final = 8.0
ROWS_AT_ONCE: Final = 250

_log = structlog.get_logger("links.bulk")


async def work(job: Job) -> Outcome:
    """Go on with the import that the job names."""
    merchant = await merchant_by_id(job.merchant_id)
    assert merchant is not None, "merchants are never deleted"
    found = await queries.import_of(job.merchant_id, str(job.payload["import"]))
    assert found is not None, "imports are never deleted"
    until = asyncio.get_running_loop().time() + TRY_LASTS_S
    match found.state:
        case ImportState.CHECKING:
            stands_at = await _check(merchant, found, job, until)
        case ImportState.MAKING:
            stands_at = await _make(merchant, found, job, until)
        case _:
            stands_at = None
    if stands_at is None:
        return Done()
    await row_actions.go_on(job, stands_at)
    return EndedAlready()


async def _check(merchant: Merchant, found: ImportView, job: Job, until: float) -> int | None:
    """Look through the rows. Answers the position reached when time ran out, None at the end."""
    content = await db.fetch_value(
        "SELECT content FROM order_imports WHERE merchant_id = $1 AND id = $2", merchant.id, found.id
    )
    try:
        sheet = await asyncio.to_thread(read, content or "")
    except FileRefused as refused:
        now = business_now(job)
        await row_actions.refuse(merchant.id, found.public_id, refused.reason, refused.detail, now=now)
        return None
    at = found.rows_seen
    if at == 0:
        await row_actions.read_columns(merchant.id, found.public_id, sheet.columns, sheet.unused)
    shop = shop_of(merchant, business_now(job))
    while at < len(sheet.rows):
        chunk = sheet.rows[at : at + ROWS_AT_ONCE]
        # In a thread: reading numbers and addresses takes long enough for other jobs to wait for.
        judged = await asyncio.to_thread(_judged, sheet, chunk, shop)
        await row_actions.add_rows(merchant.id, found.public_id, after=at, rows=judged, total=len(sheet.rows))
        at += len(chunk)
        if at < len(sheet.rows) and asyncio.get_running_loop().time() >= until:
            return at
    await row_actions.finish_check(merchant.id, found.public_id, now=business_now(job))
    return None


async def _make(merchant: Merchant, found: ImportView, job: Job, until: float) -> int | None:
    """Make the orders of the rows that are ready, the first ones first. Answers as `_check`."""
    actor = str(job.payload["actor"])
    while rows := await queries.rows_of(merchant.id, found.id, states=(RowState.READY,), limit=ROWS_AT_ONCE):
        for row in rows:
            now = business_now(job)
            await _make_one(merchant.id, found.id, row.position, shop_of(merchant, now), actor, now)
            if asyncio.get_running_loop().time() >= until:
                return row.position
        present = await queries.import_of(merchant.id, found.public_id)
        if present is None or present.state is not ImportState.MAKING:
            return None
    await row_actions.finish_making(merchant.id, found.public_id, now=business_now(job))
    return None


async def _make_one(
    merchant_id: UUID, import_id: UUID, position: int, shop: Shop, actor: str, now: datetime
) -> None:
    try:
        await row_actions.make_row(merchant_id, import_id, position, shop, actor=actor, now=now)
    except db.DatabaseUnavailable:
        raise
    except Exception:  # noqa: BLE001 - logged whole
        # One row that nobody thought of must not keep the thousands behind it.
        _log.exception("import_row_failed", position=position)
        await row_actions.fail_row(merchant_id, import_id, position)


def shop_of(merchant: Merchant, now: datetime) -> Shop:
    return Shop(
        merchant.country, merchant.currency, merchant.time_zone, merchant.local_date(now), merchant.locale
    )


def _judged(sheet: Sheet, rows: Sequence[Row], shop: Shop) -> list[JudgedRow]:
    return [_judge(sheet.columns, row, shop) for row in rows]


def _judge(columns: Sequence[str], row: Row, shop: Shop) -> JudgedRow:
    if row.fault is not None:
        return JudgedRow(row.line, row.cells, (Fault("", row.fault),))
    wanted = read_row(columns, row.cells, shop)
    if not isinstance(wanted, Wanted):
        place = columns.index("reference")
        # Shown beside its faults: a sign that turns the line around would do so to the page.
        reference = one_line(clean(row.cells[place]))[:100] if place < len(row.cells) else None
        # A card number is kept nowhere, this row of a file included.
        cells = () if any(fault.code == "card_number" for fault in wanted) else row.cells
        return JudgedRow(row.line, cells, wanted, (reference if cells else None) or None)
    return JudgedRow(row.line, row.cells, (), wanted.reference, row_key(wanted), wanted.total_minor)
