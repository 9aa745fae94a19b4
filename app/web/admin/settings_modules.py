"""Modules of the price plan: what a shop has beside its core, what it costs, and the switch."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock
from app.kernel.money import Money
from app.merchants.errors import ModuleTermsChanged
from app.merchants.modules import switch_module, terms_of
from app.wallet.liability import liability
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import forms, rendering

PAGE: Final = "/admin/settings/modules"
_SAVED: Final = frozenset({"on", "off"})


@get("/settings/modules", name="admin:modules")
async def module_settings(request: AdminRequest) -> Response[str]:
    saved = request.query_params.get("saved", "")
    return await _show(request, saved=saved if saved in _SAVED else "")


@post("/settings/modules", name="admin:modules-save", status_code=HTTP_200_OK)
async def save_modules(request: AdminRequest) -> Response[str]:
    """Switch the wallet; `price` is what the page said it costs. Off asks once more before it is done."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    wish = form.value("wallet")
    if wish not in _SAVED:
        return await _show(request, status=422)
    if wish == "off" and not form.value("sure"):
        return await _show(request, asking=True)
    price = form.value("price")
    seen = int(price) if price.isascii() and price.isdigit() and len(price) <= 13 else -1
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    try:
        await switch_module(merchant, "wallet", on=wish == "on", seen_price_minor=seen, actor=actor, now=now)
    except ModuleTermsChanged:
        return await _show(request, price_changed=True, status=409)
    return rendering.redirect(request, f"{PAGE}?saved={wish}", leave=True)


async def _show(
    request: AdminRequest,
    *,
    saved: str = "",
    asking: bool = False,
    price_changed: bool = False,
    status: int = HTTP_200_OK,
) -> Response[str]:
    merchant = await merchant_of(request)
    terms = await terms_of(merchant.id, "wallet")
    owed = await liability(merchant.id, merchant.currency)
    context = {
        "is_on": terms.is_on,
        "price": Money(terms.price_minor, merchant.currency),
        "owed": Money(owed.total_minor, owed.currency) if owed is not None and owed.total_minor else None,
        "saved": saved,
        "asking": asking,
        "price_changed": price_changed,
    }
    return await show(request, "admin/settings_modules.html", context, section="settings", status=status)
