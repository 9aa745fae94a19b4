"""Step 1: how do you want to pay?"""

from __future__ import annotations

from typing import Any, assert_never

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout.actions import choose_plan, saw
from app.checkout.errors import SessionEnded
from app.checkout.steps import Page, may_see
from app.merchants.errors import ModuleOff
from app.plans.quote import DELIVERIES, DELIVERIES_TO_COMPANIES, Quote
from app.web.shared.forms import FieldError, Form
from app.web.shopper.changes import version_in
from app.web.shopper.deciding import decide_if_identified
from app.web.shopper.extras import FIELDS, extras_for
from app.web.shopper.offers import Offers, Wish, offers_for, read_wish
from app.web.shopper.pages import company_page, method_page, page_now
from app.web.shopper.visit import Visit, visit


@get("/pay/{session_id:str}", include_in_schema=False)
async def show_method(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """The figures follow the address (`?method=instalments&months=6`), and nothing is written.

    With `compare=1` all plans stand side by side.
    """
    here = await visit(request, session_id)
    if not may_see(Page.METHOD, here.flow.state, here.flow.progress):
        return await page_now(here)
    values = {
        name: value
        for name, value in request.query_params.items()
        if name not in {"lang", "compare", "version", "company"}
    }
    if "company" in request.query_params and here.flow.buyer == "business":
        return company_page(here)
    compare = request.query_params.get("compare") == "1"
    extras = await extras_for(here.flow, here.lang, values if FIELDS & values.keys() else None)
    return await method_page(here, read_wish(values, here.flow), compare=compare, extras=extras)


@post("/pay/{session_id:str}", include_in_schema=False, status_code=200)
async def choose_method(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if not may_see(Page.METHOD, here.flow.state, here.flow.progress):
        return await page_now(here, push=True)
    form = await here.form()
    if here.flow.buyer == "business" and here.flow.company is None:
        return company_page(here)
    looked_at = version_in(form.value("version"))
    if looked_at is not None and looked_at < here.flow.version:
        return await _tell_what_changed(here, looked_at)
    extras, wish = await extras_for(here.flow, here.lang, form.values), read_wish(form.values, here.flow)
    quote = _quote(await offers_for(here.flow, here.doors, here.lang, extras=extras), wish)
    if not isinstance(quote, Quote) or extras.errors:
        wrong = {**extras.errors, **({} if isinstance(quote, Quote) else quote)}
        return await method_page(here, wish, Form(form.values, wrong), status=422, extras=extras)
    try:
        added = extras.added(quote.method)
        here = here.after(await choose_plan(here.flow, quote, here.browser, here.wall, added))
    except SessionEnded:
        return await page_now(await here.again(), push=True)
    except ModuleOff:
        form = Form(form.values, {"method": FieldError("wallet_off")})
        return await method_page(here, wish, form, status=422, extras=extras)
    return await page_now(await decide_if_identified(here), push=True)


async def _tell_what_changed(here: Visit, looked_at: int) -> Response[str]:
    """The figures that were chosen from are those of an older order: it is told before anything is chosen."""
    try:
        here = here.after(await saw(here.flow, looked_at))
    except SessionEnded:
        here = await here.again()
    return await page_now(here, push=True)


def _quote(offers: Offers, wish: Wish) -> Quote | dict[str, FieldError]:
    """The quote that was chosen, or what is missing, by field."""
    kind = wish.method
    if kind == "wallet" and offers.wallet:
        return offers.wallet_alone()
    if kind is None or kind == "wallet" or kind not in offers.offering.methods:
        return {"method": FieldError("empty")}
    if kind == "card" or kind == "mobilepay":  # noqa: PLR1714  narrows
        return offers.paid(kind)
    if kind == "invoice":
        return _invoice(offers, wish)
    if kind == "instalments":
        months, moved = offers.term(wish)
        if moved or (wish.months is None and wish.monthly_minor is None):
            return {"months": FieldError("out_of_range")}
        return offers.quote("instalments", months=months)
    assert_never(kind)


def _invoice(offers: Offers, wish: Wish) -> Quote | dict[str, FieldError]:
    errors: dict[str, FieldError] = {}
    plan = offers.net(wish)
    if offers.offering.company_plans and plan is None:
        errors["net"] = FieldError("empty")
    allowed = DELIVERIES_TO_COMPANIES if offers.offering.company_plans else DELIVERIES["invoice"]
    if wish.delivery is None or wish.delivery not in allowed:
        errors["delivery"] = FieldError("empty")
    return errors or offers.quote("invoice", delivery=wish.delivery or "email", plan=plan)
