"""What the outermost wrapper refuses, and what it puts on every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Response, get, post

from app.web.shared.errors import error_handler, refusal
from app.web.shared.problems import RefusedRequest
from app.web.shared.security import (
    FORM_TYPE,
    Policy,
    Shield,
    body_limit,
    check_body,
    check_request,
    comes_from_here,
    content_security_policy,
    own_origin,
    security_headers,
)

HERE = "https://pay.example.com"
POLICY = Policy(
    origins=frozenset({HERE}),
    https=True,
    machine_paths=("/api/", "/sandbox/bank/token"),
    bearer_paths=("/sandbox/",),
)
OURS = {"sec-fetch-site": "same-origin", "content-type": FORM_TYPE}
ALWAYS = (
    "content-security-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "permissions-policy",
    "referrer-policy", "x-content-type-options", "strict-transport-security",
)  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": HERE},
    ],
)
def test_our_own_pages_and_the_shopper_s_hand_are_let_in(headers: dict[str, str]) -> None:
    assert comes_from_here(headers, POLICY.origins)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": HERE},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": HERE + ".evil.example"},
        {},
    ],
)
def test_everyone_else_is_refused_on_every_unsafe_method(headers: dict[str, str]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        with pytest.raises(RefusedRequest) as refused:
            check_request(method, "/pay/cs_x/confirm", headers | {"content-type": FORM_TYPE}, POLICY)
        assert (refused.value.status, refused.value.code) == (403, "cross_origin")
    check_request("GET", "/pay/cs_x", headers, POLICY)


@pytest.mark.parametrize(
    ("path", "headers", "refused"),
    [
        ("/api/v1/sessions", {}, False),
        ("/api", {}, True),
        ("/api-evil", {}, True),
        ("/sandbox/bank/token", {}, False),
        ("/sandbox/bank/token/more", {}, True),
        ("/sandbox/clock", {"authorization": "Bearer sk_test_x"}, False),
        ("/sandbox/clock", {"authorization": "Basic x"}, True),
        ("/sandbox/clock", {}, True),
        ("/admin/api/v1", {}, True),
    ],
)
def test_only_calls_of_programs_need_no_proof_of_origin(
    path: str, headers: dict[str, str], *, refused: bool
) -> None:
    if not refused:
        check_request("POST", path, headers, POLICY)
        return
    with pytest.raises(RefusedRequest, match="cross_origin"):
        check_request("POST", path, headers, POLICY)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain"])
def test_a_browser_route_takes_plain_forms_only(kind: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        check_request("POST", "/pay/cs_x", OURS | {"content-type": kind}, POLICY)

    assert refused.value.status == 415


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_with_a_nul_leads_nowhere(method: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        check_request(method, "/purchases/ord_\0", OURS, POLICY)

    assert refused.value.status == 404


def test_a_declared_length_beyond_the_limit_is_refused_before_reading() -> None:
    for path in ("/pay/cs_x", "/api/v1/sessions"):
        limit = body_limit(path)
        check_request("POST", path, OURS | {"content-length": str(limit)}, POLICY)
        with pytest.raises(RefusedRequest, match="body_too_large"):
            check_request("POST", path, OURS | {"content-length": str(limit + 1)}, POLICY)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a=1&a=2", "duplicate_field"),
        (b"&".join(b"f%d=1" % n for n in range(101)), "too_many_fields"),
        (b"a=%00", "nul"),
        (b"a=%ff", "not_utf8"),
        (b"a%0ab=1", "bad_field_name"),
    ],
)
def test_a_form_that_no_page_of_ours_sends_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(RefusedRequest) as refused:
        check_body(body, {"content-type": FORM_TYPE})

    assert (refused.value.status, refused.value.code) == (400, code)


def test_the_policy_allows_our_own_files_and_this_answer_s_nonce_alone() -> None:
    policy = content_security_policy("abc")

    assert policy.startswith("default-src 'none'; script-src 'self' 'nonce-abc'; style-src 'nonce-abc';")
    for forbidden in ("unsafe", "*", "http:", "https:"):
        assert forbidden not in policy
    assert "frame-ancestors 'none'" in policy


def test_strict_transport_security_is_for_https_alone() -> None:
    assert "strict-transport-security" in security_headers("n", https=True)
    assert "strict-transport-security" not in security_headers("n", https=False)


def test_our_origin_is_scheme_host_and_port() -> None:
    assert own_origin("http://localhost:8000/") == "http://localhost:8000"


def protected_app() -> Shield:
    @get("/page", sync_to_thread=False)
    def page(request: Request[Any, Any, Any]) -> str:
        return str(request.scope["state"]["csp_nonce"])

    @get("/broken", sync_to_thread=False)
    def broken() -> None:
        raise RuntimeError("secret detail")

    @get("/own", sync_to_thread=False)
    def own() -> Response[str]:
        return Response("x", headers={"Cross-Origin-Resource-Policy": "cross-origin"})

    @post("/form", status_code=200)
    async def form(request: Request[Any, Any, Any]) -> str:
        return (await request.body()).decode()

    app = Litestar(
        [page, broken, own, form], exception_handlers={Exception: error_handler({})}, openapi_config=None
    )
    return Shield(app, POLICY, refusal)


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(protected_app()), base_url=HERE)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/page", {}, 200),
        ("GET", "/missing", {}, 404),
        ("GET", "/api/missing", {}, 404),
        ("PUT", "/page", OURS, 405),
        ("TRACE", "/page", {}, 405),
        ("GET", "/broken", {}, 500),
        ("POST", "/form", {"content-type": FORM_TYPE}, 403),
        ("POST", "/form", OURS | {"content-type": "multipart/form-data; boundary=x"}, 415),
    ],
)
async def test_every_answer_carries_the_security_headers(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with client() as browser:
        answer = await browser.request(method, path, headers=headers)

    assert answer.status_code == status
    for name in ALWAYS:
        assert answer.headers.get_list(name) != [], name
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


async def test_each_answer_has_a_nonce_of_its_own_and_the_page_knows_it() -> None:
    async with client() as browser:
        first, second = await browser.get("/page"), await browser.get("/page")

    assert first.text != second.text
    assert f"'nonce-{first.text}'" in first.headers["content-security-policy"]


async def test_a_handler_s_own_header_is_kept_and_not_doubled() -> None:
    async with client() as browser:
        answer = await browser.get("/own")

    assert answer.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]


async def test_a_body_that_was_checked_still_reaches_the_handler() -> None:
    async with client() as browser:
        answer = await browser.post("/form", content=b"a=1&b=%C3%A4", headers=OURS)

    assert answer.text == "a=1&b=%C3%A4"


async def test_a_streamed_body_beyond_the_limit_is_refused() -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1024

    async with client() as browser:
        answer = await browser.post("/form", content=stream(), headers=OURS)

    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"a=1&a=2", b"a=%00"])
async def test_a_bad_form_gets_a_page_that_says_so(body: bytes) -> None:
    async with client() as browser:
        answer = await browser.post("/form", content=body, headers=OURS)

    assert answer.status_code == 400
    assert "<h1" in answer.text
