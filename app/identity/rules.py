"""How one-time codes look and how long they live. Pure."""

from __future__ import annotations

import ipaddress
import secrets
import unicodedata
from dataclasses import dataclass
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
# Codes that were sent and that nobody typed: a shopper types theirs, who sprays numbers never does. A right code takes
# its send off these counts, so that a busy shop, or a whole network behind one block, never meets them.
UNANSWERED_PER_BROWSER_A_DAY: Final = 8
UNANSWERED_PER_BLOCK_AN_HOUR: Final = 60
UNANSWERED_PER_MERCHANT_AN_HOUR: Final = 300
UNANSWERED_PER_ROUTE_AN_HOUR: Final = 300
# Wrong codes, whatever phone they are typed for. One guess at each of ten thousand phones is as good as ten thousand at
# one, and no count of a phone sees it.
WRONG_CODES_A_MINUTE: Final = 200
WRONG_CODES_PER_BLOCK_AN_HOUR: Final = 100
MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400

_V4_BLOCK: Final = 24


@dataclass(frozen=True, slots=True)
class SmsBudget:
    """How many codes may leave in a day: for one shop, and for the operator in all. The operator's figures."""

    per_merchant_a_day: int = 2_000
    per_day: int = 20_000


def block_of(address: str) -> str:
    """The network that an address stands in for counting: the /24 of an IPv4 address; an IPv6 one comes as its /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(ipaddress.ip_network((address, _V4_BLOCK), strict=False))
    return address


def network_of(address: str) -> str:
    """The block of an address that tells one place from another: "" for a private or loopback one, behind which anybody
    may be, and for what is no address."""
    try:
        found = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return ""
    return "" if found.is_private or found.is_loopback or found.is_link_local else block_of(address)


def new_code() -> str:
    """Six digits from the system's generator: 20 bits, ASVS 6.5.3."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def read_code(text: str) -> str | None:
    """The six digits a person typed: spaces and hyphens are left out, and the digits of any script count, full-width
    and Arabic ones as well as ours. None when they are not six."""
    kept = (
        c for c in text if not c.isspace() and unicodedata.category(c) not in {"Cf", "Pd"} and c != "\u2212"
    )
    digits = [unicodedata.decimal(c, None) for c in kept]
    if len(digits) != CODE_DIGITS or None in digits:
        return None
    return "".join(map(str, digits))
