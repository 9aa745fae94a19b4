"""How reviews go: waiting times, answers, what did not stay, how good each rule is, and the money that never came."""

from __future__ import annotations

from litestar import Response, get

from app.checkout import review_figures as figures
from app.checkout.review_periods import UNITS
from app.web.admin import review_figures_views as views
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.periods import span_asked
from app.web.admin.review_charts import chart_of
from app.web.shared import rendering


@get("/reviews/figures", name="admin:review-figures")
async def review_figures(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    span, today = span_asked(request, merchant)
    work = await figures.work(merchant.id, span)
    context = {
        "span": span,
        "units": UNITS,
        "work": work,
        "pace_hundredths": work.decisions * 100 // work.worked_hours if work.worked_hours else None,
        "answer_chart": chart_of([(each.approved, each.declined) for _, each in work.periods]),
        # What nine of ten waited stands behind what half of them waited.
        "wait_chart": chart_of(
            [(each.p50_s or 0, (each.p90_s or 0) - (each.p50_s or 0)) for _, each in work.periods]
        ),
        "hour_chart": chart_of([(count,) for count in work.hours]),
        "overturned": await figures.overturned(merchant.id, span),
        "rules": await figures.rule_figures(merchant.id, span),
        "losses": views.loss_rows(await figures.losses(merchant.id, span, today)),
        "percent_of": figures.percent_of,
    }
    return await show(request, "admin/review_figures.html", context, section="reviews")


@get("/reviews/figures/export", name="admin:review-figures-export")
async def export_review_figures(request: AdminRequest) -> Response[str]:
    """One table of the page as CSV: `of` says which, `by` over which time. Answers for anything else."""
    merchant = await merchant_of(request)
    span, today = span_asked(request, merchant)
    of = request.query_params.get("of", "")
    if of == "rules":
        text = views.sheet_of_rules(await figures.rule_figures(merchant.id, span))
    elif of == "losses":
        text = views.sheet_of_losses(await figures.losses(merchant.id, span, today))
    elif of == "overturned":
        text = views.sheet_of_overturned(await figures.overturned(merchant.id, span))
    else:
        work = await figures.work(merchant.id, span)
        of = of if of in {"hours", "kinds"} else "answers"
        sheets = {"hours": views.sheet_of_hours, "kinds": views.sheet_of_kinds}
        text = sheets.get(of, views.sheet_of_answers)(work)
    headers = {
        "Cache-Control": rendering.NO_STORE,
        "Content-Disposition": f'attachment; filename="reviews-{of}-by-{span.unit}.csv"',
    }
    return Response(text, media_type="text/csv", headers=headers)
