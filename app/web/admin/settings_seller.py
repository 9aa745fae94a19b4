"""What a shop's invoices say of it as the seller."""

from __future__ import annotations

from litestar import Response, post
from litestar.status_codes import HTTP_200_OK

from app.invoices import actions
from app.invoices.errors import SellerRefused
from app.invoices.queries import Seller
from app.kernel import clock, db
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of
from app.web.admin.settings_page import PAGE, SELLER_FIELDS, show_settings
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError


@post("/settings/seller", name="admin:seller", status_code=HTTP_200_OK)
async def save_seller(request: AdminRequest) -> Response[str]:
    """Nothing is saved while anything is wrong; what was typed stays."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    typed = Seller(**{name: form.value(name) or None for name in SELLER_FIELDS})
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await db.in_tx(lambda: actions.save_seller(merchant, typed, actor=actor, now=now))
    except SellerRefused as refused:
        errors = {name: FieldError(reason) for name, reason in refused.errors.items()}
        return await show_settings(request, seller=form.refused(**errors), status=422)
    return rendering.redirect(request, f"{PAGE}?saved=seller", leave=True)
