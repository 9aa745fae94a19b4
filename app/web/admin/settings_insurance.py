"""The insurances that a shop offers with its goods, and how each of them does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.extras.actions import end_offer, save_offer
from app.extras.errors import OfferRefused
from app.extras.offering import CANCEL_DAYS_MAX, CANCEL_DAYS_MIN, NewOffer
from app.extras.queries import conversion_of, offer_by_public_id, offers_of
from app.kernel import clock, typed
from app.kernel.i18n import LANGUAGES
from app.kernel.money import Money
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

if TYPE_CHECKING:
    from app.extras.rules import InsuranceOffer

PAGE: Final = "/admin/settings/insurance"
SPANS: Final = (7, 30, 90, 365)
_SPAN: Final = 30
_HUNDRED: Final = 100
_SUMS: Final = ("from", "to", "fixed", "least", "most")


@get("/settings/insurance", name="admin:insurance")
async def insurance_settings(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    saved = request.query_params.get("saved", "")
    context = {
        "offers": await offers_of(merchant.id),
        "saved": saved if saved in {"on", "off"} else "",
        "zone": merchant.time_zone,
        "money": lambda minor: Money(minor, merchant.currency),
        "per_cent": lambda points: Decimal(points) / _HUNDRED,
    }
    return await show(request, "admin/settings_insurance.html", context, section="settings")


@get("/settings/insurance/new", name="admin:insurance-new")
async def new_offer(request: AdminRequest) -> Response[str]:
    return await _form(request, Form({"cancel_days": str(CANCEL_DAYS_MIN)}))


@post("/settings/insurance/new", name="admin:insurance-make", status_code=HTTP_200_OK)
async def make_offer(request: AdminRequest) -> Response[str]:
    return await _save(request, None)


@get("/settings/insurance/{offer_id:str}", name="admin:insurance-offer")
async def one_offer(request: AdminRequest, offer_id: FromPath[str]) -> Response[str]:
    merchant = await merchant_of(request)
    found = await offer_by_public_id(merchant.id, offer_id)
    if found is None or found.ended_at is not None:
        return rendering.redirect(request, PAGE, leave=True)
    return await _form(request, _form_of(found.offer), offer_id=offer_id)


@post("/settings/insurance/{offer_id:str}", name="admin:insurance-change", status_code=HTTP_200_OK)
async def change_offer(request: AdminRequest, offer_id: FromPath[str]) -> Response[str]:
    """Another offer in its place, or none any more: what was bought keeps what it said."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    if form.value("do") != "end":
        return await _save(request, offer_id, form)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    await end_offer(merchant, offer_id, actor=actor, now=now)
    return rendering.redirect(request, f"{PAGE}?saved=off", leave=True)


async def _save(request: AdminRequest, offer_id: str | None, form: Form | None = None) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body()) if form is None else form
    wanted = _read(form)
    if isinstance(wanted, Form):
        return await _form(request, wanted, offer_id=offer_id, status=422)
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await save_offer(merchant, wanted, replaces=offer_id, actor=actor, now=now)
    except OfferRefused as refused:
        errors = {name: FieldError(reason) for name, reason in refused.errors.items()}
        return await _form(request, form.refused(**errors), offer_id=offer_id, status=422)
    return rendering.redirect(request, f"{PAGE}?saved=on", leave=True)


def _read(form: Form) -> NewOffer | Form:
    """The offer as typed, or the form with what cannot be read."""
    errors: dict[str, FieldError] = {}
    sums: dict[str, int | None] = {}
    for name in _SUMS:
        sums[name] = typed.amount_minor(form.value(name)) if form.value(name) else None
        if form.value(name) and sums[name] is None:
            errors[name] = FieldError("malformed")
    rate = typed.percent(form.value("rate")) if form.value("rate") else None
    if form.value("rate") and rate is None:
        errors["rate"] = FieldError("malformed")
    days = form.value("cancel_days")
    if errors:
        return form.refused(**errors)
    return NewOffer(
        name=form.value("name"),
        insurer=form.value("insurer"),
        covers={lang: form.value(f"covers_{lang}") for lang in LANGUAGES},
        categories=form.value("categories").splitlines(),
        from_minor=sums["from"] or 0,
        to_minor=sums["to"],
        fixed_minor=sums["fixed"],
        rate_points=None if rate is None else int(rate * _HUNDRED),
        least_minor=sums["least"],
        most_minor=sums["most"],
        cancel_days=int(days) if days.isascii() and days.isdigit() and len(days) <= 3 else 0,
        terms_url=form.value("terms_url"),
        terms_text=form.value("terms_text"),
    )


def _form_of(offer: InsuranceOffer) -> Form:
    sums = {
        "from": offer.from_minor,
        "to": offer.to_minor,
        "fixed": offer.fixed_minor,
        "least": offer.least_minor,
        "most": offer.most_minor,
    }
    values = {name: typed.amount_text(minor) for name, minor in sums.items() if minor is not None}
    values |= {f"covers_{lang}": text for lang, text in offer.covers.items()}
    if offer.rate_points is not None:
        values["rate"] = f"{(Decimal(offer.rate_points) / _HUNDRED).normalize():f}"
    return Form(
        values
        | {
            "name": offer.name,
            "insurer": offer.insurer,
            "categories": "\n".join(sorted(offer.categories)),
            "cancel_days": str(offer.cancel_days),
            "terms_url": offer.terms_url or "",
            "terms_text": offer.terms_text or "",
        }
    )


async def _form(
    request: AdminRequest, form: Form, *, offer_id: str | None = None, status: int = 200
) -> Response[str]:
    merchant = await merchant_of(request)
    context = {
        "form": form,
        "offer_id": offer_id,
        "currency": merchant.currency,
        "shop_lang": merchant.locale,
        "days_min": CANCEL_DAYS_MIN,
        "days_max": CANCEL_DAYS_MAX,
    }
    return await show(request, "admin/insurance_offer.html", context, section="settings", status=status)


@get("/insurance", name="admin:insurance-report")
async def insurance_report(request: AdminRequest) -> Response[str]:
    """How often the question was asked and how it was answered, what was bought and given up, and the money of it."""
    merchant = await merchant_of(request)
    now = clock.business(request.user.staff.offset_s)
    text = request.query_params.get("days", "")
    span = int(text) if text in {str(each) for each in SPANS} else _SPAN
    context = {
        "rows": await conversion_of(merchant.id, now - timedelta(days=span), now + timedelta(seconds=1)),
        "span": span,
        "spans": SPANS,
        "money": lambda minor: Money(minor, merchant.currency),
    }
    return await show(request, "admin/insurance_report.html", context, section="settings")
