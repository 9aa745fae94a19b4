"""Signing in by bank to see purchases and wallets. The way out and back is that of step 2 (`bank`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Request, Response, get

from app.identity.actions.account_sign_in import sign_in_by_bank
from app.identity.errors import LoginCancelled, LoginExpired, LoginFailed, ProviderUnavailable
from app.identity.ports import LoginRequest, login_reference
from app.kernel import templating
from app.web.shared.forms import Form
from app.web.shopper.account import SIGN_IN, here_of, own_path
from app.web.shopper.account_sign_in import sign_in_page, signed_in
from app.web.shopper.bank_cookie import login_cookie

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = structlog.get_logger("web.account_bank")

RETURN_PATH: Final = "/bank/return"
_PLACE: Final = "account:"


@get(f"{SIGN_IN}/bank", include_in_schema=False)
async def go_to_account_bank(request: Request[Any, Any, Any]) -> Response[str]:
    """Out to the banks of a country. Nothing is written."""
    here = await here_of(request)
    country = request.query_params.get("country", "")
    wanted = own_path(request.query_params.get("next", ""))
    bank = here.house.banks.get(country)
    if bank is None:
        return here.lead_to(SIGN_IN)
    settings = here.house.settings
    text = templating.render_text("shopper/account_bank_text.txt", here.lang, operator=settings.operator.name)
    try:
        login = await bank.begin(settings.base_url + RETURN_PATH, here.lang, text.strip(), here.wall)
    except ProviderUnavailable as why:
        _log.warning("bank_unavailable", country=country, reason=why.reason)
        return await sign_in_page(here, notice="bank_unavailable", status=503)
    response = Response("", status_code=303, headers={"Location": login.url, "Cache-Control": "no-store"})
    response.cookies.append(login_cookie(here.house, f"{_PLACE}{country}:{wanted}", login))
    return here.sealed(response)


def is_ours(place: str) -> bool:
    """Whether a login was begun here and not in a purchase."""
    return place.startswith(_PLACE)


async def come_back(
    request: Request[Any, Any, Any], place: str, login: LoginRequest, brought: Mapping[str, str]
) -> Response[str]:
    """What the bank sent, posted from our own page."""
    here = await here_of(request)
    country, _, wanted = place.removeprefix(_PLACE).partition(":")
    bank = here.house.banks.get(country)
    form = Form({"next": wanted})
    if bank is None:
        # Its setting was taken away while somebody was there.
        return await sign_in_page(here, form, notice="bank_unavailable", status=503)
    try:
        identity = await bank.finish(brought, login, here.wall)
    except LoginCancelled:
        return await sign_in_page(here, form, notice="login_cancelled")
    except LoginExpired:
        return await sign_in_page(here, form, notice="login_expired", status=422)
    except LoginFailed as why:
        reference = login_reference(login)
        _log.warning("bank_login_refused", country=country, reason=why.reason, login=reference)
        return await sign_in_page(here, form, notice="login_failed", status=422)
    except ProviderUnavailable as why:
        _log.warning("bank_unavailable", country=country, reason=why.reason)
        return await sign_in_page(here, form, notice="bank_unavailable", status=503)
    ended = await sign_in_by_bank(here.arriving, identity)
    return await signed_in(here, ended, wanted, stranger="bank_stranger")
