"""Reads of imports and their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.links.bulk.rules import Fault
from app.links.bulk.states import ImportState, RowState

ROWS_LIMIT_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class ImportView:
    """One import with what became of its rows so far: `counts` by state, and the sum of the orders that wait or are
    made, in minor units of the shop's currency. `rows_total` is None until the file was read once."""

    id: UUID
    public_id: str
    state: ImportState
    file_name: str | None
    columns: tuple[str, ...]
    unused_columns: tuple[str, ...]
    rows_total: int | None
    refusal: str | None
    refusal_detail: str | None
    valid_days: int | None
    sends: bool
    created_at: datetime
    forgotten: bool
    counts: Mapping[RowState, int]
    ready_minor: int
    made_minor: int

    def count(self, *states: RowState) -> int:
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def rows_seen(self) -> int:
        """How many rows were looked at so far."""
        return self.count(*RowState)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row. `cells` is empty once they are forgotten; order and token are those of the order that it made."""

    position: int
    line: int
    state: RowState
    faults: tuple[Fault, ...]
    reference: str | None
    reference_used: bool
    total_minor: int | None
    order_public_id: str | None
    cells: tuple[str, ...] = field(repr=False)
    token: str | None = field(repr=False)

    def url(self, base_url: str) -> str | None:
        """The address of the order's payment link."""
        return None if self.token is None else f"{base_url}/link/{self.token}"


_IMPORT: Final = """
SELECT i.id, i.public_id, i.state, i.file_name, coalesce(i.columns, '{}') AS columns, i.unused_columns, i.rows_total,
       i.refusal, i.refusal_detail, i.valid_days, i.sends, i.created_at, i.forget_at IS NULL AS forgotten,
       coalesce((SELECT jsonb_object_agg(c.state, jsonb_build_array(c.rows, c.minor))
                 FROM (SELECT r.state, count(*) AS rows, coalesce(sum(r.total_minor), 0)::bigint AS minor
                       FROM order_import_rows r WHERE r.merchant_id = i.merchant_id AND r.import_id = i.id
                       GROUP BY r.state) AS c), '{}') AS found
FROM order_imports i
"""

_ROWS: Final = """
SELECT r.position, r.line, r.state, r.faults, r.reference, r.reference_used, r.total_minor, r.cells,
       o.public_id AS order_public_id, l.token
FROM order_import_rows r
LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.id = r.order_id
LEFT JOIN payment_links l ON l.merchant_id = r.merchant_id AND l.order_id = r.order_id
WHERE r.merchant_id = $1 AND r.import_id = $2 AND r.state = ANY($3::text[]) AND r.position > $4
ORDER BY r.position LIMIT $5
"""


async def import_of(merchant_id: UUID, public_id: str) -> ImportView | None:
    row = await db.fetch_one(
        f"{_IMPORT} WHERE i.merchant_id = $1 AND i.public_id = $2", merchant_id, public_id
    )
    return None if row is None else _view(row)


async def latest_imports(merchant_id: UUID, limit: int = 10) -> tuple[ImportView, ...]:
    """The newest imports of a shop."""
    rows = await db.fetch_all(
        f"{_IMPORT} WHERE i.merchant_id = $1 ORDER BY i.created_at DESC, i.id DESC LIMIT $2",
        merchant_id,
        limit,
    )
    return tuple(_view(row) for row in rows)


async def rows_of(
    merchant_id: UUID,
    import_id: UUID,
    *,
    states: tuple[RowState, ...] = tuple(RowState),
    after: int = 0,
    limit: int = 50,
) -> tuple[ImportRow, ...]:
    """Rows in these states in the order of the file, those behind the position `after`."""
    assert 1 <= limit <= ROWS_LIMIT_MAX + 1, "the caller checks the limit"
    found = await db.fetch_all(_ROWS, merchant_id, import_id, [state.value for state in states], after, limit)
    return tuple(_row(row) for row in found)


async def reused_references(merchant_id: UUID, import_id: UUID) -> int:
    """How many rows that can be made carry a reference that another order of the shop has already."""
    return int(
        await db.fetch_value(
            "SELECT count(*) FROM order_import_rows"
            " WHERE merchant_id = $1 AND import_id = $2 AND state = 'ready' AND reference_used",
            merchant_id,
            import_id,
        )
    )


def _view(row: db.Record) -> ImportView:
    found = row["found"]
    minor = {state: found.get(state, (0, 0))[1] for state in (RowState.READY, RowState.MADE)}
    return ImportView(
        id=row["id"],
        public_id=row["public_id"],
        state=ImportState(row["state"]),
        file_name=row["file_name"],
        columns=tuple(row["columns"]),
        unused_columns=tuple(row["unused_columns"]),
        rows_total=row["rows_total"],
        refusal=row["refusal"],
        refusal_detail=row["refusal_detail"],
        valid_days=row["valid_days"],
        sends=row["sends"],
        created_at=row["created_at"],
        forgotten=row["forgotten"],
        counts={RowState(state): rows for state, (rows, _) in found.items()},
        ready_minor=minor[RowState.READY],
        made_minor=minor[RowState.MADE],
    )


def _row(row: db.Record) -> ImportRow:
    return ImportRow(
        position=row["position"],
        line=row["line"],
        state=RowState(row["state"]),
        faults=tuple(Fault(column, code) for column, code in row["faults"]),
        reference=row["reference"],
        reference_used=row["reference_used"],
        total_minor=row["total_minor"],
        order_public_id=row["order_public_id"],
        cells=tuple(row["cells"] or ()),
        token=row["token"],
    )
