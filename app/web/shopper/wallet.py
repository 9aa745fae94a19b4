"""The one tap that has the wallet pay a part of the price, or all of it, or nothing again."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, post
from litestar.params import FromPath

from app.checkout.actions import Added, choose_plan
from app.checkout.errors import SessionEnded
from app.checkout.states import SessionState
from app.checkout.steps import Page, Progress, may_see
from app.merchants.errors import ModuleOff
from app.plans.quote import Quote
from app.web.shared.forms import Form
from app.web.shopper.changes import typed_in, version_in
from app.web.shopper.deciding import decide_if_identified
from app.web.shopper.offers import number_in, offers_for
from app.web.shopper.pages import confirm_page, page_now
from app.web.shopper.purse import kinds_of, on_plan
from app.web.shopper.visit import Visit, visit

_MAY_CHOOSE: Final = frozenset({Progress.IDENTIFIED, Progress.REFUSED})


@post("/pay/{session_id:str}/wallet", include_in_schema=False, status_code=200)
async def use_wallet(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """`use` is what the wallet shall pay, as the page showed it; 0 goes back to the plan alone. `method` and `months`
    say which plan takes the rest, the present one unless they say."""
    here = await visit(request, session_id)
    form = await here.form()
    flow = here.flow
    looked_at = version_in(form.value("version"))
    if flow.state is not SessionState.OPEN or not flow.identified or flow.progress not in _MAY_CHOOSE:
        return await page_now(here, push=True, typed=form)
    if looked_at is not None and looked_at < flow.version:
        return await page_now(here, push=True, typed=form)
    chosen = await _chosen(here, form)
    if chosen is None:
        return here.lead_to("")
    quote, added = chosen
    try:
        here = here.after(await choose_plan(flow, quote, here.browser, here.wall, added))
    except (SessionEnded, ModuleOff):
        return await page_now(await here.again(), push=True)
    here = await decide_if_identified(here)
    kept = Form(typed_in(form.values))
    if kept.values and may_see(Page.CONFIRM, here.flow.state, here.flow.progress):
        return await confirm_page(here, kept, push=True)
    return await page_now(here, push=True)


async def _chosen(here: Visit, form: Form) -> tuple[Quote, Added] | None:
    """The quote that was tapped, and what it adds to the order; None where nothing takes what the wallet leaves.
    Whether there is so much in it, setting it aside finds out, and the page tells."""
    flow = here.flow
    part_minor = min(number_in(form.value("use")) or 0, flow.total_minor)
    if part_minor and flow.begins_subscription:
        # What is charged again by itself takes nothing from a wallet, as step 3 does not offer it.
        return None
    if part_minor == flow.total_minor:
        offers = await offers_for(flow, here.doors, here.lang)
        return offers.wallet_alone(), offers.extras.added("wallet")
    offers = await offers_for(flow, here.doors, here.lang, wallet_minor=part_minor)
    kinds = kinds_of(flow, offers)
    kind = next((each for each in kinds if each == form.value("method")), kinds[0] if kinds else None)
    months = number_in(form.value("months"))
    if kind is None:
        return None
    return on_plan(flow, offers, kind, months), offers.extras.added(kind)
