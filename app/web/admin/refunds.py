"""The refund door: what shall go back and where, a look at what that does in euros, and only then the deed.

Also the one page of a refund, where a second person says yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices.credits import EVERYTHING, Pieces, Wanted
from app.kernel import clock, db, ids
from app.kernel.errors import Refusal
from app.kernel.money import Money
from app.merchants.errors import ModuleOff, SamePerson
from app.merchants.queries import staff_actors
from app.orders.queries import OrderView, order_for_api
from app.orders.states import REFUNDABLE
from app.returns import actions
from app.returns.actions import NewRefund
from app.returns.asking import preview
from app.returns.errors import (
    NotInvoicedYet,
    NotRefundable,
    PaymentDisputed,
    RefundableChanged,
    RefundDecided,
    RefundKeyReused,
    RefundRefused,
)
from app.returns.queries import conditions_of, lines_of_refund, refund_by_public_id, sale_of
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.documents import minor_of
from app.web.admin.orders import LIST, no_order
from app.web.admin.pages import merchant_of, show
from app.web.admin.refunds_views import preview_of, refund_row, refundable_lines, taken_lines
from app.web.shared import forms, rendering
from app.web.shared.drawn import draw_if_paid
from app.web.shared.forms import FieldError, Form

REFUNDS: Final = "/admin/refunds"
LINES_SHOWN_MAX: Final = 90
NOTE_LENGTH_MAX: Final = 500
_PIECES: Final = re.compile(r"[0-9]{1,5}", re.ASCII)


@get("/orders/{public_id:str}/refund", name="admin:refund")
async def refund_form(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    order = await _order(request, public_id)
    if order is None:
        return await no_order(request)
    if order.state not in REFUNDABLE:
        return _to_order(request, public_id)
    return await _ask(request, order, Form())


@post("/orders/{public_id:str}/refund", name="admin:refund-now", status_code=HTTP_200_OK)
async def refund(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Without `seen` the refund is shown as it would be; with it, it is made, once."""
    order = await _order(request, public_id)
    if order is None:
        return await no_order(request)
    if order.state not in REFUNDABLE:
        return _to_order(request, public_id)
    form = forms.parse(await request.body(), fields_max=LINES_SHOWN_MAX + 20)
    if form.value("do") == "change":
        return await _ask(request, order, form)
    new = _new(request, form, order)
    if isinstance(new, Form):
        return await _ask(request, order, new, status=422)
    try:
        if not form.value("seen"):
            return await _look(request, order, form, new)
        made = await _make(request, public_id, new)
    except (ModuleOff, NotInvoicedYet, PaymentDisputed, RefundableChanged, RefundRefused) as refused:
        present = await _order(request, public_id)
        assert present is not None
        status = 422 if isinstance(refused, ModuleOff | RefundRefused) else 409
        return await _ask(request, present, form.refused(**_error(refused)), status=status)
    except (NotRefundable, RefundKeyReused):
        # Somebody else was faster: the page it leads to shows how things stand.
        return _to_order(request, public_id)
    return rendering.redirect(request, f"{REFUNDS}/{made}", leave=True)


@get("/refunds/{public_id:str}", name="admin:refund-one")
async def one_refund(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    return await _one(request, public_id)


@post("/refunds/{public_id:str}", name="admin:refund-decide", status_code=HTTP_200_OK)
async def decide_refund(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """A second person says yes; anybody may say no, whoever asked too."""
    merchant = await merchant_of(request)
    if await refund_by_public_id(merchant.id, public_id) is None:
        return await no_refund(request)
    form = forms.parse(await request.body())
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)

    async def work() -> None:
        if form.value("do") == "approve":
            await actions.approve(merchant, public_id, actor=actor, now=now)
        elif form.value("do") == "refuse":
            await actions.refuse_refund(merchant, public_id, actor=actor, now=now)

    try:
        await db.in_tx(work)
    except SamePerson:
        return await _one(request, public_id, error="same_person", status=422)
    except ModuleOff:
        return await _one(request, public_id, error="module_off", status=409)
    except RefundRefused as refused:
        error = "other_currency" if refused.field == "to" else "not_left"
        return await _one(request, public_id, error=error, status=409)
    except (NotInvoicedYet, PaymentDisputed) as refused:
        error = refused.code if isinstance(refused, PaymentDisputed) else "not_left"
        return await _one(request, public_id, error=error, status=409)
    except RefundDecided:
        # Somebody else was faster: the page shows how.
        pass
    return rendering.redirect(request, f"{REFUNDS}/{public_id}", leave=True)


async def no_refund(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_refund.html", {}, section="orders", status=404)


async def _one(request: AdminRequest, public_id: str, *, error: str = "", status: int = 200) -> Response[str]:
    merchant = await merchant_of(request)
    found = await refund_by_public_id(merchant.id, public_id) if ids.is_public_id("rf", public_id) else None
    if found is None:
        return await no_refund(request)
    lines = await lines_of_refund(merchant.id, found.id)
    context = {
        "refund": refund_row(found),
        "lines": taken_lines(lines, found.currency),
        "staff_names": await staff_actors(merchant.id),
        "is_own": found.asked_by == f"staff:{request.user.staff.public_id}",
        "error": error,
    }
    return await show(request, "admin/refund_one.html", context, section="orders", status=status)


async def _order(request: AdminRequest, public_id: str) -> OrderView | None:
    if not ids.is_public_id("ord", public_id):
        return None
    return await order_for_api(request.user.staff.merchant_id, public_id)


def _to_order(request: AdminRequest, public_id: str) -> Response[str]:
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


def _new(request: AdminRequest, form: Form, order: OrderView) -> NewRefund | Form:
    """What was typed as a refund, or the form with what is wrong in it."""
    errors: dict[str, FieldError] = {}
    wanted = _wanted(form, len(order.lines))
    if isinstance(wanted, FieldError):
        errors[form.value("what") if form.value("what") in {"amount", "lines"} else "what"] = wanted
    fee = minor_of(form.value("fee")) if form.value("fee") else 0
    if fee is None:
        errors["fee"] = FieldError("malformed")
    to = form.value("to")
    if to not in {"wallet", "original"}:
        errors["to"] = FieldError("missing")
    note = form.value("note")
    if len(note) > NOTE_LENGTH_MAX:
        errors["note"] = FieldError("too_long")
    if errors or isinstance(wanted, FieldError) or fee is None:
        return form.refused(**errors)
    return NewRefund(
        wanted=wanted,
        refundable_minor=_digits(form.value("seen"), order.refundable_minor),
        to="wallet" if to == "wallet" else "original",
        actor=f"staff:{request.user.staff.public_id}",
        key=f"staff:{_key(form.value('key'))}",
        fee_minor=fee,
        note=note or None,
        is_fraud=bool(form.value("fraud")),
    )


def _wanted(form: Form, lines: int) -> Wanted | FieldError:
    match form.value("what"):
        case "all":
            return EVERYTHING
        case "amount":
            minor = minor_of(form.value("amount"))
            return FieldError("malformed") if minor is None else minor
        case "lines":
            return _pieces(form, lines)
        case _:
            return FieldError("missing")


def _pieces(form: Form, lines: int) -> Sequence[Pieces] | FieldError:
    pieces = []
    for at in range(lines):
        text = form.value(f"line-{at}") or "0"
        if not _PIECES.fullmatch(text):
            return FieldError("malformed")
        if int(text):
            pieces.append(Pieces(at, int(text)))
    return tuple(pieces)


def _digits(text: str, otherwise: int) -> int:
    """What the page said was refundable; a strange text is no figure that anybody saw."""
    if not text:
        return otherwise
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 13 else -1


def _key(text: str) -> UUID:
    """The page's own key; a page without one, or with a strange one, gets a fresh one and refunds what it says."""
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()


def _error(refused: Refusal) -> dict[str, FieldError]:
    """What a rule said, at the field that it is about."""
    if isinstance(refused, RefundRefused):
        fields = {"amount_minor": "amount", "lines": "lines", "return_fee_minor": "fee", "to": "to"}
        return {fields.get(refused.field, "what"): FieldError(refused.reason)}
    return {"to" if isinstance(refused, ModuleOff) else "refundable": FieldError(refused.code)}


async def _make(request: AdminRequest, public_id: str, new: NewRefund) -> str:
    merchant = await merchant_of(request)
    now = clock.business(request.user.staff.offset_s)

    async def work() -> str:
        await draw_if_paid(merchant, public_id, settings_of(request).operator, now)
        return (await actions.refund(merchant, public_id, new, now)).public_id

    return await db.in_tx(work)


async def _ask(request: AdminRequest, order: OrderView, form: Form, status: int = 200) -> Response[str]:
    merchant = await merchant_of(request)
    sale = await sale_of(merchant.id, order)
    context = {
        "order_id": order.public_id,
        "reference": order.reference,
        "left": Money(order.refundable_minor, order.currency),
        "lines": refundable_lines(order, sale) if len(order.lines) <= LINES_SHOWN_MAX else (),
        "has_wallet": merchant.has("wallet")
        and order.customer_public_id is not None
        and order.currency == merchant.currency,
        "form": form,
    }
    return await show(request, "admin/refund.html", context, section="orders", status=status)


async def _look(request: AdminRequest, order: OrderView, form: Form, new: NewRefund) -> Response[str]:
    """The refund as it would be, in euros. Documents that are not drawn yet are drawn now: they are due anyway."""
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    await db.in_tx(lambda: draw_if_paid(merchant, order.public_id, settings_of(request).operator, now))
    if new.to == "wallet" and not merchant.has("wallet"):
        raise ModuleOff("wallet")
    conditions = await conditions_of(merchant, merchant.local_date(now))
    shown = await preview(merchant, order, new, conditions)
    context = {
        "order_id": order.public_id,
        "reference": order.reference,
        "shown": preview_of(order, new, shown),
        "values": {name: value for name, value in form.values.items() if name not in {"seen", "key", "do"}},
        "seen": order.refundable_minor,
        "key": form.value("key") or str(ids.internal_id()),
    }
    return await show(request, "admin/refund_check.html", context, section="orders")
