"""Where a request came from, as far as it can be believed. Limits count by it; nothing is granted by it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from litestar import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# One household or one rented machine holds a whole /64, so its single addresses mean nothing.
_IPV6_PREFIX: Final = 64
_HOPS_MAX: Final = 10


def client_address(request: Request[Any, Any, Any], trusted_proxies: Sequence[Network]) -> str:
    """The client's address as text to count by: an IPv4 address, or the /64 network of an IPv6 one."""
    peer = request.client.host if request.client is not None else ""
    # A proxy may add a line of its own behind one that came from outside: they are one list.
    forwarded = ",".join(request.headers.getall("x-forwarded-for", []))
    return believed_address(peer, {"x-forwarded-for": forwarded}, trusted_proxies)


def believed_address(peer: str, headers: Mapping[str, str], trusted_proxies: Sequence[Network]) -> str:
    """Starts at the peer and steps back through X-Forwarded-For for as long as the hop before is one of ours.

    What stands further left was written by strangers and is not read.
    """
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    address = _parsed(peer)
    for hop in list(reversed(hops))[:_HOPS_MAX]:
        if address is None or not any(address in network for network in trusted_proxies):
            break
        address = _parsed(hop) or address
    if address is None:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
