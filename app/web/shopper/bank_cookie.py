"""What waits in a browser while somebody is at their bank: where they come back to, and what ties the answer to it."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from litestar.datastructures import Cookie

from app.identity.ports import LoginRequest, pack_login_request, unpack_login_request
from app.kernel.keys import SealBroken, process_keyring
from app.web.shared.doors import House, house_of
from app.web.shopper.visit import cookie_name, is_https

if TYPE_CHECKING:
    from litestar import Request

_COOKIE: Final = "kolme_bank"
_PURPOSE: Final = "bank-login"
# Longer than any login is good for, so that whoever comes back too late is told so on their own page.
_LIFE_S: Final = 2 * 3600


def login_cookie(house: House, place: str, login: LoginRequest) -> Cookie:
    """`place` is the session that is paid, or what else the login is for; a text without spaces."""
    plain = place.encode() + b" " + pack_login_request(login)
    sealed = base64.urlsafe_b64encode(process_keyring().seal(_PURPOSE, plain)).decode()
    return _cookie(sealed, _LIFE_S, https=is_https(house))


def no_login_cookie(house: House) -> Cookie:
    return _cookie("", 0, https=is_https(house))


def read_login(request: Request[Any, Any, Any]) -> tuple[str, LoginRequest] | None:
    """The place and the login; None for another browser, or one that has been there for hours."""
    text = request.cookies.get(cookie_name(_COOKIE, https=is_https(house_of(request))))
    if not text:
        return None
    try:
        plain = process_keyring().open(_PURPOSE, base64.urlsafe_b64decode(text.encode()))
    except (SealBroken, binascii.Error, ValueError):
        return None
    place, _, packed = plain.partition(b" ")
    login = unpack_login_request(packed)
    return None if login is None else (place.decode(), login)


def _cookie(value: str, life_s: int, *, https: bool) -> Cookie:
    return Cookie(
        key=cookie_name(_COOKIE, https=https),
        value=value,
        max_age=life_s,
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )
