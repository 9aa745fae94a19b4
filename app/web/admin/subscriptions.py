"""Who has a subscription with the shop, how each stands, and what staff do about one."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock, ids
from app.kernel.cursors import CursorRefused
from app.subscriptions import actions
from app.subscriptions.errors import NotNow, SubscriptionUnknown
from app.subscriptions.price_queries import last_declined
from app.subscriptions.queries import (
    SubscriptionPage,
    agreements_of,
    history_of,
    periods_of,
    subscription_of,
    subscription_page,
)
from app.subscriptions.states import SubscriptionState
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.shared import rendering

LIST: Final = "/admin/subscriptions"
SECTION: Final = "subscriptions"
_CHANGES: Final = {
    "cancel": actions.cancel,
    "keep": actions.keep,
    "end": actions.end,
    "resume": actions.resume,
}


@get("/subscriptions", name="admin:subscriptions")
async def subscription_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    state = _state(request.query_params.get("state", ""))
    cursor = request.query_params.get("cursor") or None
    found = await _page(merchant.id, state, cursor)
    kept = {"state": state.value} if state else {}
    older = urlencode({**kept, "cursor": found.next_cursor}) if found.next_cursor else None
    here = f"{LIST}?{urlencode(kept)}" if kept else LIST
    context = {
        "rows": found.subscriptions,
        "states": [each.value for each in SubscriptionState],
        "chosen": state.value if state else None,
        "older_url": f"{LIST}?{older}" if older else None,
        "newest_url": here if cursor else None,
        "locale": merchant.locale,
    }
    return await show(request, "admin/subscriptions.html", context, section=SECTION)


@get("/subscriptions/{public_id:str}", name="admin:subscription")
async def one_subscription(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    return await _show(request, public_id)


@post(
    "/subscriptions/{public_id:str}/{change:str}", name="admin:subscription-change", status_code=HTTP_200_OK
)
async def change_subscription(
    request: AdminRequest, public_id: FromPath[str], change: FromPath[str]
) -> Response[str]:
    """Cancel it as its owner would, take that back, end it at once, or let a pause end."""
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    verb = _CHANGES.get(change)
    if verb is None or not ids.is_public_id("sub", public_id):
        return await _none(request)
    try:
        await verb(merchant, public_id, actor=f"staff:{request.user.staff.public_id}", now=now)
    except SubscriptionUnknown:
        return await _none(request)
    except NotNow as refused:
        return await _show(request, public_id, notice=refused.why, status=409)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


async def _show(
    request: AdminRequest, public_id: str, *, notice: str | None = None, status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    sub = await subscription_of(merchant.id, public_id) if ids.is_public_id("sub", public_id) else None
    if sub is None:
        return await _none(request)
    context = {
        "sub": sub,
        "name": sub.terms.name(merchant.locale),
        "periods": await periods_of(merchant.id, sub.id),
        "history": await history_of(merchant.id, sub.id),
        "agreements": await agreements_of(merchant.id, sub.id),
        "declined": await last_declined(merchant.id, sub.id),
        "address": f"{LIST}/{public_id}",
        "notice": notice,
    }
    return await show(request, "admin/subscription.html", context, section=SECTION, status=status)


async def _none(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_subscription.html", {}, section=SECTION, status=404)


async def _page(merchant_id: UUID, state: SubscriptionState | None, cursor: str | None) -> SubscriptionPage:
    """The page that was asked for; a place that never was shows the first one."""
    try:
        return await subscription_page(merchant_id, state=state, cursor=cursor)
    except CursorRefused:
        return await subscription_page(merchant_id, state=state)


def _state(text: str) -> SubscriptionState | None:
    return next((state for state in SubscriptionState if state.value == text), None)
