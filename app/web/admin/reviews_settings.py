"""How a shop reviews: how many approved orders are looked at blind, and above which sum two people approve."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.cases.actions import save_settings
from app.cases.queries import ReviewSettings, settings_of
from app.kernel import clock, typed
from app.merchants.queries import reviewers_of
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings/reviews"
PPM_A_PERCENT: Final = 10_000
PERCENT_LENGTH_MAX: Final = 6


@get("/settings/reviews", name="admin:review-settings")
async def review_settings(request: AdminRequest) -> Response[str]:
    return await _show(request, saved=request.query_params.get("saved") == "1")


@post("/settings/reviews", name="admin:review-settings-save", status_code=HTTP_200_OK)
async def save_review_settings(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wanted = _read(form)
    if isinstance(wanted, Form):
        return await _show(request, wanted, status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    await save_settings(merchant.id, wanted, merchant.public_id, actor=actor, now=now)
    return rendering.redirect(request, f"{PAGE}?saved=1", leave=True)


def _read(form: Form) -> ReviewSettings | Form:
    errors: dict[str, FieldError] = {}
    sample_ppm = _ppm_of(form.value("sample") or "0")
    above = minor_of(form.value("second_above")) if form.value("second_above") else None
    if sample_ppm is None:
        errors["sample"] = FieldError("malformed")
    if form.value("second_above") and above is None:
        errors["second_above"] = FieldError("malformed")
    if errors or sample_ppm is None:
        return form.refused(**errors)
    return ReviewSettings(sample_ppm, above)


def _ppm_of(text: str) -> int | None:
    """A percentage of 0 to 100 with at most two decimals, in parts of a million."""
    plain = text.replace(",", ".").removesuffix("%").strip()
    if len(plain) > PERCENT_LENGTH_MAX or not plain.replace(".", "", 1).isdecimal() or not plain.isascii():
        return None
    try:
        ppm = Decimal(plain) * PPM_A_PERCENT
    except InvalidOperation:
        return None
    return int(ppm) if ppm % 100 == 0 and 0 <= ppm <= 100 * PPM_A_PERCENT else None


async def _show(
    request: AdminRequest, form: Form | None = None, *, saved: bool = False, status: int = 200
) -> Response[str]:
    merchant = await merchant_of(request)
    context = {
        "form": form or _form_of(await settings_of(merchant.id)),
        "saved": saved,
        "currency": merchant.currency,
        "is_alone": len(await reviewers_of(merchant.id)) < 2,
    }
    return await show(request, "admin/settings_reviews.html", context, section="settings", status=status)


def _form_of(settings: ReviewSettings) -> Form:
    above = settings.second_above_minor
    percent = Decimal(settings.sample_ppm) / PPM_A_PERCENT
    return Form(
        {
            "sample": f"{percent.normalize():f}",
            "second_above": "" if above is None else typed.amount_text(above),
        }
    )
