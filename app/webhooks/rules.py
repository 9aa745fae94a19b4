"""Which addresses webhooks may go to, and when a failed delivery is tried again. Pure."""

from __future__ import annotations

import ipaddress
import random
import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
UrlFault = Literal["malformed", "not_https", "port_not_allowed", "private_address"]

HTTPS_PORT: Final = 443

# Before the n-th try, counted from the failure of the one before; after the last the delivery is given up.
WAITS_S: Final = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER: Final = 0.1
RETRY_AFTER_MAX_S: Final = 86_400

# What `is_global` calls public and what still leads back inside: tunnels that carry an IPv4 address, multicast aside.
_TUNNELS: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10", "192.0.0.0/24")
)
# A name that ends in a number is read as an IPv4 address by resolvers, in octal and hexadecimal too.
_NUMERIC_NAME: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and to nothing in front of or behind it."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address.version == tunnel.version and address in tunnel for tunnel in _TUNNELS):
        return False
    return address.is_global and not address.is_multicast


def may_connect(address: Address, *, allow_loopback: bool) -> bool:
    """Asked of the very address that is about to be connected to."""
    return is_public(address) or (allow_loopback and address.is_loopback)


def url_fault(url: str, *, any_port: bool, allow_loopback: bool) -> UrlFault | None:
    """What keeps a well-formed `url` from being an endpoint, as far as its spelling tells, or None.

    Names are judged later, by the address they resolve to. Plain http is for loopback alone, where it is allowed.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "malformed"
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return "malformed"
    address = _literal(host)
    if address is None and _NUMERIC_NAME.fullmatch(host):
        return "malformed"
    loopback = _names_loopback(host, address)
    if loopback and not allow_loopback:
        return "private_address"
    if address is not None and not may_connect(address, allow_loopback=allow_loopback):
        return "private_address"
    if parts.scheme == "http" and not loopback:
        return "not_https"
    if not any_port and (port or HTTPS_PORT) != HTTPS_PORT:
        return "port_not_allowed"
    return None


def _names_loopback(host: str, address: Address | None) -> bool:
    if address is not None:
        return address.is_loopback
    return host.rstrip(".") == "localhost" or host.rstrip(".").endswith(".localhost")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def next_try(attempt: int, now: datetime, *, retry_after_s: int | None = None) -> datetime | None:
    """When to try again after the `attempt`-th try failed, or None to give up. `retry_after_s` is the receiver's wish.

    The wish may only put the next try off, and by a day at most. Up to a tenth is added, so that deliveries that
    failed together do not come back together.
    """
    if attempt >= len(WAITS_S):
        return None
    wait_s = max(float(WAITS_S[attempt]), float(min(retry_after_s or 0, RETRY_AFTER_MAX_S)))
    return now + timedelta(seconds=wait_s * (1 + JITTER * random.random()))  # noqa: S311 - spreads load, keeps no secret


def retry_after_s(header: str | None, now: datetime) -> int | None:
    """A Retry-After header as seconds from `now` (wall time); None for none, one in the past, or one we cannot read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), RETRY_AFTER_MAX_S)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    wait_s = (at - now).total_seconds()
    return min(int(wait_s) + 1, RETRY_AFTER_MAX_S) if wait_s > 0 else None
