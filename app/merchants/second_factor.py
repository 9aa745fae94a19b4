"""The second factor of staff: six digits from an authenticator app (TOTP, RFC 6238: SHA-1, 30 seconds).

Always by the wall clock: an app on a phone knows nothing of the business clock.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import datetime
from typing import Final

import pyotp

STEP_S: Final = 30
_ISSUER: Final = "Kolme"


def new_secret() -> str:
    """160 random bits in base32, as apps take them."""
    return pyotp.random_base32(length=32)


def enrolment_uri(secret: str, email: str) -> str:
    """The `otpauth://` address that an app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def matching_step(secret: str, code: str, at: datetime) -> int | None:
    """The time step whose code this is, at most one step beside `at`; else None.

    The caller refuses a step that was used before. Every candidate is compared, whichever matches.
    """
    digits = "".join(unicodedata.normalize("NFKC", code).split())
    totp = pyotp.TOTP(secret)
    now_step = int(at.timestamp()) // STEP_S
    found: int | None = None
    for step in (now_step - 1, now_step, now_step + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), digits.encode()):
            found = step
    return found
