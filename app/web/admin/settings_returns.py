"""What a shop takes back and on which conditions, and above which sum a second person says yes to a refund."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, typed
from app.law.rules import law_of
from app.returns.actions import save_conditions
from app.returns.errors import ConditionsRefused
from app.returns.queries import conditions_of
from app.returns.rules import DAYS_MAX, DELIVERY_DAYS_MAX, Conditions, law_days
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings/returns"


@get("/settings/returns", name="admin:return-settings")
async def return_settings(request: AdminRequest) -> Response[str]:
    return await _show(request, saved=request.query_params.get("saved") == "1")


@post("/settings/returns", name="admin:return-settings-save", status_code=HTTP_200_OK)
async def save_return_settings(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wanted = _read(form)
    if isinstance(wanted, Form):
        return await _show(request, wanted, status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await save_conditions(merchant, wanted, actor=actor, now=now)
    except ConditionsRefused as refused:
        errors = {name: FieldError(reason) for name, reason in refused.errors.items()}
        return await _show(request, form.refused(**errors), status=422)
    return rendering.redirect(request, f"{PAGE}?saved=1", leave=True)


def _read(form: Form) -> Conditions | Form:
    """The conditions as typed, or the form with what cannot be read."""
    errors: dict[str, FieldError] = {}
    days, delivery = _days(form.value("days")), _days(form.value("delivery_days"))
    if days is None:
        errors["days"] = FieldError("malformed")
    if delivery is None:
        errors["delivery_days"] = FieldError("malformed")
    fee = minor_of(form.value("fee")) if form.value("fee") else 0
    if fee is None:
        errors["fee"] = FieldError("malformed")
    above = minor_of(form.value("approval_above")) if form.value("approval_above") else None
    if form.value("approval_above") and above is None:
        errors["approval_above"] = FieldError("malformed")
    if errors or days is None or delivery is None or fee is None:
        return form.refused(**errors)
    return Conditions(
        days=days,
        delivery_days=delivery,
        fee_minor=fee,
        fee_waived_to_wallet=bool(form.value("fee_waived")),
        kept_categories=tuple(form.value("kept_categories").splitlines()),
        approval_above_minor=above,
    )


def _days(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


async def _show(
    request: AdminRequest, form: Form | None = None, *, saved: bool = False, status: int = 200
) -> Response[str]:
    merchant = await merchant_of(request)
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    if form is None:
        form = _form_of(await conditions_of(merchant, today))
    context = {
        "form": form,
        "saved": saved,
        "currency": merchant.currency,
        "law_days": law_days(law_of(merchant.country), today),
        "days_max": DAYS_MAX,
        "delivery_days_max": DELIVERY_DAYS_MAX,
        "has_wallet": merchant.has("wallet"),
    }
    return await show(request, "admin/settings_returns.html", context, section="settings", status=status)


def _form_of(conditions: Conditions) -> Form:
    above = conditions.approval_above_minor
    values = {
        "days": str(conditions.days),
        "delivery_days": str(conditions.delivery_days),
        "fee": typed.amount_text(conditions.fee_minor) if conditions.fee_minor else "",
        "kept_categories": "\n".join(conditions.kept_categories),
        "approval_above": "" if above is None else typed.amount_text(above),
    }
    if conditions.fee_waived_to_wallet:
        values["fee_waived"] = "1"
    return Form(values)
