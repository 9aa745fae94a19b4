"""Step 2 by passkey. A script asks for a challenge, has the device sign it, and posts the answer as a form."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath

from app.checkout.actions import ask_for_passkey, identify_by_passkey
from app.checkout.errors import SessionEnded, StepNotReached
from app.checkout.policy import passkey_is_enough
from app.checkout.steps import Page, may_see
from app.identity.errors import PasskeyRefused
from app.identity.passkeys import Options, RelyingParty
from app.web.shopper.deciding import decide_if_identified
from app.web.shopper.pages import identify_page, page_now
from app.web.shopper.visit import Visit, visit


@post("/pay/{session_id:str}/passkey/challenge", include_in_schema=False, status_code=200)
async def ask_passkey(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[Options]:
    """What the script hands to the device. 409 where no passkey is asked for: the script then offers none."""
    here = await visit(request, session_id)
    party = _party(here)
    if party is None or not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return options_answer(here, None)
    try:
        return options_answer(here, await ask_for_passkey(here.flow, here.browser, party, here.wall))
    except StepNotReached:
        return options_answer(here, None)


@post("/pay/{session_id:str}/passkey", include_in_schema=False, status_code=200)
async def use_passkey(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return await page_now(here, push=True)
    party, form = _party(here), await here.form()
    if party is None:
        return identify_page(here, notice="passkey_not_enough", status=422)
    try:
        token = await identify_by_passkey(here.flow, form.value("answer"), here.browser, party, here.wall)
    except PasskeyRefused as refusal:
        return identify_page(await here.again(), notice=f"passkey_{refusal.reason}", status=422)
    except SessionEnded:
        return await page_now(await here.again(), push=True)
    return await page_now(await decide_if_identified(await here.again(token)), push=True)


def _party(here: Visit) -> RelyingParty | None:
    return here.passkey_party if passkey_is_enough(here.flow) else None


def options_answer(here: Visit, options: Options | None) -> Response[Options]:
    """JSON for the script; with the browser's cookie, because a challenge is bound to its browser."""
    status = 200 if options is not None else 409
    response = Response(
        options or {},
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
    here.seal(response)
    return response
