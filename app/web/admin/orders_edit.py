"""Staff make, change, copy, accept, cancel and print orders. Every step works without JavaScript."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.checkout.actions import cancel_order, free_outdated_in_tx
from app.kernel import clock, db, idempotency, ids
from app.orders import actions, queries
from app.orders.actions import Contents, NewOrder
from app.orders.errors import OrderLocked, OrderRemoved, OrderUnknown, VersionConflict
from app.orders.queries import OrderView
from app.orders.rules import LINES_MAX
from app.orders.states import EDITABLE, OrderState
from app.web.admin import orders_form
from app.web.admin.access import AdminRequest
from app.web.admin.orders import LIST, no_order, show_order
from app.web.admin.pages import merchant_of, show
from app.web.admin.views import detail_of
from app.web.shared import forms, rendering
from app.web.shared.forms import Form

# Rows to type into that a new order begins with.
_FIRST_LINES: Final = 3
_SCOPE: Final = "staff:new-order"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where a form leads, whose country and currency it is in, and what it is for."""

    action: str
    back: str
    country: str
    currency: str
    order: OrderView | None = None
    conflict: bool = False


@get("/orders/new", name="admin:order-new")
async def new_order(request: AdminRequest) -> Response[str]:
    """An empty form, or the contents of the order that is named by `from`."""
    merchant = await merchant_of(request)
    copied = request.query_params.get("from", "")
    order = await _order(merchant.id, copied) if copied else None
    if order is None:
        form = Form({"lines": str(_FIRST_LINES)})
    elif order.removed or order.currency != merchant.currency or order.country != merchant.country:
        return await no_order(request)
    else:
        form = orders_form.form_of(order)
    return await _show_form(request, _new_sheet(merchant.country, merchant.currency), form)


@post("/orders/new", name="admin:order-create", status_code=HTTP_200_OK)
async def create_order(request: AdminRequest) -> Response[str]:
    """Make the order that was typed; pressed twice, it is made once."""
    merchant = await merchant_of(request)
    raw = await request.body()
    form = forms.parse(raw, fields_max=orders_form.FIELDS_MAX)
    sheet = _new_sheet(merchant.country, merchant.currency)
    if form.value("add"):
        return await _show_form(request, sheet, _with_a_line(form))
    contents = orders_form.contents_of(form, merchant.country)
    if isinstance(contents, Form):
        return await _show_form(request, sheet, contents, status=422)
    new = NewOrder(
        contents.reference,
        merchant.country,
        merchant.currency,
        "business" if form.value("buyer") == "business" else "consumer",
        contents.lines,
        contents.contact,
        contents.note,
    )
    actor, now = _actor(request), clock.business(request.user.staff.offset_s)
    digest = hashlib.sha256(raw).digest()
    # The page's own key, with what was typed: who comes back to change something makes another order.
    key = f"{form.value('key')[:64]}:{digest.hex()}"

    async def make() -> str:
        match await idempotency.claim(merchant.id, _SCOPE, key, digest):
            case idempotency.Replay() as stored:
                return stored.body.decode()
            case idempotency.Fresh():
                made = await actions.create(merchant.id, new, state=OrderState.OPEN, actor=actor, now=now)
                await idempotency.remember(
                    merchant.id,
                    _SCOPE,
                    key,
                    status=201,
                    body=made.public_id.encode(),
                    content_type="text/plain",
                )
                return made.public_id

    try:
        public_id = await db.in_tx(make)
    except idempotency.StillRunning:
        # The first press is not through yet: the list shows the order a moment later.
        return rendering.redirect(request, LIST, leave=True)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@get("/orders/{public_id:str}/edit", name="admin:order-edit")
async def edit_form(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    order = await _order((await merchant_of(request)).id, public_id)
    if order is None:
        return await no_order(request)
    if order.state not in EDITABLE:
        return await show_order(request, order, refused=True, status=409)
    return await _show_form(request, _sheet_of(order), orders_form.form_of(order))


@post("/orders/{public_id:str}/edit", name="admin:order-save", status_code=HTTP_200_OK)
async def save_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Make the next version. Whoever was slower than somebody else keeps what they typed, and is told."""
    merchant = await merchant_of(request)
    order = await _order(merchant.id, public_id)
    if order is None:
        return await no_order(request)
    form = forms.parse(await request.body(), fields_max=orders_form.FIELDS_MAX)
    if order.state not in EDITABLE:
        return await show_order(request, order, refused=True, status=409)
    if form.value("add"):
        return await _show_form(request, _sheet_of(order), _with_a_line(form))
    contents = orders_form.contents_of(form, order.country, order.lines)
    if isinstance(contents, Form):
        return await _show_form(request, _sheet_of(order), contents, status=422)
    try:
        await _save(request, merchant.id, order, contents, form)
    except VersionConflict:
        present = await _order(merchant.id, public_id) or order
        return await _show_form(request, _sheet_of(present, conflict=True), form, status=409)
    except (OrderLocked, OrderRemoved):
        present = await _order(merchant.id, public_id) or order
        return await show_order(request, present, refused=True, status=409)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


async def _save(
    request: AdminRequest, merchant_id: UUID, order: OrderView, contents: Contents, form: Form
) -> None:
    text = form.value("version")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    edit_id, actor = ids.internal_id(), _actor(request)
    now = clock.business(request.user.staff.offset_s)

    async def write() -> int:
        made = await actions.edit(
            merchant_id, order.public_id, contents, version=version, edit_id=edit_id, actor=actor, now=now
        )
        await free_outdated_in_tx(merchant_id, order.public_id, actor=actor, now=now)
        return made

    async def landed() -> int | None:
        return version + 1 if await queries.edit_landed(merchant_id, edit_id) else None

    await db.in_tx(write, landed=landed)


@post("/orders/{public_id:str}/accept", name="admin:order-accept", status_code=HTTP_200_OK)
async def accept_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """The shop stands by an open order."""
    merchant, actor = await merchant_of(request), _actor(request)
    now = clock.business(request.user.staff.offset_s)
    if not ids.is_public_id("ord", public_id):
        return await no_order(request)
    try:
        await db.in_tx(lambda: actions.accept(merchant.id, public_id, actor=actor, now=now))
    except OrderUnknown:
        return await no_order(request)
    except (OrderLocked, OrderRemoved):
        return await _refused(request, merchant.id, public_id)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@post("/orders/{public_id:str}/cancel", name="admin:order-cancel", status_code=HTTP_200_OK)
async def cancel(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """End an order that nobody has paid, with every checkout that is on its way to pay it."""
    merchant = await merchant_of(request)
    now = clock.business(request.user.staff.offset_s)
    if not ids.is_public_id("ord", public_id):
        return await no_order(request)
    try:
        await cancel_order(merchant.id, public_id, actor=_actor(request), now=now)
    except OrderUnknown:
        return await no_order(request)
    except (OrderLocked, OrderRemoved):
        return await _refused(request, merchant.id, public_id)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


@get("/orders/{public_id:str}/print", name="admin:order-print")
async def print_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """The order on paper: what was ordered, by whom, with the VAT in it."""
    order = await _order((await merchant_of(request)).id, public_id)
    if order is None or order.removed:
        return await no_order(request)
    view = detail_of(order, (), timeline=(), deliveries=(), postings=())
    return await show(
        request, "admin/order_print.html", {"order": view, "note": order.note}, section="orders"
    )


async def _order(merchant_id: UUID, public_id: str) -> OrderView | None:
    return await queries.order_for_api(merchant_id, public_id) if ids.is_public_id("ord", public_id) else None


async def _refused(request: AdminRequest, merchant_id: UUID, public_id: str) -> Response[str]:
    order = await _order(merchant_id, public_id)
    return (
        await no_order(request)
        if order is None
        else await show_order(request, order, refused=True, status=409)
    )


def _actor(request: AdminRequest) -> str:
    return f"staff:{request.user.staff.public_id}"


def _new_sheet(country: str, currency: str) -> Sheet:
    return Sheet(f"{LIST}/new", LIST, country, currency)


def _sheet_of(order: OrderView, *, conflict: bool = False) -> Sheet:
    place = f"{LIST}/{order.public_id}"
    return Sheet(f"{place}/edit", place, order.country, order.currency, order, conflict)


def _with_a_line(form: Form) -> Form:
    count = min(orders_form.lines_in(form) + 1, LINES_MAX)
    return Form({**form.values, "lines": str(count)})


async def _show_form(request: AdminRequest, sheet: Sheet, form: Form, *, status: int = 200) -> Response[str]:
    count = orders_form.lines_in(form)
    fresh = sheet.order is not None and (sheet.conflict or not form.value("version"))
    context = {
        "sheet": sheet,
        "form": form,
        "entries": orders_form.entries_of(form, count),
        "count": count,
        "types": orders_form.TYPES,
        "may_add": count < LINES_MAX,
        "key": form.value("key") or str(ids.internal_id()),
        "version": sheet.order.version if fresh and sheet.order is not None else form.value("version"),
    }
    return await show(request, "admin/order_form.html", context, section="orders", status=status)
