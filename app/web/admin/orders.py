"""The list of orders, and one order with everything that happened around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from app.agreements.queries import agreement_of_order
from app.cases.queries import askers_of_orders, newest_of_order
from app.checkout import overview
from app.checkout.offering import nobody_can_pay
from app.checkout.recorded import money_of_order
from app.invoices.queries import invoices_of_order
from app.kernel import clock, ids
from app.kernel.cursors import CursorRefused
from app.kernel.money import POINTS_UNIT, Money
from app.ledger.queries import PostingView, postings_about
from app.merchants.queries import Merchant, staff_actors
from app.orders import queries
from app.orders.lists import OrderPage, Wanted, each_order, list_orders
from app.orders.states import CANCELLABLE, EDITABLE, REFUNDABLE, OrderState
from app.payments.dispute_queries import disputes_of_order
from app.payments.health import health_of_methods
from app.payments.queries import payments_of_order
from app.returns.queries import refunds_of_order, returns_of_order
from app.web.admin.access import AdminRequest
from app.web.admin.link_views import box_of_order
from app.web.admin.orders_filter import filter_of
from app.web.admin.orders_sheet import sheet_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.refunds_views import refund_row, return_row
from app.web.admin.views import (
    OrderDetail,
    detail_of,
    document_of,
    known_of,
    payment_row,
    row_of,
    versions_of,
)
from app.web.admin.ways_views import WaysView, ways_of_order
from app.web.shared import rendering
from app.web.shared.doors import house_of, payment_doors
from app.web.shared.forms import Form
from app.web.shared.points import earned_of

PAGE_SIZE: Final = 25
LIST: Final = "/admin/orders"
EXPORT: Final = f"{LIST}/export"


@get("/orders", name="admin:orders")
async def order_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    chosen = filter_of(request.query_params, merchant.time_zone)
    cursor = request.query_params.get("cursor") or None
    found = await _found(merchant.id, chosen.wanted, cursor)
    nameless = [order.id for order in found.orders if not order.contact.name]
    askers = await askers_of_orders(merchant.id, nameless)
    context = {
        "rows": tuple(row_of(order, askers.get(order.id)) for order in found.orders),
        "states": tuple(each.value for each in OrderState),
        "form": chosen.form,
        "narrowed": bool(chosen.query),
        "unfolded": chosen.unfolded,
        "closest_first": chosen.wanted.words is not None,
        "cut": found.cut,
        "next_url": chosen.url(LIST, found.next_cursor) if found.next_cursor else None,
        "first_url": chosen.url(LIST) if cursor else None,
        "export_url": chosen.url(EXPORT),
    }
    return await show(
        request,
        "admin/orders.html",
        context,
        section="orders",
        partial="admin/_orders.html",
        push_url=chosen.url(LIST, cursor or ""),
    )


@get("/orders/export", name="admin:orders-export")
async def export_orders(request: AdminRequest) -> Stream:
    """The whole list as CSV, row by row as the database gives them: of a long list nothing is held in memory."""
    merchant = await merchant_of(request)
    chosen = filter_of(request.query_params, merchant.time_zone)
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": 'attachment; filename="orders.csv"',
    }
    rows = sheet_of(each_order(merchant.id, chosen.wanted))
    return Stream(rows, media_type="text/csv", headers=headers)


@get("/orders/{public_id:str}", name="admin:order")
async def one_order(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    merchant = await merchant_of(request)
    order = (
        await queries.order_for_api(merchant.id, public_id) if ids.is_public_id("ord", public_id) else None
    )
    return await no_order(request) if order is None else await show_order(request, order)


async def no_order(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_order.html", {}, section="orders", status=404)


async def _detail(
    merchant: Merchant, order: queries.OrderView, timeline: Sequence[queries.TimelineEntry], *, was_held: bool
) -> OrderDetail:
    sessions = await overview.sessions_of_order(merchant.id, order.id)
    about = (order.public_id, *(session.public_id for session in sessions))
    detail = detail_of(
        order,
        sessions,
        timeline=timeline,
        deliveries=await queries.deliveries_about(merchant.id, *about),
        postings=await _money_about(merchant.id, order.public_id),
    )
    askers = await askers_of_orders(merchant.id, (order.id,)) if was_held else {}
    return replace(detail, contact=known_of(order.contact, askers.get(order.id)))


async def show_order(
    request: AdminRequest,
    order: queries.OrderView,
    *,
    form: Form | None = None,
    record: Form | None = None,
    refused: bool = False,
    status: int = 200,
) -> Response[str]:
    """One order's page; `form` is what was typed of a payment of an invoice, `record` of one that came outside the
    checkout, with what is wrong in it. `refused` says that what was wanted cannot be done to the order as it is now.
    """
    merchant = await merchant_of(request)
    timeline = await queries.order_timeline(merchant.id, order.id)
    # What has no payment in its timeline has none, and nobody was asked about what never waited.
    by_provider = any(entry.kind == "payment" for entry in timeline)
    was_held = any(entry.what == "order.held" for entry in timeline)
    is_disputed = any(entry.what.startswith("payment_dispute.") for entry in timeline)
    disputes = await disputes_of_order(merchant.id, order.id) if is_disputed else ()
    context = await _detail(merchant, order, timeline, was_held=was_held)
    documents = tuple(
        document_of(invoice) for invoice in await invoices_of_order(merchant.id, order.public_id)
    )
    around = {
        "order": context,
        "refused": refused,
        "note": order.note,
        "accepted_at": order.accepted_at,
        "live_url": f"{LIST}/{order.public_id}/live" if order.watched else None,
        "may_edit": order.state in EDITABLE,
        "may_link": order.state is OrderState.OPEN,
        "may_accept": order.state is OrderState.OPEN and order.accepted_at is None,
        "may_cancel": order.state in CANCELLABLE,
        "versions": versions_of(order, await queries.versions_of_order(merchant.id, order.id))
        if order.version > 1
        else (),
        "documents": documents,
        "agreement": await agreement_of_order(merchant.id, order.public_id),
        "payable": tuple(each for each in documents if each.asks and each.open),
        "may_refund": order.state in REFUNDABLE,
        **await _given_back(merchant.id, order),
        "refundable": Money(order.refundable_minor, order.currency),
        "link": await box_of_order(request, order),
        "earned": await earned_of(order.public_id, merchant),
        "staff_names": await staff_actors(merchant.id),
        "payment_key": str(ids.internal_id()),
        "today": merchant.local_date(clock.business(request.user.staff.offset_s)),
        "form": form or Form(),
        "unpayable": order.state is OrderState.OPEN
        and await nobody_can_pay(
            merchant,
            order.currency,
            (order.total_minor,),
            order.buyer,
            clock.business(request.user.staff.offset_s),
            payment_doors(house_of(request)),
        ),
        "ways": await _ways(request, merchant, order),
        "company": order.company,
        "recorded": await money_of_order(merchant.id, order.id),
        "payments": tuple(
            payment_row(each, disputes)
            for each in (await payments_of_order(merchant.id, order.id) if by_provider else ())
        ),
        "review": await newest_of_order(merchant.id, order.id) if was_held else None,
        "record": record or Form(),
        "total_typed": f"{context.total.major:.2f}",
    }
    return await show(request, "admin/order.html", around, section="orders", status=status)


async def _ways(request: AdminRequest, merchant: Merchant, order: queries.OrderView) -> WaysView | None:
    """What whoever pays this order is shown; None once there is nothing left to pay."""
    if order.state not in EDITABLE:
        return None
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    doors = payment_doors(house_of(request), await health_of_methods())
    return await ways_of_order(merchant, order, doors, today)


async def _money_about(merchant_id: UUID, order_id: str) -> list[PostingView]:
    """What was posted about an order in money; its points have a place of their own on the page."""
    found = await postings_about(merchant_id, order_id)
    return [posting for posting in found if posting.currency != POINTS_UNIT]


async def _given_back(merchant_id: UUID, order: queries.OrderView) -> dict[str, object]:
    """What went back of an order, and what is on its way back; nothing of one that nobody has paid."""
    if order.paid_at is None:
        return {"refunds": (), "returns": ()}
    refunds = await refunds_of_order(merchant_id, order.id)
    returns = await returns_of_order(merchant_id, order.id)
    return {
        "refunds": tuple(refund_row(each) for each in refunds),
        "returns": tuple(return_row(each) for each in returns),
    }


async def _found(merchant_id: UUID, wanted: Wanted, cursor: str | None) -> OrderPage:
    """The page that was asked for. A whole order id is looked up; a place that never was shows the first page."""
    if wanted.words is not None and ids.is_public_id("ord", wanted.words):
        order = await queries.order_for_api(merchant_id, wanted.words)
        known = order is not None and not order.removed and wanted.state in {None, order.state}
        return OrderPage((order,) if order is not None and known else (), None)
    try:
        return await list_orders(merchant_id, wanted, cursor=cursor, limit=PAGE_SIZE, lines=False)
    except CursorRefused:
        return await list_orders(merchant_id, wanted, limit=PAGE_SIZE, lines=False)
