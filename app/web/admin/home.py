"""The first page: what needs a person now, then how today goes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from litestar import Response, get

from app.checkout import overview
from app.kernel import clock
from app.ledger.queries import frozen
from app.links.lists import tracks_of
from app.payments.health import known_health
from app.risk.model_queries import newest_model, trouble_of
from app.web.admin.access import AdminRequest
from app.web.admin.link_views import rows_of
from app.web.admin.links import about_to_lapse
from app.web.admin.pages import merchant_of, show
from app.web.admin.reviews import BAD_SHOWN_FOR
from app.web.admin.views import bars_of, failed_view_of

if TYPE_CHECKING:
    from app.merchants.queries import Merchant
    from app.payments.health import MethodHealth


LAPSING_SHOWN: Final = 5
DUE_SOON: Final = timedelta(hours=4)


@get("/", name="admin:home")
async def home(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    now = clock.business(request.user.staff.offset_s)
    since, until = day_of(merchant, now)
    waiting = await overview.waiting_for_a_person(
        merchant.id, soon=now + DUE_SOON, found_since=now - BAD_SHOWN_FOR
    )
    lapsing = await about_to_lapse(merchant.id, now, LAPSING_SHOWN)
    today = await overview.figures_between(merchant.id, since, until)
    context = {
        "day": merchant.local_date(now),
        "failed": tuple(failed_view_of(failed) for failed in waiting.failed),
        "failed_total": waiting.failed_total,
        "held_total": waiting.held_total,
        "soon_total": waiting.soon_total,
        "bad_total": waiting.bad_total,
        "money_total": waiting.money_total,
        "refunds_total": waiting.refunds_total,
        "disputes_total": waiting.disputes_total,
        "to_approve_total": waiting.to_approve_total,
        "wallets_total": waiting.wallets_total,
        "lapsing": rows_of(lapsing.links, await tracks_of(merchant.id, lapsing.links), now),
        "lapsing_more": lapsing.next_cursor is not None,
        "paid": today.paid,
        "bars": bars_of(today.steps),
        "frozen": await frozen(),
        "unwell": await unwell(),
        "model_trouble": trouble_of(await newest_model(merchant.id), now),
    }
    return await show(request, "admin/home.html", context, section="home")


async def unwell() -> tuple[MethodHealth, ...]:
    """The ways to pay whose provider has trouble right now."""
    return tuple(each for each in (await known_health()).values() if each.state != "up")


def day_of(merchant: Merchant, now: datetime) -> tuple[datetime, datetime]:
    """The merchant's local day around an instant, as UTC from and until; a day of a clock change has 23 or 25 hours."""
    day, zone = merchant.local_date(now), ZoneInfo(merchant.time_zone)
    since, until = (datetime.combine(d, time.min, zone) for d in (day, day + timedelta(days=1)))
    return since.astimezone(UTC), until.astimezone(UTC)
