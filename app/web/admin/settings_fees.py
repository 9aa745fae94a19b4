"""What each way to pay costs a shopper or saves them, within what the law leaves to a shop."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.extras.actions import save_fees
from app.extras.errors import FeeRefused
from app.extras.queries import fees_now
from app.extras.rules import BUYERS, MethodFee, check_fee
from app.kernel import clock, typed
from app.law.rules import law_of
from app.payments.methods import Buyer
from app.plans.quote import Method
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings/fees"
_HUNDRED: Final = 100
_NUMBER: Final = re.compile(r"-?\d{1,8}([.,]\d+)?%?", re.ASCII)
# Every way to pay that a kind of buyer may be shown.
ROWS: Final[dict[Buyer, tuple[Method, ...]]] = {
    "consumer": ("wallet", "card", "mobilepay", "invoice", "instalments"),
    "business": ("card", "invoice"),
}


@get("/settings/fees", name="admin:fees")
async def fee_settings(request: AdminRequest) -> Response[str]:
    return await _show(request, saved=request.query_params.get("saved") == "1")


@post("/settings/fees", name="admin:fees-save", status_code=HTTP_200_OK)
async def save_fee_settings(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wanted, errors = _read(form, merchant.country)
    if errors:
        return await _show(request, form.refused(**errors), status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    await save_fees(merchant, wanted, actor=actor, now=now)
    return rendering.redirect(request, f"{PAGE}?saved=1", leave=True)


def _read(form: Form, country: str) -> tuple[list[MethodFee], dict[str, FieldError]]:
    """What was typed, and what of it cannot be."""
    fees: list[MethodFee] = []
    errors: dict[str, FieldError] = {}
    for buyer in BUYERS:
        for method in ROWS[buyer]:
            name = f"{buyer}-{method}"
            if not form.value(name):
                continue
            fee = fee_of(buyer, method, form.value(name))
            if fee is None or not (fee.fixed_minor or fee.rate_points):
                # What comes to nothing is told, and not dropped as if it had been kept.
                errors[name] = FieldError("too_fine" if _is_number(form.value(name)) else "malformed")
                continue
            try:
                fees.append(check_fee(fee, country))
            except FeeRefused as refused:
                errors[name] = FieldError(refused.reason, {"source": refused.source})
    return fees, errors


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch("".join(text.split()).replace("\N{MINUS SIGN}", "-")) is not None


def fee_of(buyer: Buyer, method: Method, text: str) -> MethodFee | None:
    """A sum ("2.50"), or percent of goods and delivery ("1.5 %"); below zero a discount. None for anything else."""
    plain = "".join(text.split()).replace("\N{MINUS SIGN}", "-")
    if not plain.endswith("%"):
        amount = typed.amount_minor(plain)
        return None if amount is None else MethodFee(buyer, method, fixed_minor=amount)
    rate = typed.percent(plain.removeprefix("-"))
    if rate is None:
        return None
    points = int(rate * _HUNDRED)
    return MethodFee(buyer, method, rate_points=-points if plain.startswith("-") else points)


def text_of(fee: MethodFee) -> str:
    """As it is typed."""
    if fee.rate_points:
        return f"{(Decimal(fee.rate_points) / _HUNDRED).normalize():f} %"
    return typed.amount_text(fee.fixed_minor)


async def _show(
    request: AdminRequest, form: Form | None = None, *, saved: bool = False, status: int = 200
) -> Response[str]:
    merchant = await merchant_of(request)
    if form is None:
        form = Form({f"{fee.buyer}-{fee.method}": text_of(fee) for fee in await fees_now(merchant.id)})
    context = {
        "form": form,
        "saved": saved,
        "currency": merchant.currency,
        "rows": ROWS,
        "rules": law_of(merchant.country).surcharges,
    }
    return await show(request, "admin/settings_fees.html", context, section="settings", status=status)
