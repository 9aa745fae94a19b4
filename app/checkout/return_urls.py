"""Where a shopper may be sent back to. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import Final, Literal
from urllib.parse import urlsplit

ReturnUrlFault = Literal["too_long", "malformed", "not_absolute", "userinfo", "not_https", "host_not_allowed"]

URL_LENGTH_MAX: Final = 2048
_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?", re.ASCII
)
# What stands in an address as it is; everything else comes percent-encoded. A backslash is a slash to browsers, and
# control characters vanish in them, so neither may stand here.
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+", re.ASCII)


def return_url_fault(url: str, *, live: bool, return_hosts: Collection[str]) -> ReturnUrlFault | None:
    """What keeps `url` from being a return address, or None.

    Absolute http or https, a host, no user name or password, nothing but the characters of RFC 3986. Live mode asks
    for https and for a host among `return_hosts` (small letters, no port); test mode takes any host.
    """
    if len(url) > URL_LENGTH_MAX:
        return "too_long"
    try:
        parts = urlsplit(url)
        host, _port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "malformed"
    if not _CHARACTERS.fullmatch(url):
        return "malformed"
    if parts.scheme not in {"http", "https"} or not url[len(parts.scheme) :].startswith("://") or not host:
        return "not_absolute"
    if "@" in parts.netloc:
        return "userinfo"
    if not _is_host(host):
        return "malformed"
    return _live_fault(parts.scheme, host, return_hosts) if live else None


def _live_fault(scheme: str, host: str, return_hosts: Collection[str]) -> ReturnUrlFault | None:
    if scheme != "https":
        return "not_https"
    return None if host in return_hosts else "host_not_allowed"


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return bool(ipaddress.IPv6Address(host))
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None
