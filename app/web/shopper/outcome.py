"""How it ended, and how to end it: the outcome, and the button that cancels."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath

from app.checkout.actions import cancel_session
from app.checkout.steps import Page, may_see
from app.web.shopper.pages import outcome_now, page_now
from app.web.shopper.visit import visit


@get("/pay/{session_id:str}/outcome", include_in_schema=False)
async def show_outcome(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if not may_see(Page.OUTCOME, here.flow.state, here.flow.progress):
        return await page_now(here)
    return await outcome_now(here)


@get("/pay/{session_id:str}/cancel", include_in_schema=False)
async def ask_cancel(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if here.flow.state not in {"open", "held"} or not here.flow.ours:
        return await page_now(here)
    return here.page("cancel", {"waits": here.flow.state == "held"}, step=None, path="/cancel", push=True)


@post("/pay/{session_id:str}/cancel", include_in_schema=False, status_code=200)
async def cancel(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Another browser than the one the session is bound to changes nothing."""
    here = await visit(request, session_id)
    flow = here.flow
    if flow.ours:
        await cancel_session(flow.merchant.id, flow.public_id, actor="shopper", now=flow.now)
    return await page_now(await here.again(), push=True)
