"""The passkeys of whoever is identified here: one is offered after the purchase, all can be seen and removed."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.checkout.actions import ask_to_save, remove_passkey, save_passkey
from app.checkout.errors import StepNotReached
from app.checkout.states import SessionState
from app.identity.errors import PasskeyRefused, PasskeyUnknown
from app.identity.passkeys import Options
from app.identity.queries import passkeys_of
from app.web.shopper.pages import outcome_page, page_now
from app.web.shopper.passkey import options_answer
from app.web.shopper.views import PasskeysView, PasskeyView
from app.web.shopper.visit import Visit, visit

PATH: Final = "/passkeys"


@get("/pay/{session_id:str}/passkeys", include_in_schema=False)
async def show_passkeys(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    return await _passkeys_page(here)


@post("/pay/{session_id:str}/passkeys/challenge", include_in_schema=False, status_code=200)
async def ask_new_passkey(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[Options]:
    """What the script hands to the device, after a purchase. 409 where no passkey may be saved."""
    here = await visit(request, session_id)
    party = here.passkey_party
    if party is None or here.flow.stored_state is not SessionState.CONFIRMED:
        return options_answer(here, None)
    try:
        return options_answer(here, await ask_to_save(here.flow, party, here.wall))
    except (StepNotReached, PasskeyRefused):
        return options_answer(here, None)


@post("/pay/{session_id:str}/passkeys", include_in_schema=False, status_code=200)
async def keep_passkey(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    party, form = here.passkey_party, await here.form()
    if party is None or here.flow.stored_state is not SessionState.CONFIRMED:
        return await page_now(here, push=True)
    agent = request.headers.get("user-agent", "")
    try:
        await save_passkey(here.flow, form.value("answer"), party, user_agent=agent, wall=here.wall)
    except PasskeyRefused as refusal:
        return outcome_page(here, passkey_news=refusal.reason, status=422, push=True)
    except StepNotReached:
        return outcome_page(here, passkey_news="stale", status=422, push=True)
    return outcome_page(await here.again(), passkey_news="saved", push=True)


@post("/pay/{session_id:str}/passkeys/remove", include_in_schema=False, status_code=200)
async def drop_passkey(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Somebody else's passkey is as unknown as one that never was."""
    here = await visit(request, session_id)
    form = await here.form()
    try:
        await remove_passkey(here.flow, form.value("passkey"))
    except StepNotReached:
        return await page_now(here, push=True)
    except PasskeyUnknown:
        raise NotFoundException from None
    if request.headers.get("hx-request") != "true":
        return here.lead_to(PATH)
    return await _passkeys_page(await here.again(), removed=True)


async def _passkeys_page(here: Visit, *, removed: bool = False) -> Response[str]:
    """For the identified browser alone: whose they are is nobody else's business."""
    customer = here.flow.customer
    if customer is None or not here.flow.identified:
        return await page_now(here, push=True)
    local_date = here.flow.merchant.local_date
    rows = [
        PasskeyView(
            row.public_id,
            row.device,
            row.synced,
            local_date(row.created_at),
            local_date(row.last_used_at) if row.last_used_at else None,
        )
        for row in await passkeys_of(customer.id)
    ]
    view = PasskeysView(rows, removed)
    return here.page("passkeys", {"passkeys": view}, step=None, path=PATH, push=True)
