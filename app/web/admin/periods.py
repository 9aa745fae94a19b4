"""Over which time a page of figures is read."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from app.checkout.review_periods import UNITS, Span, Unit, span_of
from app.kernel import clock

if TYPE_CHECKING:
    from app.merchants.queries import Merchant
    from app.web.admin.access import AdminRequest


def span_asked(request: AdminRequest, merchant: Merchant) -> tuple[Span, date]:
    """What `by` in the address asks for, weeks for anything else; and the shop's day of today."""
    wanted = request.query_params.get("by")
    unit: Unit = next((each for each in UNITS if each == wanted), "week")
    today = merchant.local_date(clock.business(request.user.staff.offset_s))
    return span_of(unit, today, merchant.time_zone), today
