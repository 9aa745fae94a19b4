"""What shoppers say at the end of a purchase: how easy it was over time, their words, and the news they are told."""

from __future__ import annotations

import csv
import io
from typing import Final

from litestar import Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.checkout.review_figures import percent_of
from app.checkout.review_periods import UNITS
from app.kernel import clock
from app.kernel.cursors import CursorRefused
from app.kernel.i18n import LANGUAGES
from app.support import actions, queries
from app.support.errors import FeedbackRefused
from app.support.rules import NEWS_MAX
from app.web.admin.access import ROLES_OF, AdminRequest
from app.web.admin.pages import LANGUAGE_NAMES, merchant_of, show
from app.web.admin.periods import span_asked
from app.web.admin.review_charts import chart_of
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

PAGE: Final = "/admin/support"


@get("/support", name="admin:support")
async def support_page(request: AdminRequest) -> Response[str]:
    return await _show(request, told=request.query_params.get("told") == "1")


@post("/support/news", name="admin:support-news", status_code=HTTP_200_OK)
async def tell_news(request: AdminRequest) -> Response[str]:
    """What changed because shoppers said so, one text a language; an empty one is told no longer."""
    merchant = await merchant_of(request)
    form = forms.parse(await request.body())
    actor, now = f"staff:{request.user.staff.public_id}", clock.business(request.user.staff.offset_s)
    lang = form.value("lang")
    if lang not in LANGUAGES:
        return await _show(request, form.refused(lang=FieldError("malformed")), status=422)
    try:
        await actions.tell(merchant.id, lang, form.value("words"), actor=actor, now=now)
    except FeedbackRefused as refused:
        return await _show(request, form.refused(words=FieldError(refused.reason)), status=422)
    return rendering.redirect(request, f"{PAGE}?told=1", leave=True)


@get("/support/export", name="admin:support-export")
async def export_feedback(request: AdminRequest) -> Response[str]:
    """The trend as CSV, a row a period; `by` as on the page."""
    merchant = await merchant_of(request)
    span, _ = span_asked(request, merchant)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("from", "answers", "easy", "hard", "mean"))
    for start, each in (await queries.trend(merchant.id, span)).periods:
        mean = "" if each.tenths is None else f"{each.tenths // 10}.{each.tenths % 10}"
        rows.writerow((start.isoformat(), each.answers, each.easy, each.hard, mean))
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": f'attachment; filename="feedback-by-{span.unit}.csv"',
    }
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


async def _show(
    request: AdminRequest, form: Form | None = None, *, told: bool = False, status: int = HTTP_200_OK
) -> Response[str]:
    merchant = await merchant_of(request)
    span, _ = span_asked(request, merchant)
    trend = await queries.trend(merchant.id, span)
    cursor = request.query_params.get("cursor") or None
    try:
        words, following = await queries.words_page(merchant.id, cursor)
    except CursorRefused:
        cursor = None
        words, following = await queries.words_page(merchant.id)
    context = {
        "form": form or Form({"lang": merchant.locale}),
        "told": told,
        "span": span,
        "units": UNITS,
        "trend": trend,
        "chart": chart_of([(each.easy, each.answers - each.easy) for _, each in trend.periods]),
        "words": words,
        "first_url": f"{PAGE}?by={span.unit}" if cursor else None,
        "next_url": f"{PAGE}?by={span.unit}&cursor={following}" if following else None,
        "news": await queries.news_told(merchant.id),
        "language_names": LANGUAGE_NAMES,
        "news_max": NEWS_MAX,
        "percent_of": percent_of,
        "may_open_orders": request.user.staff.role in ROLES_OF["admin:order"],
        "may_tell": request.user.staff.role in ROLES_OF["admin:support-news"],
    }
    return await show(request, "admin/support.html", context, section="support", status=status)
