"""Between the steps: the shop has changed the order, and the shopper looks at it before they go on."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout import shown
from app.checkout.actions import choose_plan, saw
from app.checkout.errors import SessionEnded, ShownTotalChanged
from app.checkout.states import SessionState
from app.checkout.steps import Page, may_see, pages
from app.merchants.errors import ModuleOff
from app.web.shared import live
from app.web.shared.forms import Form
from app.web.shopper.changes import same_plan, typed_in, version_in
from app.web.shopper.deciding import decide_if_identified
from app.web.shopper.pages import changed_page, confirm_page, identify_page, name_of, page_now
from app.web.shopper.visit import Visit, visit

_UNCHANGED: Final = 204


@get("/pay/{session_id:str}/changed", include_in_schema=False)
async def show_changed(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """What has changed. An open page that hears of news asks with its own name and the version that it shows
    (`?page=confirm&since=1`): 204 says that it may stay as it is.
    """
    here = await visit(request, session_id)
    before, page = version_in(request.query_params.get("since", "")), request.query_params.get("page")
    if may_see(Page.CHANGED, here.flow.state, here.flow.progress):
        if page == name_of(Page.CHANGED, here.flow) and before == here.flow.version:
            # It shows this very change, and keeps what was typed before it.
            return here.sealed(Response("", status_code=_UNCHANGED))
        return await changed_page(here)
    if before is not None and before < here.flow.version and here.flow.state is SessionState.OPEN:
        return await changed_page(here, since=before, push=False)
    if page and page in {name_of(each, here.flow) for each in pages(here.flow.state, here.flow.progress)}:
        return here.sealed(Response("", status_code=_UNCHANGED))
    return await page_now(here, push=True)


@post("/pay/{session_id:str}/changed", include_in_schema=False, status_code=200)
async def go_on(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """The shopper has looked at the change that the form shows, and goes on with the plan they chose, if it can."""
    here = await visit(request, session_id)
    form = await here.form()
    if here.flow.state is not SessionState.OPEN:
        return await page_now(here, push=True)
    if not shown.matches(here.flow, form.value("shown")):
        # The shop has changed it once more, or a plan was chosen in another tab.
        return await page_now(here, push=True, typed=form)
    try:
        here = await _accept(here)
    except (SessionEnded, ShownTotalChanged):
        return await page_now(await here.again(), push=True)
    return await _next_step(await decide_if_identified(here), Form(typed_in(form.values)))


async def _accept(here: Visit) -> Visit:
    quote = await same_plan(here)
    if quote is not None:
        # Where the wallet that it counted on is gone they choose anew.
        with contextlib.suppress(ModuleOff):
            return here.after(await choose_plan(here.flow, quote, here.browser, here.wall))
    return here.after(await saw(here.flow, here.flow.version))


async def _next_step(here: Visit, kept: Form) -> Response[str]:
    """The step they go on to. With what they had typed into it before, it is the answer itself and no redirect."""
    if kept.values and may_see(Page.CONFIRM, here.flow.state, here.flow.progress):
        return await confirm_page(here, kept, push=True)
    if kept.values and may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return identify_page(here, kept, push=True)
    return await page_now(here, push=True)


@get("/pay/{session_id:str}/live", include_in_schema=False)
async def follow(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[Any]:
    """News for an open page, as server-sent events."""
    here = await visit(request, session_id)
    if not here.flow.watched or here.flow.state not in {"open", "held"}:
        return live.nothing_more()
    return live.stream(here.flow.order_public_id)
