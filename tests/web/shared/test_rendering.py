"""One handler, two answers: the piece for htmx and the page for everyone else."""

from __future__ import annotations

import json
from typing import Any

import brotli
import httpx
import pytest
from litestar import Litestar, Request, Response, get, post

from app.web.shared.compression import Compressed
from app.web.shared.errors import error_handler, refusal
from app.web.shared.language import choose
from app.web.shared.rendering import page, redirect
from app.web.shared.security import FORM_TYPE, Policy, Shield
from tools.flow_samples import samples

HTMX = {"HX-Request": "true"}
OURS = {"Sec-Fetch-Site": "same-origin", "Content-Type": FORM_TYPE}


def sample_page(request: Request[Any, Any, Any], **more: Any) -> Response[str]:
    sample = samples("en")["method"]
    return page(request, sample.template, sample.partial, sample.context, **more)


@get("/step", sync_to_thread=False)
def step(request: Request[Any, Any, Any]) -> Response[str]:
    return sample_page(request)


@post("/step", sync_to_thread=False)
def refused(request: Request[Any, Any, Any]) -> Response[str]:
    return sample_page(request, status=422, push_url="/step")


@post("/on", sync_to_thread=False)
def on(request: Request[Any, Any, Any]) -> Response[str]:
    return redirect(request, "/step")


@post("/away", sync_to_thread=False)
def away(request: Request[Any, Any, Any]) -> Response[str]:
    return redirect(request, "/admin", leave=True)


def client() -> httpx.AsyncClient:
    app = Litestar(
        [step, refused, on, away], exception_handlers={Exception: error_handler({})}, openapi_config=None
    )
    shield = Shield(app, Policy(frozenset({"http://here"}), https=False), refusal)
    return httpx.AsyncClient(transport=httpx.ASGITransport(Compressed(shield)), base_url="http://here")


async def test_a_browser_gets_the_whole_page_and_htmx_the_step() -> None:
    async with client() as browser:
        whole, piece = await browser.get("/step"), await browser.get("/step", headers=HTMX)

    assert whole.text.startswith("<!doctype html>")
    assert piece.text.lstrip().startswith('<section id="step"')
    assert piece.text.count("<section id=") == whole.text.count("<section id=") == 1


async def test_a_restore_of_history_is_a_reload() -> None:
    async with client() as browser:
        answer = await browser.get("/step", headers=HTMX | {"HX-History-Restore-Request": "true"})

    assert answer.text.startswith("<!doctype html>")


async def test_pages_of_the_flow_are_stored_nowhere_and_told_apart_by_caches() -> None:
    async with client() as browser:
        answer = await browser.get("/step")

    assert answer.headers["cache-control"] == "no-store"
    assert "HX-Request" in answer.headers["vary"]
    assert answer.headers["content-language"] == "en"


async def test_the_nonce_of_the_page_is_the_one_its_policy_allows() -> None:
    async with client() as browser:
        answer = await browser.get("/step")

    nonce = answer.text.split('<style nonce="')[1].split('"')[0]
    assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]


async def test_a_redrawn_form_is_422_and_the_address_is_pushed_for_htmx_alone() -> None:
    async with client() as browser:
        plain, swapped = (
            await browser.post("/step", headers=OURS),
            await browser.post("/step", headers=OURS | HTMX),
        )

    assert (plain.status_code, swapped.status_code) == (422, 422)
    assert "hx-push-url" not in plain.headers
    assert swapped.headers["hx-push-url"] == "/step"


async def test_a_redirect_is_one_that_the_asker_follows() -> None:
    async with client() as browser:
        plain = await browser.post("/on", headers=OURS)
        swapped = await browser.post("/on", headers=OURS | HTMX)
        left = await browser.post("/away", headers=OURS | HTMX)

    assert (plain.status_code, plain.headers["location"]) == (303, "/step")
    assert json.loads(swapped.headers["hx-location"]) == {
        "path": "/step",
        "target": "#step",
        "swap": "outerHTML",
    }
    assert left.headers["hx-redirect"] == "/admin"


@pytest.mark.parametrize(("accept", "encoding"), [("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)])
async def test_a_page_is_compressed_as_the_client_takes_it(accept: str, encoding: str | None) -> None:
    async with client() as browser:
        answer = await browser.get("/step", headers={"Accept-Encoding": accept})

    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"].endswith("Accept-Encoding")
    assert "How do you want to pay?" in answer.text


async def test_the_length_that_is_told_is_the_length_that_is_sent() -> None:
    async with (
        client() as browser,
        browser.stream("GET", "/step", headers={"Accept-Encoding": "br"}) as answer,
    ):
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert int(answer.headers["content-length"]) == len(raw)
    assert brotli.decompress(raw).startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("wishes", "accept", "default", "lang"),
    [
        (("fi", "sv"), "en", "da", "fi"),
        ((None, None, "sv-SE"), "en", "da", "sv"),
        ((None, "xx"), "da-DK", "fi", "da"),
        ((), "de", "bg", "bg"),
        ((), "", None, "en"),
    ],
)
def test_the_language_is_the_first_wish_that_can_be_met(
    wishes: tuple[str | None, ...], accept: str, default: str | None, lang: str
) -> None:
    assert choose(*wishes, accept_language=accept, merchant_default=default) == lang
