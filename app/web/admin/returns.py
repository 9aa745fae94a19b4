"""Goods that come back: the queue, one return with the figures of its refund, and announcing one for a shopper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices.credits import Pieces
from app.kernel import clock, db, ids, typed
from app.kernel.cursors import CursorRefused
from app.kernel.errors import Refusal
from app.kernel.money import Money
from app.merchants.errors import ModuleOff
from app.merchants.queries import staff_actors
from app.orders.queries import OrderView, order_for_api
from app.orders.states import REFUNDABLE
from app.returns import actions
from app.returns.actions import NewReturn
from app.returns.errors import (
    NotInvoicedYet,
    NotRefundable,
    RefundableChanged,
    RefundKeyReused,
    RefundRefused,
    ReturnMoved,
    ReturnRefused,
    ReturnUnknown,
)
from app.returns.queries import (
    ReturnPage,
    list_returns,
    refunds_of_order,
    return_by_public_id,
    returnable_of,
    waiting_refunds,
)
from app.returns.rules import REASONS, STATEMENT_LENGTH_MAX
from app.returns.states import OPEN, ReturnState
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.documents import minor_of
from app.web.admin.orders import LIST as ORDERS
from app.web.admin.orders import no_order
from app.web.admin.pages import merchant_of, show
from app.web.admin.refunds_views import refund_row, return_row
from app.web.shared import forms, rendering
from app.web.shared.drawn import draw_if_paid
from app.web.shared.forms import FieldError, Form

LIST: Final = "/admin/returns"
PAGE_SIZE: Final = 25
# Whatever still wants something of the shop.
STILL_OPEN: Final = "open"
FILTERS: Final = (STILL_OPEN, *(state.value for state in ReturnState))
_NUMBER: Final = re.compile(r"(?:[Rr]-?)?0*([0-9]{1,9})", re.ASCII)
_PIECES: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


@get("/returns", name="admin:returns")
async def return_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    given = request.query_params
    state = given.get("state", "") if given.get("state", "") in FILTERS else ""
    words = typed.one_line(typed.clean(given.get("q", "")))[:20]
    cursor = given.get("cursor") or None
    found = await _found(merchant.id, state, words, cursor)
    context = {
        "rows": tuple(return_row(each) for each in found.returns),
        "waiting": tuple(refund_row(each) for each in await waiting_refunds(merchant.id)),
        "states": FILTERS,
        "state": state,
        "q": words,
        "older_url": _url(state, words, found.next_cursor) if found.next_cursor else None,
        "newest_url": _url(state, words) if cursor else None,
        "staff_names": await staff_actors(merchant.id),
    }
    return await show(
        request,
        "admin/returns.html",
        context,
        section="orders",
        partial="admin/_returns.html",
        push_url=_url(state, words, cursor or ""),
    )


@get("/returns/{public_id:str}", name="admin:return")
async def one_return(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    return await _one(request, public_id, Form())


@post("/returns/{public_id:str}", name="admin:return-do", status_code=HTTP_200_OK)
async def do_with_return(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Mark it received, give its money back in one tap, refuse it with a reason, or call it off."""
    if not ids.is_public_id("ret", public_id):
        return await no_return(request)
    form = forms.parse(await request.body())
    try:
        await db.in_tx(lambda: _do(request, public_id, form))
    except ReturnUnknown:
        return await no_return(request)
    except (ReturnMoved, RefundKeyReused):
        # Somebody else was faster, or it was given back with another fee: the page shows how things stand.
        return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)
    except (ReturnRefused, RefundableChanged, RefundRefused, NotRefundable, ModuleOff) as refused:
        return await _one(request, public_id, form.refused(**_error(refused)), status=422)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


async def _do(request: AdminRequest, public_id: str, form: Form) -> None:
    merchant = await merchant_of(request)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    match form.value("do"):
        case "receive":
            await actions.receive(merchant, public_id, actor=actor, now=now)
        case "refuse":
            await actions.refuse_return(merchant, public_id, form.value("refusal"), actor=actor, now=now)
        case "cancel":
            await actions.cancel_return(merchant, public_id, actor=actor, now=now)
        case "refund":
            seen, fee = form.value("seen"), minor_of(form.value("fee")) if form.value("fee") else 0
            if fee is None:
                raise ReturnRefused("fee", "malformed")
            figure = int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 13 else -1
            await actions.refund_return(
                merchant, public_id, refundable_minor=figure, actor=actor, now=now, fee_minor=fee
            )


@get("/orders/{public_id:str}/return", name="admin:return-form")
async def return_form(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    order = await _order(request, public_id)
    if order is None:
        return await no_order(request)
    if order.state not in REFUNDABLE:
        return rendering.redirect(request, f"{ORDERS}/{public_id}", leave=True)
    return await _ask(request, order, Form())


@post("/orders/{public_id:str}/return", name="admin:return-announce", status_code=HTTP_200_OK)
async def announce_return(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Announce goods for a shopper who called; the shop may be kinder than its conditions."""
    merchant = await merchant_of(request)
    order = await _order(request, public_id)
    if order is None:
        return await no_order(request)
    form = forms.parse(await request.body(), fields_max=220)
    new = _new(request, form, len(order.lines))
    if isinstance(new, Form):
        return await _ask(request, order, new, status=422)
    now = clock.business(request.user.staff.offset_s)

    async def work() -> str:
        await draw_if_paid(merchant, public_id, settings_of(request).operator, now)
        return (await actions.announce(merchant, public_id, new, now)).public_id

    try:
        announced = await db.in_tx(work)
    except NotRefundable:
        return rendering.redirect(request, f"{ORDERS}/{public_id}", leave=True)
    except (ReturnRefused, ModuleOff, NotInvoicedYet) as refused:
        return await _ask(request, order, form.refused(**_error(refused)), status=422)
    return rendering.redirect(request, f"{LIST}/{announced}", leave=True)


async def no_return(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_return.html", {}, section="orders", status=404)


async def _one(request: AdminRequest, public_id: str, form: Form, status: int = 200) -> Response[str]:
    merchant = await merchant_of(request)
    found = await return_by_public_id(merchant.id, public_id) if ids.is_public_id("ret", public_id) else None
    if found is None:
        return await no_return(request)
    order = await order_for_api(merchant.id, found.order_public_id)
    assert order is not None, "a return is of an order"
    refunds = [each for each in await refunds_of_order(merchant.id, order.id) if each.return_id == found.id]
    context = {
        "row": return_row(found),
        "is_open": found.state in OPEN,
        "may_cancel": found.state is ReturnState.ANNOUNCED,
        "refunds": tuple(refund_row(each) for each in refunds),
        "waits": any(each.state == "pending_approval" for each in refunds),
        "left": Money(order.refundable_minor, order.currency),
        "statement_max": STATEMENT_LENGTH_MAX,
        "staff_names": await staff_actors(merchant.id),
        "form": form,
    }
    return await show(request, "admin/return.html", context, section="orders", status=status)


async def _ask(request: AdminRequest, order: OrderView, form: Form, status: int = 200) -> Response[str]:
    merchant = await merchant_of(request)
    now = clock.business(request.user.staff.offset_s)
    returnable = await returnable_of(merchant, order, merchant.local_date(now))
    context = {
        "order_id": order.public_id,
        "reference": order.reference,
        "currency": order.currency,
        "returnable": returnable,
        "reasons": REASONS,
        "has_wallet": merchant.has("wallet")
        and order.customer_public_id is not None
        and order.currency == merchant.currency,
        "money": lambda minor: Money(minor, order.currency),
        "statement_max": STATEMENT_LENGTH_MAX,
        "form": form,
    }
    return await show(request, "admin/return_form.html", context, section="orders", status=status)


def _new(request: AdminRequest, form: Form, lines: int) -> NewReturn | Form:
    """What was typed as a return, or the form with what is wrong in it."""
    errors: dict[str, FieldError] = {}
    texts = [form.value(f"line-{at}") or "0" for at in range(lines)]
    if not all(_PIECES.fullmatch(text) for text in texts):
        errors["lines"] = FieldError("malformed")
    reason = next((each for each in REASONS if each == form.value("reason")), None)
    if reason is None:
        errors["reason"] = FieldError("missing")
    if form.value("to") not in {"wallet", "original"}:
        errors["to"] = FieldError("missing")
    if errors or reason is None:
        return form.refused(**errors)
    return NewReturn(
        pieces=tuple(Pieces(at, int(text)) for at, text in enumerate(texts)),
        reason=reason,
        to="wallet" if form.value("to") == "wallet" else "original",
        actor=f"staff:{request.user.staff.public_id}",
        statement=form.value("statement"),
        is_staff=True,
    )


def _error(refused: Refusal) -> Mapping[str, FieldError]:
    match refused:
        case ReturnRefused():
            return {refused.field: FieldError(refused.reason)}
        case RefundRefused():
            return {"to" if refused.field == "to" else "lines": FieldError(refused.reason)}
        case ModuleOff():
            return {"to": FieldError(refused.code)}
        case _:
            return {"refundable": FieldError(refused.code)}


async def _order(request: AdminRequest, public_id: str) -> OrderView | None:
    if not ids.is_public_id("ord", public_id):
        return None
    return await order_for_api(request.user.staff.merchant_id, public_id)


async def _found(merchant_id: UUID, state: str, words: str, cursor: str | None) -> ReturnPage:
    """The page that was asked for; a place that never was shows the first one."""
    states = tuple(OPEN) if state == STILL_OPEN else tuple(ReturnState(each) for each in [state] if each)
    number = _NUMBER.fullmatch(words)
    if words and number is None:
        return ReturnPage((), None)
    wanted = None if number is None else int(number[1])
    try:
        return await list_returns(merchant_id, states=states, number=wanted, cursor=cursor, limit=PAGE_SIZE)
    except CursorRefused:
        return await list_returns(merchant_id, states=states, number=wanted, limit=PAGE_SIZE)


def _url(state: str, words: str, cursor: str | None = None) -> str:
    """The list with its filters: every one that is set is in the address, so that it can be kept and sent."""
    given = {"q": words, "state": state, "cursor": cursor or ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{LIST}?{query}" if query else LIST
