"""Orders out of a file: send it, see what was found in it, make the orders, take their links away. The web process only
takes the file in; a worker looks through it, and the page tells how far it is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, ids
from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.money import Money
from app.links.bulk import actions, queries
from app.links.bulk.actions import Upload
from app.links.bulk.errors import FileRefused, ImportMoved, ImportUnknown
from app.links.bulk.queries import ImportRow, ImportView
from app.links.bulk.rules import Fault
from app.links.bulk.sheet import FILE_MAX_BYTES, ROWS_MAX, check_head, text_of
from app.links.bulk.states import BUSY, ImportState, RowState
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.orders import LIST
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering, uploads
from app.web.shared.forms import FieldError, Form
from app.web.shared.security import UPLOAD_BODY_MAX

IMPORTS: Final = f"{LIST}/import"
ROWS_ON_A_PAGE: Final = 50
# How long the links of a file's orders may hold, in days; the first is none.
VALIDITIES: Final = (None, 7, 14, 30, 60)
_MADE: Final = (RowState.MADE, RowState.KNOWN)
_WRONG: Final = (RowState.FAULTY, RowState.FAILED)

EXAMPLE: Final = """\
reference,item,quantity,price,vat,item_2,price_2,vat_2,name,email,valid_until\r
1001,Wool blanket,1,129.00,25.5,Regular customer,-10.00,25.5,Aino Virta,aino@example.com,\r
1002,Birch cup,4,18.50,25.5,,,,Eino Salo,eino@example.com,\r
"""


@get("/orders/import", name="admin:import-form")
async def import_form(request: AdminRequest) -> Response[str]:
    return await _show_form(request, Form())


@post(
    "/orders/import", name="admin:import-send", status_code=HTTP_200_OK, request_max_body_size=UPLOAD_BODY_MAX
)
async def send_file(request: AdminRequest) -> Response[str]:
    """Take a file in, or the rows that were pasted, and have it checked."""
    merchant = await merchant_of(request)
    body, kind = await request.body(), request.headers.get("content-type", "")
    if kind.lower().startswith(uploads.MEDIA_TYPE):
        sent = uploads.parse(body, kind, long=frozenset({"rows"}))
    else:
        plain = forms.parse(body)
        sent = uploads.Sent(plain, {"rows": plain.value("rows")}, {})
    rows, file = sent.long.get("rows", ""), sent.files.get("file")
    try:
        content = text_of(rows.encode() if file is None else file.data)
        check_head(content)
    except FileRefused as refused:
        code = "missing" if file is None and refused.reason == "empty" else refused.reason
        form = sent.form.refused(file=FieldError(code, {"detail": refused.detail}))
        return await _show_form(request, form, rows=rows, status=422)
    upload = Upload(
        key=_key(sent.form.value("key")),
        file_name=None if file is None else file.name or None,
        valid_days=_valid_days(sent.form),
        content=content,
        sends=sent.form.value("sends") == "1",
    )
    public_id = await actions.take_in(
        merchant.id, upload, actor=_actor(request), now=clock.business(request.user.staff.offset_s)
    )
    return rendering.redirect(request, f"{IMPORTS}/{public_id}", leave=True)


@get("/orders/import/example.csv", name="admin:import-example")
async def example(request: AdminRequest) -> Response[str]:
    """A file that shows the columns, to be filled in."""
    del request
    return Response(
        BYTE_ORDER_MARK + EXAMPLE, media_type="text/csv; charset=utf-8", headers=_as_file("example.csv")
    )


@get("/orders/import/{public_id:str}", name="admin:import")
async def one_import(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    found = await _import(request, public_id)
    return await _no_import(request) if found is None else await _show_import(request, found)


@post("/orders/import/{public_id:str}/{step:str}", name="admin:import-step", status_code=HTTP_200_OK)
async def take_step(request: AdminRequest, public_id: FromPath[str], step: FromPath[str]) -> Response[str]:
    """Make the orders, stop making them, or throw the file away."""
    verb = {"start": actions.start, "stop": actions.stop, "drop": actions.drop}.get(step)
    if verb is None or not ids.is_public_id("imp", public_id):
        return await _no_import(request)
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    try:
        await verb(merchant.id, public_id, actor=_actor(request), now=now)
    except ImportUnknown:
        return await _no_import(request)
    except ImportMoved:
        # Somebody was quicker: the page as it is now says what became of it.
        found = await _import(request, public_id)
        return await _no_import(request) if found is None else await _show_import(request, found, status=409)
    return rendering.redirect(request, f"{IMPORTS}/{public_id}", leave=True)


@get("/orders/import/{public_id:str}/result.csv", name="admin:import-result")
async def result(request: AdminRequest, public_id: FromPath[str]) -> Stream | Response[str]:
    """The file's rows as they were sent, each with what became of it and the link of its order."""
    found = await _import(request, public_id)
    if found is None or found.state in {ImportState.CHECKING, ImportState.REFUSED}:
        return await _no_import(request)
    merchant = await merchant_of(request)
    pieces = _sheet_of(merchant.id, found, settings_of(request).base_url)
    return Stream(pieces, media_type="text/csv; charset=utf-8", headers=_as_file("orders-with-links.csv"))


async def _sheet_of(merchant_id: UUID, found: ImportView, base_url: str) -> AsyncIterator[str]:
    """The pieces of the CSV file. Words of ours are for programs, in whatever language the page was."""
    used = [place for place, name in enumerate(found.columns) if name]
    yield BYTE_ORDER_MARK + csv_row(
        [*(found.columns[place] for place in used), "line", "status", "faults", "order", "link"]
    )
    after = 0
    while rows := await queries.rows_of(merchant_id, found.id, after=after, limit=queries.ROWS_LIMIT_MAX):
        yield "".join(_csv_of(row, used, base_url) for row in rows)
        after = rows[-1].position


def _csv_of(row: ImportRow, used: list[int], base_url: str) -> str:
    cells = [row.cells[place] if place < len(row.cells) else "" for place in used]
    faults = "; ".join(
        f"{fault.column}: {fault.code}" if fault.column else fault.code for fault in row.faults
    )
    link = row.url(base_url)
    return csv_row([*cells, row.line, row.state.value, faults, row.order_public_id, link])


async def _show_form(
    request: AdminRequest, form: Form, *, rows: str = "", status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    context = {
        "form": form,
        "rows": rows,
        # A form that comes back keeps its key: what was sent is the same sending still.
        "key": str(_key(form.value("key"))),
        "validities": VALIDITIES,
        "imports": await queries.latest_imports(merchant.id),
        "currency": merchant.currency,
        "rows_max": ROWS_MAX,
        "megabytes_max": FILE_MAX_BYTES // (1024 * 1024),
    }
    return await show(request, "admin/import_form.html", context, section="orders", status=status)


async def _show_import(
    request: AdminRequest, found: ImportView, *, status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    shown = _shown(request, found)
    after = request.query_params.get("after", "")
    position = int(after) if re.fullmatch(r"[0-9]{1,5}", after, re.ASCII) else 0
    states = _MADE if shown == "made" else _WRONG if shown == "wrong" else (RowState.READY,)
    rows = await queries.rows_of(
        merchant.id, found.id, states=states, after=position, limit=ROWS_ON_A_PAGE + 1
    )
    address = f"{IMPORTS}/{found.public_id}"
    context = {
        "found": found,
        "address": address,
        "busy": found.state in BUSY,
        "shown": shown,
        "rows": tuple(_row_view(row, merchant.currency) for row in rows[:ROWS_ON_A_PAGE]),
        "first_url": f"{address}?show={shown}" if position else None,
        "next_url": f"{address}?show={shown}&after={rows[ROWS_ON_A_PAGE - 1].position}"
        if len(rows) > ROWS_ON_A_PAGE
        else None,
        "currency": merchant.currency,
        "sums": {
            "ready": Money(found.ready_minor, merchant.currency),
            "made": Money(found.made_minor, merchant.currency),
        },
        "reused": await queries.reused_references(merchant.id, found.id),
    }
    return await show(
        request,
        "admin/import.html",
        context,
        section="orders",
        partial="admin/_import.html",
        status=status,
    )


@dataclass(frozen=True, slots=True)
class RowView:
    line: int
    state: str
    faults: tuple[Fault, ...]
    reference: str | None
    reference_used: bool
    total: Money | None
    order_public_id: str | None


def _row_view(row: ImportRow, currency: str) -> RowView:
    return RowView(
        line=row.line,
        state=row.state.value,
        faults=row.faults,
        reference=row.reference,
        reference_used=row.reference_used,
        total=None if row.total_minor is None else Money(row.total_minor, currency),
        order_public_id=row.order_public_id,
    )


def _shown(request: AdminRequest, found: ImportView) -> str:
    """Which rows the page lists: those that were asked for, else those that somebody will want to see first."""
    asked = request.query_params.get("show", "")
    if asked in {"ready", "made", "wrong"}:
        return asked
    if found.count(*_WRONG):
        return "wrong"
    return "made" if found.count(*_MADE) else "ready"


async def _no_import(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_import.html", {}, section="orders", status=404)


async def _import(request: AdminRequest, public_id: str) -> ImportView | None:
    if not ids.is_public_id("imp", public_id):
        return None
    return await queries.import_of((await merchant_of(request)).id, public_id)


def _actor(request: AdminRequest) -> str:
    return f"staff:{request.user.staff.public_id}"


def _key(text: str) -> UUID:
    """The form's own key; a new one for a form that has none yet, or something else in its place."""
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


def _valid_days(form: Form) -> int | None:
    text = form.value("valid_days")
    return next((days for days in VALIDITIES if days is not None and str(days) == text), None)


def _as_file(name: str) -> dict[str, str]:
    return {"Cache-Control": rendering.NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
