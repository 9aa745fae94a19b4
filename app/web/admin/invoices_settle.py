"""Early repayment on an order: what settles its instalments on a day, and the payment of that figure."""

from __future__ import annotations

from datetime import date

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.invoices import actions
from app.invoices.errors import NothingToSettle, PaymentKeyReused, PaymentRefused, SettlementMoved
from app.invoices.queries import invoices_of_order, settlement_on
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.orders.queries import OrderView, order_for_api
from app.web.admin.access import AdminRequest
from app.web.admin.documents import day_of, payment_of
from app.web.admin.orders import LIST, no_order
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form


@get("/orders/{public_id:str}/settlement", name="admin:settlement")
async def settlement(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """What settles the order on the day that is asked for, or today."""
    order = await _order(request, public_id)
    if order is None:
        return await no_order(request)
    return await _show(request, order, day_of(request.query_params.get("on", "")), Form())


@post("/orders/{public_id:str}/settlement", name="admin:settle", status_code=HTTP_200_OK)
async def settle(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Record the payment that settles the order; a second press records nothing more."""
    merchant = await merchant_of(request)
    order = await _order(request, public_id)
    if order is None:
        return await no_order(request)
    form = forms.parse(await request.body())
    now = clock.business(request.user.staff.offset_s)
    payment = payment_of(form, order.currency, f"staff:{request.user.staff.public_id}")
    on = day_of(form.value("paid_on"))
    if isinstance(payment, Form):
        return await _show(request, order, on, payment, 422)
    try:
        await db.in_tx(lambda: actions.settle_early(merchant, public_id, payment, now))
    except SettlementMoved:
        return await _show(request, order, on, form.refused(amount=FieldError("moved")), 422)
    except PaymentRefused as refused:
        field = "paid_on" if refused.field == "paid_on" else "amount"
        return await _show(request, order, on, form.refused(**{field: FieldError(refused.code)}), 422)
    except (NothingToSettle, PaymentKeyReused):
        # The page was old: the one it leads to shows how things stand.
        return rendering.redirect(request, f"{LIST}/{public_id}#invoices", leave=True)
    return rendering.redirect(request, f"{LIST}/{public_id}#invoices", leave=True)


async def _order(request: AdminRequest, public_id: str) -> OrderView | None:
    if not ids.is_public_id("ord", public_id):
        return None
    return await order_for_api(request.user.staff.merchant_id, public_id)


async def _show(
    request: AdminRequest, order: OrderView, on: date | None, form: Form, status: int = 200
) -> Response[str]:
    """A day before the purchase or after today shows today: money comes in on a day that was."""
    merchant = await merchant_of(request)
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    bought = today if order.paid_at is None else merchant.local_date(order.paid_at)
    day = on if on is not None and bought <= on <= today else today
    settled = settlement_on(await invoices_of_order(merchant.id, order.public_id), day)
    if settled is None:
        return rendering.redirect(request, f"{LIST}/{order.public_id}", leave=True)
    figure = Money(settled.figure_minor, order.currency)
    context = {
        "public_id": order.public_id,
        "reference": order.reference,
        "day": day,
        "bought": bought,
        "today": today,
        "figure": figure,
        "typed": f"{settled.figure_minor // 100}.{settled.figure_minor % 100:02d}",
        "remaining": Money(settled.remaining_minor, order.currency),
        "saved": Money(settled.saved_minor, order.currency),
        "payment_key": str(ids.internal_id()),
        "form": form,
    }
    return await show(request, "admin/invoice_settlement.html", context, section="orders", status=status)
