"""Assets are small, hashed, compressed once, and what is vendored is what was published."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re

import brotli
import httpx
import pytest
from litestar import Litestar

from app.web.shared.accent import DARK_SURFACE, LIGHT_SURFACE
from app.web.shared.errors import error_handler, refusal
from app.web.shared.security import Policy, Shield
from app.web.shared.static import (
    BUNDLES,
    STATIC_DIR,
    accepted_encodings,
    assets,
    inline_css,
    integrity,
    serve_static,
    small_css,
    static,
)


def client() -> httpx.AsyncClient:
    app = Litestar([serve_static], exception_handlers={Exception: error_handler({})}, openapi_config=None)
    shield = Shield(app, Policy(frozenset({"http://here"}), https=False), refusal)
    return httpx.AsyncClient(transport=httpx.ASGITransport(shield), base_url="http://here")


def test_a_name_changes_with_the_content() -> None:
    assert re.fullmatch(r"/static/js/flow\.[0-9a-f]{12}\.js", static("js/flow.js"))


def test_an_asset_that_does_not_exist_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        static("js/nothing.js")


def test_integrity_is_that_of_the_file() -> None:
    digest = hashlib.sha384((STATIC_DIR / "js" / "flow.js").read_bytes()).digest()

    assert integrity("js/flow.js") == "sha384-" + base64.b64encode(digest).decode()


def test_the_vendored_script_is_the_published_one() -> None:
    expected, name = (STATIC_DIR / "vendor" / "htmx-4.0.1.sha256").read_text().split()

    assert hashlib.sha256((STATIC_DIR / "vendor" / name).read_bytes()).hexdigest() == expected


def test_every_stylesheet_belongs_to_a_bundle() -> None:
    written = {path.stem for path in (STATIC_DIR / "css").glob("*.css")}

    assert written == {part for parts in BUNDLES.values() for part in parts}


def test_the_small_stylesheet_means_the_same() -> None:
    source = "/* why */\n.a  .b > c ,\n d:hover :focus { color : red ; margin: 0 -1px; }\n"

    assert small_css(source) == ".a .b>c,d:hover :focus{color :red;margin:0 -1px}"


def test_a_stylesheet_inside_a_page_cannot_end_its_element() -> None:
    assert "<" not in inline_css("css/flow.css")


def test_the_surfaces_that_the_accent_is_checked_against_are_those_of_the_tokens() -> None:
    tokens = (STATIC_DIR / "css" / "tokens.css").read_text()
    light, dark = tokens.split("@media (prefers-color-scheme: dark)")

    assert f"--page: {LIGHT_SURFACE}" in light
    assert f"--card: {DARK_SURFACE}" in dark


@pytest.mark.parametrize(
    ("accept", "encoding"), [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("", None)]
)
async def test_an_asset_is_sent_in_the_smallest_form_the_client_takes(
    accept: str, encoding: str | None
) -> None:
    async with (
        client() as browser,
        browser.stream("GET", static("js/flow.js"), headers={"Accept-Encoding": accept}) as answer,
    ):
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers.get("content-encoding") == encoding
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert unpack(raw) == (STATIC_DIR / "js" / "flow.js").read_bytes()
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path", ["/static/js/flow.js", "/static/../app/main.py", "/static/js/%2e%2e/css/flow.css", "/static/"]
)
async def test_only_a_whole_hashed_name_is_served(path: str) -> None:
    async with client() as browser:
        assert (await browser.get(path)).status_code == 404


def test_a_weight_of_zero_is_a_refusal() -> None:
    assert accepted_encodings("br;q=0, gzip;q=0.5, deflate") == {"gzip", "deflate"}


def test_no_script_of_ours_keeps_anything_in_the_browser_or_evaluates_text() -> None:
    for path in (STATIC_DIR / "js").glob("*.js"):
        text = path.read_text()
        for forbidden in (
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "eval(",
            "innerHTML",
            "Function(",
        ):
            assert forbidden not in text, (path.name, forbidden)


def test_the_assets_are_read_once() -> None:
    assert assets() is assets()
