"""A case about money that pays no order: what came, and the two answers. Sent back, or kept for an order. One about a
disputed payment shows how it stands, and has no answer here: the bank ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.cases.errors import CaseClosed, TextRefused
from app.cases.money import MoneyCaseView, money_case_by_public_id
from app.cases.rules import TEXT_LENGTH_MAX
from app.cases.states import CaseState
from app.checkout.actions import keep_money, return_money
from app.checkout.errors import CannotKeepFor, CaseNotFound
from app.kernel import clock
from app.kernel.money import Money
from app.merchants.queries import staff_actors
from app.orders.errors import OrderUnknown
from app.orders.queries import orders_named
from app.payments.errors import PaymentDisputed
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

LIST: Final = "/admin/reviews"


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """A case about money in the queue, or lately answered. ``reason`` and ``answer_by`` (wall time) are a dispute's."""

    public_id: str
    kind: str
    reference: str
    source: str
    amount: Money
    opened_at: datetime
    order_state: str
    state: str
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None
    answer_by: datetime | None


def money_row(case: MoneyCaseView) -> MoneyRow:
    return MoneyRow(
        public_id=case.public_id,
        kind=case.kind,
        reference=case.reference,
        source=case.source,
        amount=Money(case.amount_minor, case.currency),
        opened_at=case.opened_at,
        order_state=case.order_state,
        state=case.state.value,
        resolved_at=case.resolved_at,
        resolved_by=case.resolved_by_name or case.resolved_by,
        reason=case.dispute_reason,
        answer_by=case.answer_by,
    )


@post("/reviews/{public_id:str}/money", name="admin:review:money", status_code=HTTP_200_OK)
async def answer_money(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Sent back, or kept for an order. Whoever comes second is shown how it stands."""
    merchant = await merchant_of(request)
    case = await money_case_by_public_id(merchant.id, public_id)
    if case is None:
        return await show(request, "admin/no_review.html", {}, section="reviews", status=404)
    form = forms.parse(await request.body())
    try:
        wrong = await _answer(request, case, form)
    except CaseClosed:
        present = await money_case_by_public_id(merchant.id, public_id) or case
        return await show_money_case(request, present, form=form, closed=True, status=409)
    if wrong is not None:
        return await show_money_case(request, case, form=form.refused(**wrong), status=422)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


async def _answer(request: AdminRequest, case: MoneyCaseView, form: Form) -> dict[str, FieldError] | None:
    """Take the answer that was pressed; what is wrong with it, by field."""
    merchant, staff = await merchant_of(request), request.user.staff
    now, actor, reason = clock.business(staff.offset_s), f"staff:{staff.public_id}", form.value("note")
    answer = form.value("answer")
    if answer not in {"return", "keep"}:
        return {"answer": FieldError("empty")}
    try:
        if answer == "return":
            await return_money(merchant, case.public_id, reason, actor, now)
            return None
        order = await _order_named(merchant.id, form.value("order"))
        if isinstance(order, FieldError):
            return {"order": order}
        await keep_money(merchant, case.public_id, order, reason, actor, now)
    except TextRefused as refused:
        return {"note": FieldError(refused.reason)}
    except PaymentDisputed as refused:
        return {"answer": FieldError(refused.code)}
    except CannotKeepFor as refused:
        return {"order": FieldError(refused.reason)}
    except (OrderUnknown, CaseNotFound):
        return {"order": FieldError("unknown")}
    return None


async def _order_named(merchant_id: UUID, text: str) -> str | FieldError:
    """The one order of this reference or id (its public id)."""
    found = await orders_named(merchant_id, text) if text else ()
    if not text:
        return FieldError("empty")
    if len(found) == 1:
        return found[0]
    return FieldError("several" if found else "unknown")


async def show_money_case(
    request: AdminRequest,
    case: MoneyCaseView,
    *,
    form: Form | None = None,
    closed: bool = False,
    status: int = HTTP_200_OK,
) -> Response[str]:
    """`closed` says that an answer was not taken, because somebody was faster."""
    staff = request.user.staff
    context = {
        "case": case,
        "amount": Money(case.amount_minor, case.currency),
        "can_answer": case.state is CaseState.OPEN and case.kind != "disputed_payment",
        "sees_orders": staff.role == "owner",
        "form": form or Form(),
        "closed": closed,
        "text_max": TEXT_LENGTH_MAX,
        "staff_names": await staff_actors(staff.merchant_id),
    }
    return await show(request, "admin/review_money.html", context, section="reviews", status=status)
