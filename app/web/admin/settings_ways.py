"""Ways to pay: which a shop offers, for which sums and goods, what a company may owe, and who sees what of it."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock
from app.merchants.errors import PayingRulesRefused
from app.merchants.queries import Merchant
from app.merchants.rules import MethodTerms
from app.merchants.ways import WAYS, save_ways
from app.payments.health import health_of_methods
from app.payments.methods import UNTOUCHED
from app.web.admin.access import AdminRequest
from app.web.admin.documents import minor_of
from app.web.admin.pages import merchant_of, show
from app.web.admin.till_forms import money_typed
from app.web.admin.ways_views import six_kinds
from app.web.shared import forms, rendering
from app.web.shared.doors import house_of, payment_doors
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings/ways"
_CATEGORY_LENGTH_MAX: Final = 100


@get("/settings/ways", name="admin:ways")
async def way_settings(request: AdminRequest) -> Response[str]:
    return await _show(request, saved="saved" in request.query_params)


@post("/settings/ways", name="admin:ways-save", status_code=HTTP_200_OK)
async def save_way_settings(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wanted, limit_minor, errors = _read(form)
    if errors or limit_minor is None:
        return await _show(request, form.refused(**errors), status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await save_ways(merchant, wanted, limit_minor, actor=actor, now=now)
    except PayingRulesRefused as refused:
        said = {name: FieldError(reason) for name, reason in refused.errors.items()}
        return await _show(request, form.refused(**said), status=422)
    return rendering.redirect(request, f"{PAGE}?saved=1", leave=True)


async def _show(
    request: AdminRequest, form: Form | None = None, *, saved: bool = False, status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    doors = payment_doors(house_of(request), await health_of_methods())
    context = {
        "form": form or _form(merchant),
        "ways": WAYS,
        "without_provider": [each for each in ("card", "mobilepay") if each not in doors.providers],
        "currency": merchant.currency,
        "kinds": await six_kinds(merchant, doors, today),
        "saved": saved,
    }
    return await show(request, "admin/settings_ways.html", context, section="settings", status=status)


def _form(merchant: Merchant) -> Form:
    values = {"company_limit": money_typed(merchant.company_limit_minor)}
    for way in WAYS:
        terms = merchant.methods.get(way, UNTOUCHED)
        values[f"{way}_on"] = "1" if terms.is_on else ""
        values[f"{way}_min"] = "" if terms.min_minor is None else money_typed(terms.min_minor)
        values[f"{way}_max"] = "" if terms.max_minor is None else money_typed(terms.max_minor)
        values[f"{way}_not_for"] = ", ".join(sorted(terms.not_for))
    return Form(values)


def _read(form: Form) -> tuple[dict[str, MethodTerms], int | None, dict[str, FieldError]]:
    """The terms as typed, what a company may owe, and what cannot be read of them, by field."""
    errors: dict[str, FieldError] = {}
    wanted = {way: _terms(form, way, errors) for way in WAYS}
    limit_minor = minor_of(form.value("company_limit"))
    if limit_minor is None:
        errors["company_limit"] = FieldError("malformed")
    return wanted, limit_minor, errors


def _terms(form: Form, way: str, errors: dict[str, FieldError]) -> MethodTerms:
    bounds: dict[str, int | None] = {}
    for name in ("min", "max"):
        typed = form.value(f"{way}_{name}")
        bounds[name] = minor_of(typed) if typed else None
        if typed and bounds[name] is None:
            errors[f"{way}_{name}"] = FieldError("malformed")
    categories = frozenset(
        each for each in (forms.one_line(text) for text in form.value(f"{way}_not_for").split(",")) if each
    )
    if any(len(each) > _CATEGORY_LENGTH_MAX for each in categories):
        errors[f"{way}_not_for"] = FieldError("too_long")
    return MethodTerms(bool(form.value(f"{way}_on")), bounds["min"], bounds["max"], categories)
