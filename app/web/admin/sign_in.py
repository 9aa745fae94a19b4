"""Signing in and out. Whatever is wrong, the page says the same; only waiting has words of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.status_codes import HTTP_200_OK

from app.kernel import clock
from app.kernel.limits import LimitReached
from app.merchants import actions
from app.merchants.errors import SignInRefused
from app.merchants.queries import staff_of_session
from app.web.admin import cookies
from app.web.admin.access import FIRST_PAGES, HOME, SIGN_IN, is_https, own_path, settings_of, visitor_of
from app.web.admin.pages import LANGUAGE_NAMES, keep_language
from app.web.shared import forms, language, rendering
from app.web.shared.client import client_address

# Takes with it what the browser kept of the pages: their copies, and whatever a page had stored.
CLEAR_SITE_DATA: Final = '"cache", "storage"'


@get("/sign-in", name="admin:sign-in:form")
async def sign_in_form(request: Request[Any, Any, Any]) -> Response[str]:
    wanted = own_path(request.query_params.get("next", HOME))
    if await visitor_of(request) is not None:
        return rendering.redirect(request, wanted, leave=True)
    return _form(request, wanted)


@post("/sign-in", name="admin:sign-in", status_code=HTTP_200_OK)
async def sign_in(request: Request[Any, Any, Any]) -> Response[str]:
    fields = forms.parse_lists(await request.body())
    typed = {name: fields.get(name, [""])[0] for name in ("email", "password", "code", "next")}
    wanted, email = own_path(typed["next"]), forms.clean(typed["email"])
    settings, at = settings_of(request), clock.wall()
    https = is_https(settings)
    presented = cookies.read(request, at, https=https)
    try:
        signed_in = await actions.sign_in(
            email,
            typed["password"],
            typed["code"],
            address=client_address(request, settings.trusted_proxies),
            replaces=presented.token if presented is not None else None,
            at=at,
        )
    except SignInRefused:
        return _form(request, wanted, email=email, refused=True, status=422)
    except LimitReached as reached:
        return _form(request, wanted, email=email, wait_s=reached.resets_in_s, status=429)
    if wanted == HOME:
        wanted = await _first_page(signed_in.token, at)
    response = rendering.redirect(request, wanted, leave=True)
    response.set_cookie(cookies.cookie_for(signed_in.token, at, signed_in.expires_at, https=https))
    return response


@post("/sign-out", name="admin:sign-out", status_code=HTTP_200_OK)
async def sign_out(request: Request[Any, Any, Any]) -> Response[str]:
    at, https = clock.wall(), is_https(settings_of(request))
    presented = cookies.read(request, at, https=https)
    if presented is not None:
        await actions.sign_out(presented.token, at=at)
    response = rendering.redirect(request, SIGN_IN, leave=True)
    response.set_cookie(cookies.no_cookie(https=https))
    response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


async def _first_page(token: str, at: datetime) -> str:
    staff = await staff_of_session(token, at)
    return HOME if staff is None else FIRST_PAGES.get(staff.role, HOME)


def _form(
    request: Request[Any, Any, Any],
    wanted: str,
    *,
    email: str = "",
    refused: bool = False,
    wait_s: int = 0,
    status: int = HTTP_200_OK,
) -> Response[str]:
    context = {
        "lang": language.language_of(request),
        "languages": LANGUAGE_NAMES,
        "is_test": settings_of(request).is_test,
        "next": wanted,
        "email": email,
        "refused": refused,
        "wait_s": wait_s,
        "accent": None,
    }
    headers = {"Retry-After": str(wait_s)} if wait_s else {}
    response = rendering.page(
        request, "admin/sign_in.html", "admin/_sign_in.html", context, status=status, headers=headers
    )
    keep_language(request, response)
    return response
