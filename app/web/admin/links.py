"""The list of payment links: which are out, how far each has come, and which lapse soon; on screen or as CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.response import Stream

from app.kernel import clock, typed
from app.kernel.csv_text import BYTE_ORDER_MARK, csv_row
from app.kernel.cursors import CursorRefused
from app.kernel.money import MINOR_PER_MAJOR
from app.links.lists import Track, each_link, tracks_of
from app.links.queries import LinksPage, LinksWanted, LinkView, links_page
from app.links.states import LinkState
from app.web.admin.access import AdminRequest, settings_of
from app.web.admin.link_views import rows_of
from app.web.admin.pages import merchant_of, show
from app.web.shared import rendering

PAGE_SIZE: Final = 25
LIST: Final = "/admin/links"
EXPORT: Final = f"{LIST}/export"
# How far ahead a link counts as about to lapse, here and on the first page.
SOON: Final = timedelta(hours=48)
# The filter that is no state of its own.
ABOUT_TO_LAPSE: Final = "soon"
FILTERS: Final = (ABOUT_TO_LAPSE, *(state.value for state in LinkState))
WORDS_LENGTH_MAX: Final = 100
COLUMNS: Final = (
    "link_id",
    "order_id",
    "reference",
    "state",
    "created_at",
    "expires_at",
    "opened_at",
    "sent_by",
    "sent",
    "total",
    "currency",
    "name",
    "url",
)


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links an address asks for; what it says that there is not narrows nothing."""

    state: str
    q: str

    def wanted(self, now: datetime) -> LinksWanted:
        soon = now + SOON if self.state == ABOUT_TO_LAPSE else None
        in_state = LinkState(self.state) if self.state and soon is None else None
        return LinksWanted(in_state, soon, self.q or None)

    def url(self, path: str = LIST, cursor: str = "") -> str:
        """The list with its filters: every one that is set is in the address, so that it can be kept and sent."""
        given = (("q", self.q), ("state", self.state), ("cursor", cursor))
        query = urlencode({name: value for name, value in given if value})
        return f"{path}?{query}" if query else path


@get("/links", name="admin:links")
async def link_list(request: AdminRequest) -> Response[str]:
    merchant, now = await merchant_of(request), _now(request)
    chosen = _filter(request)
    cursor = request.query_params.get("cursor") or None
    found = await _found(merchant.id, chosen.wanted(now), cursor, now)
    context = {
        "rows": rows_of(found.links, await tracks_of(merchant.id, found.links), now),
        "states": FILTERS,
        "state": chosen.state,
        "q": chosen.q,
        "older_url": chosen.url(cursor=found.next_cursor) if found.next_cursor else None,
        "newest_url": chosen.url() if cursor else None,
        "export_url": chosen.url(EXPORT),
    }
    return await show(
        request,
        "admin/links.html",
        context,
        section="links",
        partial="admin/_links.html",
        push_url=chosen.url(cursor=cursor or ""),
    )


@get("/links/export", name="admin:links-export")
async def export_links(request: AdminRequest) -> Stream:
    """The whole list as CSV, a page at a time: of a long list nothing is held in memory."""
    merchant, now = await merchant_of(request), _now(request)
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": 'attachment; filename="payment-links.csv"',
    }
    rows = _sheet(
        each_link(merchant.id, _filter(request).wanted(now), now=now), settings_of(request).base_url, now
    )
    return Stream(rows, media_type="text/csv", headers=headers)


async def about_to_lapse(merchant_id: UUID, now: datetime, limit: int) -> LinksPage:
    """The next links to lapse whose orders are not paid."""
    return await links_page(merchant_id, LinksWanted(lapsing_before=now + SOON), now=now, limit=limit)


async def _sheet(
    links: AsyncIterator[tuple[LinkView, Track]], base_url: str, now: datetime
) -> AsyncIterator[str]:
    """Sums with a decimal point, times in UTC."""
    yield BYTE_ORDER_MARK + csv_row(COLUMNS)
    async for link, track in links:
        whole, cents = divmod(link.total_minor, MINOR_PER_MAJOR)
        cells = (
            link.public_id,
            link.order_public_id,
            link.reference,
            link.state_at(now).value,
            _time(link.created_at),
            _time(link.expires_at),
            _time(link.opened_at),
            track.channel,
            track.sent,
            f"{whole}.{cents:02}",
            link.currency,
            track.customer,
            link.url(base_url),
        )
        yield csv_row(cells)


def _filter(request: AdminRequest) -> LinkFilter:
    state = request.query_params.get("state", "")
    words = typed.one_line(typed.clean(request.query_params.get("q", "")))[:WORDS_LENGTH_MAX]
    return LinkFilter(state if state in FILTERS else "", words)


async def _found(merchant_id: UUID, wanted: LinksWanted, cursor: str | None, now: datetime) -> LinksPage:
    """The page that was asked for; a place that never was shows the first one."""
    try:
        return await links_page(merchant_id, wanted, now=now, cursor=cursor, limit=PAGE_SIZE)
    except CursorRefused:
        return await links_page(merchant_id, wanted, now=now, limit=PAGE_SIZE)


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _now(request: AdminRequest) -> datetime:
    return clock.business(request.user.staff.offset_s)
