"""A provider calls about a payment: a reason for a worker to ask it, and nothing more.

Calls may come twice, late, in any order, or from somebody else. What a call says of money is never believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog
from litestar import Request, Response, post
from litestar.exceptions import NotFoundException

from app.checkout.paying import take_callback
from app.kernel import clock
from app.payments.errors import CallbackForged
from app.web.shared.doors import house_of

if TYPE_CHECKING:
    from app.payments.ports import ProviderMethod

_log = structlog.get_logger("web.callbacks")


@post("/callbacks/card", include_in_schema=False)
async def hear_card(request: Request[Any, Any, Any]) -> Response[bytes]:
    return await _hear(request, "card")


@post("/callbacks/mobilepay", include_in_schema=False)
async def hear_mobilepay(request: Request[Any, Any, Any]) -> Response[bytes]:
    return await _hear(request, "mobilepay")


async def _hear(request: Request[Any, Any, Any], method: ProviderMethod) -> Response[bytes]:
    """204 also for a payment that nobody knows: whoever signed it need not call again. Forged: 401 without a word."""
    house = house_of(request)
    provider = house.providers.get(method)
    if provider is None:
        raise NotFoundException
    try:
        callback = provider.read_callback(
            request.headers,
            await request.body(),
            # The name that the provider knows us by, whatever a proxy between us calls us.
            host=urlsplit(house.settings.base_url).netloc,
            path=_path(request),
            wall=clock.wall(),
        )
    except CallbackForged:
        _log.warning("callback_forged", method=method)
        return Response(b"", status_code=401, media_type="text/plain")
    await take_callback(method, callback)
    return Response(b"", status_code=204, media_type="text/plain")


def _path(request: Request[Any, Any, Any]) -> str:
    """As it was called: a signature may be over the query too."""
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
