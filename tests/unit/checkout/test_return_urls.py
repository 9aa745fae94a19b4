"""Where a shopper may be sent back to."""

from __future__ import annotations

import pytest

from app.checkout.return_urls import return_url_fault

HOSTS = ("shop.example", "www.shop.example")


@pytest.mark.parametrize(
    ("url", "live", "test"),
    [
        ("https://shop.example/thanks?order=1#top", None, None),
        ("https://SHOP.example/", None, None),
        ("https://shop.example:8443/", None, None),
        ("https://www.shop.example", None, None),
        ("http://shop.example/", "not_https", None),
        ("http://localhost:8000/demo", "not_https", None),
        ("http://127.0.0.1:8000/demo", "not_https", None),
        ("http://[::1]:8000/demo", "not_https", None),
        ("https://evil.example/", "host_not_allowed", None),
        ("https://shop.example.evil.example/", "host_not_allowed", None),
        ("https://notshop.example/", "host_not_allowed", None),
        ("https://shop.example./", "host_not_allowed", None),
        ("javascript:alert(1)", "not_absolute", "not_absolute"),
        ("JaVaScRiPt://shop.example/%0aalert(1)", "not_absolute", "not_absolute"),
        ("data:text/html,x", "not_absolute", "not_absolute"),
        ("//evil.example", "not_absolute", "not_absolute"),
        ("/thanks", "not_absolute", "not_absolute"),
        ("shop.example/thanks", "not_absolute", "not_absolute"),
        ("https:/shop.example", "not_absolute", "not_absolute"),
        ("https:shop.example", "not_absolute", "not_absolute"),
        ("https://", "not_absolute", "not_absolute"),
        ("", "malformed", "malformed"),
        ("https://shop.example@evil.example/", "userinfo", "userinfo"),
        ("https://user:secret@shop.example/", "userinfo", "userinfo"),
        ("https://@shop.example/", "userinfo", "userinfo"),
        ("https://shop.example\\@evil.example/", "malformed", "malformed"),
        ("https://evil.example\\.shop.example/", "malformed", "malformed"),
        ("https://shop.example/\r\nLocation: https://evil.example", "malformed", "malformed"),
        ("https://shop.example/\t", "malformed", "malformed"),
        (" https://shop.example/", "malformed", "malformed"),
        ("https://shop.example/\u00e4", "malformed", "malformed"),
        ("https://shop.example/<script>", "malformed", "malformed"),
        ("https://shop..example/", "malformed", "malformed"),
        ("https://-shop.example/", "malformed", "malformed"),
        ("https://shop.example:99999/", "malformed", "malformed"),
        ("https://[::1/", "malformed", "malformed"),
        ("https://[zz]/", "malformed", "malformed"),
        ("https://shop.example/" + "x" * 2048, "too_long", "too_long"),
    ],
)
def test_a_return_address_is_absolute_plain_and_in_live_mode_the_merchants_own(
    url: str, live: str | None, test: str | None
) -> None:
    assert return_url_fault(url, live=True, return_hosts=HOSTS) == live
    assert return_url_fault(url, live=False, return_hosts=HOSTS) == test
