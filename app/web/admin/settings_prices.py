"""What the shop pays for the product: its plan in words, this month so far, and every closed month with its lines."""

from __future__ import annotations

from typing import Final

from litestar import Response, get

from app.kernel import clock
from app.kernel.money import Money
from app.merchants.modules import terms_of
from app.prices.queries import so_far, statements, versions_of
from app.web.admin import prices_views as views
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import rendering

# Ten years: more than a file of it is ever asked for.
EXPORTED_MAX: Final = 120


@get("/settings/prices", name="admin:prices")
async def price_settings(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    wallet = await terms_of(merchant.id, "wallet")
    running = await so_far(merchant)
    context = {
        "plan": views.plan_of(await versions_of(merchant.id), today, merchant.currency),
        "wallet_is_on": wallet.is_on,
        "wallet_price": Money(wallet.price_minor, merchant.currency),
        "so_far": views.month_so_far(running, merchant.currency) if running is not None else None,
        "months": [views.closed_month(each) for each in await statements(merchant.id)],
    }
    return await show(request, "admin/settings_prices.html", context, section="settings")


@get("/settings/prices/export", name="admin:prices-export")
async def export_prices(request: AdminRequest) -> Response[str]:
    """Every line of every closed month as CSV."""
    merchant = await merchant_of(request)
    text = views.sheet_of(await statements(merchant.id, EXPORTED_MAX))
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": 'attachment; filename="prices.csv"',
    }
    return Response(text, media_type="text/csv", headers=headers)
