"""How one-time codes look and how long they live. Pure."""

from __future__ import annotations

import secrets
import unicodedata
from datetime import timedelta
from typing import Final

CODE_DIGITS: Final = 6
CODE_TRIES: Final = 5
# OWASP ASVS 5.0, 6.5.5: ten minutes at most. Five on the business clock; the wall clock keeps the outer bound, so that
# a business clock set back revives nothing.
CODE_LIFE: Final = timedelta(minutes=5)
CODE_LIFE_WALL: Final = timedelta(minutes=10)
RESEND_AFTER: Final = timedelta(seconds=60)
SENDING_MAY_TAKE: Final = timedelta(seconds=30)

SENDS_PER_PHONE_A_MINUTE: Final = 1
SENDS_PER_PHONE_A_DAY: Final = 5
SENDS_PER_SESSION: Final = 5
# A mobile network puts thousands of phones behind one address, so this one only stops machines.
SENDS_PER_ADDRESS_AN_HOUR: Final = 300
MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400


def new_code() -> str:
    """Six digits from the system's generator: 20 bits, ASVS 6.5.3."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def read_code(text: str) -> str | None:
    """The six digits a person typed, spaces, hyphens and full-width digits read right; None when they are not six."""
    plain = unicodedata.normalize("NFKC", text)
    digits = "".join(c for c in plain if not c.isspace() and c not in "-\u2010\u2011\u2012\u2013")
    if len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit():
        return digits
    return None
