"""Money that came outside the checkout: recorded on its order's page."""

from __future__ import annotations

from typing import Final

from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.checkout.actions import record_payment
from app.kernel import clock, ids
from app.kernel.money import Money
from app.orders.queries import OrderView, order_for_api
from app.payments.errors import RecordKeyReused, RecordRefused
from app.payments.rules import NOTE_LENGTH_MAX, SOURCES, Received, Source
from app.web.admin.access import AdminRequest
from app.web.admin.documents import day_of, key_of, minor_of
from app.web.admin.orders import LIST, no_order, show_order
from app.web.admin.pages import merchant_of
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

REVIEWS: Final = "/admin/reviews"


@post("/orders/{public_id:str}/recorded-payments", name="admin:record", status_code=HTTP_200_OK)
async def record(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Record what came in for this order; a second press records nothing more. What pays no order leads to its case."""
    merchant = await merchant_of(request)
    order = await order_for_api(merchant.id, public_id) if ids.is_public_id("ord", public_id) else None
    if order is None:
        return await no_order(request)
    form = forms.parse(await request.body())
    received = _received(form, order, f"staff:{request.user.staff.public_id}")
    if isinstance(received, Form):
        return await show_order(request, order, record=received, status=422)
    try:
        recorded = await record_payment(
            merchant, public_id, received, clock.business(request.user.staff.offset_s)
        )
    except RecordRefused as refused:
        again = form.refused(**{refused.field: FieldError(refused.reason)})
        return await show_order(request, order, record=again, status=422)
    except RecordKeyReused:
        # The page was old: the one it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{public_id}#recorded", leave=True)
    to = f"{LIST}/{public_id}#recorded" if recorded.case is None else f"{REVIEWS}/{recorded.case}"
    return rendering.redirect(request, to, leave=True)


def _received(form: Form, order: OrderView, actor: str) -> Received | Form:
    """What was typed, or the form with what is wrong in it."""
    errors: dict[str, FieldError] = {}
    minor, day = minor_of(form.value("amount")), day_of(form.value("received_on"))
    if minor is None:
        errors["amount"] = FieldError("malformed")
    if day is None:
        errors["received_on"] = FieldError("malformed")
    source = source_of(form.value("source"))
    if source is None:
        errors["source"] = FieldError("empty")
    if len(form.value("note")) > NOTE_LENGTH_MAX:
        errors["note"] = FieldError("too_long")
    if errors or minor is None or day is None or source is None:
        return form.refused(**errors)
    return Received(
        amount=Money(minor, order.currency),
        source=source,
        received_on=day,
        actor=actor,
        key=f"staff:{key_of(form.value('key'))}",
        note=form.value("note") or None,
    )


def source_of(text: str) -> Source | None:
    return next((each for each in SOURCES if each == text), None)
