"""The invoices of an order on its page, and the payments that staff record there."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices import actions
from app.invoices.actions import NewPayment
from app.invoices.errors import NotFound, NotPayable, PaymentKeyReused, PaymentRefused
from app.kernel import clock, db, ids
from app.kernel.money import MINOR_PER_MAJOR, Money
from app.orders.queries import order_for_api
from app.web.admin.access import AdminRequest
from app.web.admin.orders import LIST, no_order, show_order
from app.web.admin.pages import merchant_of
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

_AMOUNT: Final = re.compile(r"(\d{1,8})(?:[.,](\d{1,2}))?", re.ASCII)


@post("/orders/{public_id:str}/payments", name="admin:payment", status_code=HTTP_200_OK)
async def record_payment(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Record what came in for one of the order's invoices; a second press records nothing more."""
    merchant = await merchant_of(request)
    order = await order_for_api(merchant.id, public_id) if ids.is_public_id("ord", public_id) else None
    if order is None:
        return await no_order(request)
    form = forms.parse(await request.body())
    now = clock.business(request.user.staff.offset_s)
    payment = payment_of(form, order.currency, f"staff:{request.user.staff.public_id}")
    if isinstance(payment, Form):
        return await show_order(request, order, form=payment, status=422)
    invoice_id = form.value("invoice")
    try:
        await db.in_tx(lambda: actions.record_payment(merchant, invoice_id, payment, now))
    except PaymentRefused as refused:
        field = "paid_on" if refused.field == "paid_on" else "amount"
        again = form.refused(**{field: FieldError(refused.code)})
        return await show_order(request, order, form=again, status=422)
    except (NotFound, NotPayable, PaymentKeyReused):
        # The page was old: the one it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{public_id}#invoices", leave=True)
    return rendering.redirect(request, f"{LIST}/{public_id}#invoices", leave=True)


def payment_of(form: Form, currency: str, actor: str) -> NewPayment | Form:
    """What was typed as a payment, or the form with what is wrong in it."""
    errors: dict[str, FieldError] = {}
    minor = minor_of(form.value("amount"))
    if minor is None:
        errors["amount"] = FieldError("malformed")
    paid_on = day_of(form.value("paid_on"))
    if paid_on is None:
        errors["paid_on"] = FieldError("malformed")
    if minor is None or paid_on is None:
        return form.refused(**errors)
    key = f"staff:{key_of(form.value('key'))}"
    return NewPayment(Money(minor, currency), paid_on, "staff", actor, key)


def minor_of(text: str) -> int | None:
    """A typed sum in minor units: with a point or a comma, with or without spaces."""
    amount = _AMOUNT.fullmatch("".join(text.split()))
    if amount is None:
        return None
    return int(amount[1]) * MINOR_PER_MAJOR + int(Decimal(f"0.{amount[2] or 0}") * MINOR_PER_MAJOR)


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def key_of(text: str) -> UUID:
    """The page's own key; a page without one, or with a strange one, gets a fresh one and records what it says."""
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()
