"""Whether a call is MobilePay's own: the signature over its date, its address and a digest of its body.

Source: the Webhooks API's page on request authentication. Signed are three lines' worth of text,

    POST
    /callbacks/mobilepay
    <x-ms-date>;<host>;<base64 of the body's SHA-256>

with HMAC-SHA256, whose key is the registration's secret as text (not the bytes that it may encode).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from app.payments.errors import CallbackForged

# As old, or as far ahead of our clock, as a call may be. One that is refused is only a reason to ask that is lost.
AGE_MAX: Final = timedelta(minutes=5)

_SCHEME: Final = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="


def check_signature(
    headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], host: str, path: str, wall: datetime
) -> None:
    """`headers` in any case; `path` with its query. Raises CallbackForged."""
    found = {name.lower(): value for name, value in headers.items()}
    date, content = found.get("x-ms-date", ""), found.get("x-ms-content-sha256", "")
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if not _same(content, digest) or not _is_now(date, wall):
        raise CallbackForged
    text = f"POST\n{path}\n{date};{host};{digest}".encode()
    told = found.get("authorization", "")
    # Every secret is tried, so that the time taken tells nothing of which one fits.
    fits = [_same(told, _SCHEME + _signature(text, secret)) for secret in secrets]
    if not any(fits):
        raise CallbackForged


def _signature(text: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _is_now(date: str, wall: datetime) -> bool:
    try:
        signed_at = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return False
    return signed_at.tzinfo is not None and abs(wall - signed_at) <= AGE_MAX
