"""The shop's settings: for now, what its invoices say of it as the seller."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.invoices import actions
from app.invoices.errors import SellerRefused
from app.invoices.queries import Seller, seller_of
from app.invoices.references import iban_in_groups
from app.kernel import clock, db
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/settings"
_FIELDS: Final = tuple(each.name for each in fields(Seller))


@get("/settings", name="admin:settings")
async def settings_page(request: AdminRequest) -> Response[str]:
    seller = await seller_of(request.user.staff.merchant_id)
    values = {name: getattr(seller, name) or "" for name in _FIELDS}
    if seller.iban:
        values["iban"] = iban_in_groups(seller.iban)
    return await _show(request, Form(values), saved="saved" in request.query_params)


@post("/settings/seller", name="admin:seller", status_code=HTTP_200_OK)
async def save_seller(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    typed = Seller(**{name: form.value(name) or None for name in _FIELDS})
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await db.in_tx(lambda: actions.save_seller(merchant, typed, actor=actor, now=now))
    except SellerRefused as refused:
        errors = {name: FieldError(reason) for name, reason in refused.errors.items()}
        return await _show(request, form.refused(**errors), status=422)
    return rendering.redirect(request, f"{PAGE}?saved=1", leave=True)


async def _show(
    request: AdminRequest, form: Form, *, saved: bool = False, status: int = 200
) -> Response[str]:
    merchant = await merchant_of(request)
    context = {
        "form": form,
        "saved": saved,
        "country": merchant.country,
        "is_creditor": merchant.creditor == "merchant",
        "shop_name": merchant.name,
        "shop_email": merchant.contact_email,
    }
    return await show(request, "admin/settings.html", context, section="settings", status=status)
