"""An order's page hears of changes while it is open."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from app.kernel import ids
from app.orders.queries import order_for_api
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of
from app.web.shared import live


@get("/orders/{public_id:str}/live", name="admin:order-live")
async def follow(request: AdminRequest, public_id: FromPath[str]) -> Response[Any]:
    """Server-sent events; nothing for an order that nobody watches, and for one of another shop."""
    merchant = await merchant_of(request)
    order = await order_for_api(merchant.id, public_id) if ids.is_public_id("ord", public_id) else None
    return live.stream(public_id) if order is not None and order.watched else live.nothing_more()
