"""The list of payment links: which are out, how far each has come, and which are about to lapse."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get

from app.kernel import clock
from app.kernel.cursors import CursorRefused
from app.links.lists import tracks_of
from app.links.queries import LinksPage, links_page
from app.links.states import LinkState
from app.web.admin.access import AdminRequest
from app.web.admin.link_views import rows_of
from app.web.admin.pages import merchant_of, show

PAGE_SIZE: Final = 25
LIST: Final = "/admin/links"
# How far ahead a link counts as about to lapse, here and on the first page.
SOON: Final = timedelta(hours=48)
# The filter that is no state of its own.
ABOUT_TO_LAPSE: Final = "soon"
FILTERS: Final = (ABOUT_TO_LAPSE, *(state.value for state in LinkState))


@get("/links", name="admin:links")
async def link_list(request: AdminRequest) -> Response[str]:
    merchant, now = await merchant_of(request), clock.business(request.user.staff.offset_s)
    wanted = request.query_params.get("state", "")
    state = wanted if wanted in FILTERS else ""
    cursor = request.query_params.get("cursor") or None
    found = await _found(merchant.id, state, cursor, now)
    context = {
        "rows": rows_of(found.links, await tracks_of(merchant.id, found.links), now),
        "states": FILTERS,
        "state": state,
        "older_url": list_url(state, found.next_cursor) if found.next_cursor else None,
        "newest_url": list_url(state) if cursor else None,
    }
    return await show(
        request,
        "admin/links.html",
        context,
        section="links",
        partial="admin/_links.html",
        push_url=list_url(state, cursor or ""),
    )


async def about_to_lapse(merchant_id: UUID, now: datetime, limit: int) -> LinksPage:
    """The next links to lapse whose orders are not paid."""
    return await links_page(merchant_id, now=now, lapsing_before=now + SOON, limit=limit)


def list_url(state: str = "", cursor: str = "") -> str:
    """The list with its filters: every one that is set is in the address, so that it can be kept and sent."""
    query = urlencode({name: value for name, value in (("state", state), ("cursor", cursor)) if value})
    return f"{LIST}?{query}" if query else LIST


async def _found(merchant_id: UUID, state: str, cursor: str | None, now: datetime) -> LinksPage:
    """The page that was asked for; a place that never was shows the first one."""
    soon = now + SOON if state == ABOUT_TO_LAPSE else None
    in_state = LinkState(state) if state and soon is None else None
    try:
        return await links_page(
            merchant_id, now=now, state=in_state, lapsing_before=soon, cursor=cursor, limit=PAGE_SIZE
        )
    except CursorRefused:
        return await links_page(merchant_id, now=now, state=in_state, lapsing_before=soon, limit=PAGE_SIZE)
