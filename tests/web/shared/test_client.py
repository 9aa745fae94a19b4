"""Which address a request is counted under."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from litestar import Request

from app.web.shared.client import believed_address, client_address

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "believed"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "198.51.100.1", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", "unknown"),
    ],
)
def test_only_our_own_proxies_are_believed(peer: str, forwarded: str, believed: str) -> None:
    assert believed_address(peer, {"x-forwarded-for": forwarded}, OURS) == believed


def test_a_line_that_a_proxy_adds_behind_a_strangers_is_read_too() -> None:
    headers = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"198.51.100.1")]
    scope = {"type": "http", "client": ("10.0.0.1", 40_000), "headers": headers, "method": "GET", "path": "/"}
    assert client_address(Request(scope), OURS) == "198.51.100.1"  # type: ignore[arg-type]
