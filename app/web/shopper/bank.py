"""Step 2 by bank: out with a GET that writes nothing, back to a page that posts from our own origin.

What ties the return to this browser (state, nonce, verifier) waits in a sealed, short-lived cookie (`bank_cookie`).
Whoever signs in to see their purchases comes back the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from litestar import MediaType, Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.checkout.actions import identify_by_bank
from app.checkout.errors import OtherPerson, SessionEnded, StepNotReached
from app.checkout.steps import Page, may_see
from app.identity.errors import LoginCancelled, LoginExpired, LoginFailed, ProviderUnavailable
from app.identity.ports import LoginRequest, login_reference
from app.kernel import templating
from app.web.shared import rendering
from app.web.shared.doors import house_of
from app.web.shared.forms import parse
from app.web.shared.language import language_of
from app.web.shopper import account_bank
from app.web.shopper.bank_cookie import login_cookie, no_login_cookie, read_login
from app.web.shopper.deciding import decide_if_identified
from app.web.shopper.pages import identify_page, page_now
from app.web.shopper.views import BankReturnView
from app.web.shopper.visit import Visit, visit

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = structlog.get_logger("web.bank")

RETURN_PATH: Final = "/bank/return"
KEYS_PATH: Final = "/.well-known/jwks.json"
# What a provider may send back: https://openid.net/specs/openid-connect-core-1_0.html#AuthResponse and RFC 9207.
_RETURNED: Final = ("code", "state", "error", "iss")


@get("/pay/{session_id:str}/bank", include_in_schema=False)
async def go_to_bank(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    here = await visit(request, session_id)
    bank = here.house.banks.get(here.flow.country)
    if bank is None or not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
        return await page_now(here)
    return_url = here.house.settings.base_url + RETURN_PATH
    try:
        login = await bank.begin(return_url, here.lang, _approved_text(here), here.wall)
    except ProviderUnavailable as why:
        _log.warning("bank_unavailable", country=here.flow.country, reason=why.reason)
        return identify_page(here, notice="bank_unavailable", status=503)
    response = Response("", status_code=303, headers={"Location": login.url, "Cache-Control": "no-store"})
    response.cookies.append(login_cookie(here.house, here.flow.public_id, login))
    return here.sealed(response)


@get(KEYS_PATH, include_in_schema=False)
async def show_public_keys(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The JWK set that banks register us by: what we sign with, and what they encrypt to."""
    body = msgspec.json.encode(house_of(request).public_keys)
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(body, media_type=MediaType.JSON, headers=headers)


@get(RETURN_PATH, include_in_schema=False)
async def show_return(request: Request[Any, Any, Any]) -> Response[str]:
    """The bank's GET writes nothing: the page it lands on posts what it brought."""
    lang = language_of(request)
    given = {name: request.query_params.getall(name, []) for name in _RETURNED}
    brought = {name: values[0] for name, values in given.items() if values}
    if "state" not in brought or any(len(values) > 1 for values in given.values()):
        raise NotFoundException
    view = BankReturnView(RETURN_PATH, brought)
    return rendering.page(
        request, "shopper/bank_return.html", "shopper/bank_return.html", {"lang": lang, "bank_return": view}
    )


@post(RETURN_PATH, include_in_schema=False, status_code=200)
async def return_from_bank(request: Request[Any, Any, Any]) -> Response[str]:
    waiting = read_login(request)
    if waiting is None:
        return _lost_page(request)
    place, login = waiting
    brought = {name: value for name, value in parse(await request.body()).values.items() if value}
    if account_bank.is_ours(place):
        response = await account_bank.come_back(request, place, login, brought)
    else:
        here = await visit(request, place)
        if not may_see(Page.IDENTIFY, here.flow.state, here.flow.progress):
            return await page_now(here)
        response = await _identify(here, login, brought)
    response.cookies.append(no_login_cookie(house_of(request)))
    return response


async def _identify(here: Visit, login: LoginRequest, brought: Mapping[str, str]) -> Response[str]:
    bank = here.house.banks.get(here.flow.country)
    if bank is None:
        # Its setting was taken away while somebody was there.
        return identify_page(here, notice="bank_unavailable", status=503)
    try:
        identity = await bank.finish(brought, login, here.wall)
        identified = await identify_by_bank(here.flow, identity, here.browser, here.wall)
    except LoginCancelled:
        return identify_page(here, notice="login_cancelled")
    except LoginExpired:
        return identify_page(here, notice="login_expired", status=422)
    except OtherPerson:
        return identify_page(here, notice="other_person", status=422)
    except LoginFailed as why:
        _log.warning(
            "bank_login_refused",
            country=here.flow.country,
            reason=why.reason,
            login=login_reference(login),
        )
        return identify_page(here, notice="login_failed", status=422)
    except ProviderUnavailable as why:
        _log.warning("bank_unavailable", country=here.flow.country, reason=why.reason)
        return identify_page(here, notice="bank_unavailable", status=503)
    except (SessionEnded, StepNotReached):
        return await page_now(await here.again())
    return await page_now(await decide_if_identified(await here.identified(identified)))


def _approved_text(here: Visit) -> str:
    """What the person approves, for banks that show it in their own app: the sum first, so that a long name of a shop
    never hides it."""
    shop, lang = here.flow.merchant.name, here.lang
    return templating.render_text("shopper/bank_text.txt", lang, shop=shop, amount=here.flow.total).strip()


def _lost_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Another browser than the one that went to the bank, or one that has been there for hours: whose purchase this is
    cannot be told from what the bank sent."""
    context = {"lang": language_of(request)}
    return rendering.page(request, "shopper/bank_lost.html", "shopper/bank_lost.html", context, status=404)
