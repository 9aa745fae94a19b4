"""Signing in to see purchases and wallets: by a code with the postcode, or a passkey. The bank is next door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask

from app.identity.account_queries import PendingCode, open_sessions_of, pending_code
from app.identity.actions import account
from app.identity.actions.account_sign_in import (
    SignIn,
    ask_code,
    ask_passkey,
    code_never_left,
    sign_in_by_code,
    sign_in_by_passkey,
)
from app.identity.actions.codes import LIVE, ChallengeState, mark
from app.identity.errors import PasskeyRefused, SignInLost
from app.identity.passkeys import Options
from app.identity.rules import RESEND_AFTER, SmsBudget, read_code
from app.kernel.limits import LimitReached
from app.kernel.phone import EXAMPLES, PhoneRefused, masked, parse_phone
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.merchants.queries import countries_served
from app.messages.codes import Sending, send_sign_in_sms
from app.web.shared.forms import FieldError, Form
from app.web.shared.rendering import NO_STORE
from app.web.shopper.account import SIGN_IN, Here, here_of, own_path
from app.web.shopper.account_views import BankLink, ProfileView, SessionView, SignInView
from app.web.shopper.views import ChallengeView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Everything that this browser holds of ours, but for what it is told to keep: its language, and who is remembered.
CLEAR: Final = '"cache", "storage"'

_COUNTRY_OF: Final = {"fi": "FI", "sv": "SE", "da": "DK", "bg": "BG"}
_OWN_LIMITS: Final = frozenset({"code.phone.minute", "code.phone.day", "code.session"})
_SENDING_NOTICES: Final = {"failed": "sms_failed", "unknown": "sms_unknown"}


@get(SIGN_IN, include_in_schema=False, name="account")
async def show_account(request: Request[Any, Any, Any]) -> Response[str]:
    """Where to sign in; for whoever is, where they are signed in, or with `again` another way to be identified."""
    here = await here_of(request)
    if here.customer is not None and "again" not in request.query_params:
        return await _profile_page(here)
    notice = "signed_out" if "out" in request.query_params else None
    return await sign_in_page(here, notice=notice)


@post(f"{SIGN_IN}/code", include_in_schema=False, status_code=200)
async def send_account_code(request: Request[Any, Any, Any]) -> Response[str]:
    """Make a code and send it; `again` repeats it to the number that this browser asked for."""
    here = await here_of(request)
    form = await here.form()
    countries = await countries_served()
    before = await pending_code(here.browser.digest) if "again" in form.values else None
    typed: Mapping[str, str] = form.values
    if before is not None:
        typed = {"phone": before.phone, "postcode": before.postcode, "country": before.country}
    country = _country(here, typed.get("country", ""), countries)
    asked = _read_asked(typed, country)
    if not isinstance(asked, tuple):
        return await sign_in_page(here, Form(form.values, asked), status=422)
    try:
        sending, marking = await _send(here, *asked, country)
    except LimitReached as refusal:
        field = "code" if before is not None else "phone"
        return await sign_in_page(here, Form(form.values, {field: wait_error(refusal)}), status=429)
    except SignInLost:
        return here.lead_to(SIGN_IN)
    wanted = own_path(form.value("next"))
    if request.headers.get("hx-request") != "true":
        response = here.lead_to(f"{SIGN_IN}?next={quote(wanted, safe='/')}")
    else:
        notice = _SENDING_NOTICES.get(sending, "new_code_sent" if before is not None else "code_sent")
        response = await sign_in_page(here, Form({"next": wanted}), notice=notice)
    response.background = marking
    return response


async def _send(here: Here, phone: str, postcode: str, country: str) -> tuple[Sending, BackgroundTask | None]:
    settings = here.house.settings
    who = here.arriving
    budget = SmsBudget(settings.sms_a_day_and_shop, settings.sms_a_day)
    issued, to = await ask_code(who, phone, postcode, country, budget)
    sending = await send_sign_in_sms(
        here.house.sms,
        phone=phone,
        code=issued.code,
        operator=settings.operator.name,
        base_url=settings.base_url,
        lang=here.lang,
    )
    if sending == "sent":
        return sending, BackgroundTask(mark, issued.challenge_id, ChallengeState.SENT)
    if sending == "failed":
        await code_never_left(issued, to, asked_at=who.now)
    else:
        await mark(issued.challenge_id, ChallengeState.UNKNOWN)
    return sending, None


@post(f"{SIGN_IN}/sign-in", include_in_schema=False, status_code=200)
async def confirm_account_code(request: Request[Any, Any, Any]) -> Response[str]:
    here = await here_of(request)
    form = await here.form()
    code = read_code(form.value("code"))
    if code is None:
        error = FieldError("malformed" if form.value("code") else "empty")
        return await sign_in_page(here, Form(form.values, {"code": error}), status=422)
    try:
        tried = await sign_in_by_code(here.arriving, code)
    except LimitReached as refusal:
        return await sign_in_page(here, Form(form.values, {"code": wait_error(refusal)}), status=429)
    if tried.outcome in {"signed_in", "stranger"}:
        return await signed_in(here, tried, form.value("next"), stranger="code_stranger")
    error = (
        FieldError("wrong", {"tries_left": tried.tries_left})
        if tried.outcome == "wrong"
        else FieldError("expired" if tried.outcome == "expired" else "used_up")
    )
    return await sign_in_page(here, Form(form.values, {"code": error}), status=422)


@post(f"{SIGN_IN}/passkey/challenge", include_in_schema=False, status_code=200)
async def ask_account_passkey(request: Request[Any, Any, Any]) -> Response[Options]:
    """What the script hands to the device. 409 where no passkey is asked for: the script then offers none."""
    here = await here_of(request)
    party, options = here.party, None
    if party is not None:
        try:
            options = await ask_passkey(here.arriving, party)
        except SignInLost:
            options = None
    response = Response(
        options or {},
        status_code=200 if options is not None else 409,
        media_type="application/json",
        headers={"Cache-Control": NO_STORE},
    )
    return here.sealed(response)


@post(f"{SIGN_IN}/passkey", include_in_schema=False, status_code=200)
async def use_account_passkey(request: Request[Any, Any, Any]) -> Response[str]:
    here = await here_of(request)
    form = await here.form()
    if here.party is None:
        return await sign_in_page(here, form, notice="passkey_unproved", status=422)
    try:
        ended = await sign_in_by_passkey(here.arriving, form.value("answer"), here.party)
    except PasskeyRefused as refusal:
        next_alone = Form({"next": form.value("next")})
        return await sign_in_page(here, next_alone, notice=f"passkey_{refusal.reason}", status=422)
    return await signed_in(here, ended, form.value("next"), stranger="passkey_unknown")


@post(f"{SIGN_IN}/sign-out", include_in_schema=False, status_code=200)
async def sign_out(request: Request[Any, Any, Any]) -> Response[str]:
    """Here, or with `everywhere` in every browser. The session's row is gone before the answer leaves."""
    here = await here_of(request)
    form = await here.form()
    if here.customer is not None and "everywhere" in form.values:
        await account.sign_out_everywhere(here.customer.customer_id)
    elif here.presented is not None:
        await account.sign_out(here.presented.token)
    response = here.leaving().lead_to(f"{SIGN_IN}?out=1")
    response.headers["Clear-Site-Data"] = CLEAR
    return response


async def signed_in(here: Here, ended: SignIn, wanted: str, *, stranger: str) -> Response[str]:
    """On to what was asked for, under a token that is new; or the ways that are left for somebody we do not know."""
    if ended.token is None:
        return await sign_in_page(here, Form({"next": wanted}), notice=stranger, status=422)
    return here.carrying(ended.token).lead_to(own_path(wanted))


async def sign_in_page(
    here: Here, form: Form | None = None, *, notice: str | None = None, status: int = 200
) -> Response[str]:
    """`notice` is a code that the template words; where none is given the newest code's row may have one."""
    form = form or Form()
    countries = await countries_served()
    pending = None if here.browser.fresh else await pending_code(here.browser.digest)
    if notice is None and pending is not None:
        notice = _SENDING_NOTICES.get(pending.state)
    # What was typed is kept while it may be needed, and shown to nobody once somebody has signed in with it.
    if pending is not None and pending.state == ChallengeState.USED.value:
        pending = None
    asked_country = form.value("country") or (pending.country if pending else "")
    wanted = own_path(form.value("next") or here.request.query_params.get("next", ""))
    view = SignInView(
        next=wanted,
        country=_country(here, asked_country, countries),
        countries=countries,
        phone=pending.phone if pending else "",
        postcode=pending.postcode if pending else "",
        challenge=_challenge(here, pending),
        banks=[
            BankLink(country, f"{SIGN_IN}/bank?country={country}&next={quote(wanted, safe='/')}")
            for country in countries
            if country in here.house.banks
        ],
        passkey=here.party is not None,
        notice=notice,
    )
    return here.page("account", {"form": form, "sign_in": view}, status=status)


async def _profile_page(here: Here) -> Response[str]:
    customer = here.customer
    assert customer is not None, "only somebody who is signed in has a profile"
    sessions = [
        SessionView(one.device, one.way, one.created_at, one.id == customer.session_id)
        for one in await open_sessions_of(customer.customer_id, here.wall)
    ]
    phone = masked(customer.phone) if customer.phone else None
    return here.page("account_open", {"profile": ProfileView(customer.name, phone, sessions)})


def _challenge(here: Here, pending: PendingCode | None) -> ChallengeView | None:
    """The code that may be typed now."""
    if pending is None or ChallengeState(pending.state) not in LIVE or here.now >= pending.expires_at:
        return None
    return ChallengeView(
        phone_masked=masked(pending.phone),
        resend_in_s=max(0, int((pending.created_at + RESEND_AFTER - here.now).total_seconds())),
        expires_in_s=int((pending.expires_at - here.now).total_seconds()),
        tries_left=pending.tries_left,
    )


def _country(here: Here, wished: str, countries: Sequence[str]) -> str:
    """The country that a number without a prefix is of: what was chosen, else what the language speaks for."""
    for country in (wished, _COUNTRY_OF.get(here.lang, "")):
        if country in countries:
            return country
    return countries[0] if countries else "FI"


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


def wait_error(refusal: LimitReached) -> FieldError:
    code = "limit_reached" if refusal.scope in _OWN_LIMITS else "paused"
    return FieldError(code, {"resets_in_s": refusal.resets_in_s})
