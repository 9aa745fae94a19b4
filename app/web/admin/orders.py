"""The list of orders, and one order with everything that happened around it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from app.agreements.queries import agreement_of_order
from app.checkout import overview
from app.invoices.queries import invoices_of_order
from app.kernel import clock, ids
from app.kernel.cursors import CursorRefused
from app.ledger.queries import postings_about
from app.orders import queries
from app.orders.states import CANCELLABLE, EDITABLE, OrderState
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.views import detail_of, document_of, row_of, versions_of
from app.web.shared import forms
from app.web.shared.forms import Form

PAGE_SIZE: Final = 25
LIST: Final = "/admin/orders"


@get("/orders", name="admin:orders")
async def order_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    state = _state(request.query_params.get("state", ""))
    search = forms.one_line(forms.clean(request.query_params.get("q", "")))[: queries.REFERENCE_LENGTH_MAX]
    cursor = request.query_params.get("cursor")
    found = await _found(merchant.id, state, search, cursor)
    filters = {"state": state.value if state is not None else "", "q": search}
    context = {
        "rows": tuple(row_of(order) for order in found.orders),
        "states": tuple(each.value for each in OrderState),
        "state": filters["state"],
        "q": search,
        "older_url": list_url(**filters, cursor=found.next_cursor) if found.next_cursor else None,
        "newest_url": list_url(**filters) if cursor else None,
    }
    push_url = list_url(**filters, cursor=cursor or "")
    return await show(
        request,
        "admin/orders.html",
        context,
        section="orders",
        partial="admin/_orders.html",
        push_url=push_url,
    )


@get("/orders/{public_id:str}", name="admin:order")
async def one_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    merchant = await merchant_of(request)
    order = (
        await queries.order_for_api(merchant.id, public_id) if ids.is_public_id("ord", public_id) else None
    )
    return await no_order(request) if order is None else await show_order(request, order)


async def no_order(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_order.html", {}, section="orders", status=404)


async def show_order(
    request: AdminRequest,
    order: queries.OrderView,
    *,
    form: Form | None = None,
    refused: bool = False,
    status: int = 200,
) -> Response[str]:
    """One order's page; `form` is what was typed of a payment, with what is wrong in it. `refused` says that what was
    wanted cannot be done to the order as it is now.
    """
    merchant = await merchant_of(request)
    sessions = await overview.sessions_of_order(merchant.id, order.id)
    about = (order.public_id, *(session.public_id for session in sessions))
    context = detail_of(
        order,
        sessions,
        timeline=await queries.order_timeline(merchant.id, order.id),
        deliveries=await queries.deliveries_about(merchant.id, *about),
        postings=await postings_about(merchant.id, order.public_id),
    )
    documents = tuple(
        document_of(invoice) for invoice in await invoices_of_order(merchant.id, order.public_id)
    )
    around = {
        "order": context,
        "refused": refused,
        "note": order.note,
        "accepted_at": order.accepted_at,
        "may_edit": order.state in EDITABLE,
        "may_accept": order.state is OrderState.OPEN and order.accepted_at is None,
        "may_cancel": order.state in CANCELLABLE,
        "versions": versions_of(order, await queries.versions_of_order(merchant.id, order.id))
        if order.version > 1
        else (),
        "documents": documents,
        "agreement": await agreement_of_order(merchant.id, order.public_id),
        "payable": tuple(each for each in documents if each.asks and each.open),
        "payment_key": str(ids.internal_id()),
        "today": merchant.local_date(clock.business(request.user.staff.offset_s)),
        "form": form or Form(),
    }
    return await show(request, "admin/order.html", around, section="orders", status=status)


def list_url(state: str = "", q: str = "", cursor: str = "") -> str:
    """The list with its filters: every one that is set is in the address, so that it can be kept and sent."""
    query = urlencode(
        {name: value for name, value in (("state", state), ("q", q), ("cursor", cursor)) if value}
    )
    return f"{LIST}?{query}" if query else LIST


def _state(text: str) -> OrderState | None:
    return OrderState(text) if text in {each.value for each in OrderState} else None


async def _found(
    merchant_id: UUID, state: OrderState | None, search: str, cursor: str | None
) -> queries.OrderPage:
    """The page that was asked for. A whole order id is looked up; a place that never was shows the first page."""
    if ids.is_public_id("ord", search):
        order = await queries.order_for_api(merchant_id, search)
        known = order is not None and not order.removed and state in {None, order.state}
        return queries.OrderPage((order,) if order is not None and known else (), None)
    try:
        return await queries.list_orders(
            merchant_id, state=state, search=search or None, cursor=cursor or None, limit=PAGE_SIZE
        )
    except CursorRefused:
        return await queries.list_orders(merchant_id, state=state, search=search or None, limit=PAGE_SIZE)
