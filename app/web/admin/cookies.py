"""The cookie of a staff session.

It holds the session's token and the time it was last seen, signed. So idle time needs no write: each answer of a
session in use renews the cookie, and one that was left alone for half an hour opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from litestar.datastructures import Cookie

from app.kernel.keys import process_keyring

if TYPE_CHECKING:
    from litestar import Request

IDLE_S: Final = 30 * 60
# Seen this recently, a cookie is good as it is: pages that load together do not each set one.
RENEW_AFTER_S: Final = 60

_NAME: Final = "kolme_staff"
_PURPOSE: Final = "staff.cookie"


@dataclass(frozen=True, slots=True)
class Presented:
    """What a browser brought, in time."""

    token: str
    seen_at: datetime

    def due_for_renewal(self, at: datetime) -> bool:
        return at - self.seen_at >= timedelta(seconds=RENEW_AFTER_S)


def cookie_name(*, https: bool) -> str:
    """With the prefix, browsers take it only when it is Secure and of this very host; plain http has no Secure."""
    return f"__Host-{_NAME}" if https else _NAME


def read(request: Request[Any, Any, Any], at: datetime, *, https: bool) -> Presented | None:
    """The session that the browser names, or None: no cookie, not signed by us, or idle for too long."""
    text = request.cookies.get(cookie_name(https=https))
    payload = process_keyring().unsign(_PURPOSE, text) if text else None
    if payload is None:
        return None
    token, _, seen = payload.decode().partition(" ")
    presented = Presented(token, datetime.fromtimestamp(int(seen), tz=UTC))
    return presented if at - presented.seen_at < timedelta(seconds=IDLE_S) else None


def cookie_for(token: str, at: datetime, expires_at: datetime, *, https: bool) -> Cookie:
    """Seen now. Lax and not Strict, so that a link to an order in an e-mail finds the session."""
    payload = f"{token} {int(at.timestamp())}".encode()
    left_s = int((expires_at - at).total_seconds())
    return _cookie(process_keyring().sign(_PURPOSE, payload), max(1, min(IDLE_S, left_s)), https=https)


def no_cookie(*, https: bool) -> Cookie:
    """Takes the cookie away."""
    return _cookie("", 0, https=https)


def _cookie(value: str, max_age_s: int, *, https: bool) -> Cookie:
    return Cookie(
        key=cookie_name(https=https),
        value=value,
        max_age=max_age_s,
        path="/",
        secure=https,
        httponly=True,
        samesite="lax",
    )
