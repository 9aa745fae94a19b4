"""Step 2: who is paying? By a code to the phone; the bank has a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.params import FromPath

from app.checkout.actions import code_never_left, forget_browser, identify_by_code, request_code
from app.checkout.actions.identifying import Outcome
from app.checkout.errors import SessionEnded, StepNotReached
from app.checkout.policy import code_is_enough
from app.checkout.steps import Page, may_see
from app.identity.actions.codes import ChallengeState, mark
from app.identity.rules import SmsBudget, read_code
from app.kernel.limits import LimitReached
from app.kernel.phone import EXAMPLES, PhoneRefused, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.messages.codes import Sending, send_code_sms
from app.web.shared.forms import FieldError, Form
from app.web.shopper.deciding import decide_if_identified
from app.web.shopper.pages import identify_page, page_now
from app.web.shopper.visit import Visit, visit

if TYPE_CHECKING:
    from collections.abc import Mapping


@get("/pay/{session_id:str}/identify", include_in_schema=False)
async def show_identify(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return await page_now(here)
    return identify_page(here)


@post("/pay/{session_id:str}/code", include_in_schema=False, status_code=200)
async def send_code(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Make a code and send it; `again` repeats it to the number that this session already has, `known` sends it to the
    one that this browser is remembered for."""
    here = await visit(request, session_id)
    form = await here.form()
    if not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return await page_now(here, push=True, typed=form)
    before = here.flow.challenge if "again" in form.values else None
    known = here.flow.remembered if "known" in form.values else None
    again = before is not None
    held = before or known
    typed = form.values if held is None else {"phone": held.phone, "postcode": held.postcode}
    remember = before.remember if before else known is not None or "remember" in form.values
    asked = _read_asked(typed, here.flow.country)
    if not isinstance(asked, tuple):
        return identify_page(here, Form(form.values, asked), status=422)
    try:
        here, sending, marking = await _send(here, *asked, remember=remember)
    except LimitReached as refusal:
        field = "code" if here.flow.challenge is not None else "phone"
        return identify_page(here, Form(form.values, {field: _wait(refusal)}), status=429)
    except (SessionEnded, StepNotReached):
        return await page_now(await here.again(), push=True)
    notice = {"failed": "sms_failed", "unknown": "sms_unknown"}.get(
        sending, "new_code_sent" if again else "code_sent"
    )
    if request.headers.get("hx-request") != "true":
        response = here.lead_to("/identify")
    else:
        response = identify_page(here, notice=notice, push=True)
    response.background = marking
    return response


def _read_asked(values: Mapping[str, str], country: str) -> tuple[str, str] | dict[str, FieldError]:
    """Phone (E.164) and postcode, or what is wrong with each, in the order of the page."""
    errors: dict[str, FieldError] = {}
    phone = postcode = ""
    try:
        postcode = parse_postcode(values.get("postcode", ""), country)
    except PostcodeRefused as refusal:
        errors["postcode"] = FieldError(refusal.reason)
    try:
        phone = parse_phone(values.get("phone", ""), country).e164
    except PhoneRefused as refusal:
        errors["phone"] = FieldError(refusal.reason, {"example": EXAMPLES.get(country)})
    return errors or (phone, postcode)


async def _send(
    here: Visit, phone: str, postcode: str, *, remember: bool
) -> tuple[Visit, Sending, BackgroundTask | None]:
    """Make a code and hand it to the gateway. That it was sent is noted by a task that nobody waits for: a row that
    still says `sending` later becomes `unknown`. Anything else the row says already."""
    settings = here.house.settings
    issued, flow = await request_code(
        here.flow,
        phone,
        postcode,
        here.browser,
        address=here.address,
        wall=here.wall,
        budget=SmsBudget(settings.sms_a_day_and_shop, settings.sms_a_day),
        remember=remember,
    )
    here = here.after(flow)
    sending = await send_code_sms(
        here.house.sms,
        phone=phone,
        code=issued.code,
        total=here.flow.total,
        shop=here.flow.merchant.name,
        base_url=here.house.settings.base_url,
        lang=here.lang,
        merchant_id=here.flow.merchant.id,
    )
    if sending == "sent":
        return here, sending, BackgroundTask(mark, issued.challenge_id, ChallengeState.SENT)
    if sending == "failed":
        await code_never_left(here.flow, issued, phone, postcode, address=here.address)
    else:
        await mark(issued.challenge_id, ChallengeState.UNKNOWN)
    return await here.again(), sending, None


@post("/pay/{session_id:str}/forget", include_in_schema=False, status_code=200)
async def forget(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """Not you? The browser is remembered no more, and the fields are empty."""
    here = await visit(request, session_id)
    await forget_browser(here.flow, here.wall)
    here = here.unknown()
    if request.headers.get("hx-request") != "true" or not may_see(
        Page.IDENTIFY, here.flow.state, here.flow.progress
    ):
        return await page_now(here, push=True)
    return identify_page(here, push=True)


# What one person asked for too often; every other limit is a crowd's, and it would be unfair to blame its last member.
_OWN_LIMITS: Final = frozenset({"code.phone.minute", "code.phone.day", "code.session"})


def _wait(refusal: LimitReached) -> FieldError:
    code = "limit_reached" if refusal.scope in _OWN_LIMITS else "paused"
    return FieldError(code, {"resets_in_s": refusal.resets_in_s})


_REFUSALS: Final[dict[Outcome, str]] = {"spent": "used_up", "changed": "changed", "expired": "expired"}


@post("/pay/{session_id:str}/identify", include_in_schema=False, status_code=200)
async def confirm_code(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    if not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return await page_now(here, push=True)
    form = await here.form()
    code = read_code(form.value("code"))
    if code is None:
        error = FieldError("malformed" if form.value("code") else "empty")
        return identify_page(here, Form(form.values, {"code": error}), status=422)
    try:
        tried = await identify_by_code(
            here.flow, code, code_is_enough=code_is_enough(here.flow), address=here.address, wall=here.wall
        )
    except LimitReached as refusal:
        return identify_page(here, Form(form.values, {"code": _wait(refusal)}), status=429)
    except SessionEnded:
        return await page_now(await here.again(), push=True)
    if tried.outcome == "identified":
        return await page_now(await decide_if_identified(await here.identified(tried)), push=True)
    if tried.outcome == "needs_bank":
        return await page_now(await here.again(), push=True)
    if tried.outcome == "other_person":
        return identify_page(await here.again(), notice="code_other_person", status=422)
    error = (
        FieldError("wrong", {"tries_left": tried.tries_left})
        if tried.outcome == "wrong"
        else FieldError(_REFUSALS[tried.outcome])
    )
    return identify_page(await here.again(), Form(form.values, {"code": error}), status=422)
