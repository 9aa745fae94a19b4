"""The signed agreement of an order, as it was sent."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from app.agreements.queries import document_of_order
from app.kernel import ids
from app.web.admin.access import AdminRequest
from app.web.admin.orders import no_order
from app.web.admin.pages import merchant_of
from app.web.shared.rendering import NO_STORE


@get("/orders/{public_id:str}/agreement", name="admin:agreement")
async def download_agreement(request: AdminRequest, public_id: FromPath[str]) -> Response[Any]:
    """The PDF; another merchant's order, and one without an agreement, are not found."""
    merchant = await merchant_of(request)
    is_order = ids.is_public_id("ord", public_id)
    found = await document_of_order(merchant.id, public_id) if is_order else None
    if found is None:
        return await no_order(request)
    headers = {"Content-Disposition": f'inline; filename="{found.name}"', "Cache-Control": NO_STORE}
    return Response(found.data, media_type="application/pdf", headers=headers)
