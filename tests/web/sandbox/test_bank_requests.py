"""What a client may ask the sandbox bank: pushed, signed, and otherwise nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt

from app.identity.ports import LoginRequest
from app.kernel import clock
from app.web.sandbox.bank_keys import new_signing_key
from tests.support.bank_visits import OWN_PAGE, an_assertion, begin
from tests.support.sandbox_bank import CLIENT_KEY, ISSUER, RETURN_URL, Page, answer_in


@pytest.fixture
async def visitor(transport: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=transport, headers=OWN_PAGE) as client:
        yield client


def a_request_object(request: LoginRequest, key: object = None, **changed: object) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(request.code_verifier.encode()).digest())
    claims: dict[str, object] = {
        "iss": "kolme-sandbox",
        "aud": ISSUER,
        "exp": int(clock.wall().timestamp()) + 60,
        "client_id": "kolme-sandbox",
        "redirect_uri": RETURN_URL,
        "response_type": "code",
        "scope": "openid",
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **changed,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    signing = CLIENT_KEY if key is None else new_signing_key()
    return jwt.encode({"alg": "ES256", "kid": CLIENT_KEY.kid}, claims, signing, algorithms=["ES256"])


async def push(visitor: httpx.AsyncClient, **form: str) -> tuple[int, str]:
    proof = {
        "client_id": "kolme-sandbox",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": an_assertion(),
    }
    # As a server calls it: without a word on where the request comes from.
    response = await visitor.post(
        f"{ISSUER}/par", data={**proof, **form}, headers={"sec-fetch-site": "cross-site"}
    )
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, response.json().get("error", "")


async def test_a_request_that_is_pushed_and_signed_is_taken(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    assert await push(visitor, request=a_request_object(await begin(transport))) == (201, "")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"state": "x" * 501}, "invalid_request"),
        ({"redirect_uri": "http://evil.example/"}, "invalid_request"),
        ({"redirect_uri": RETURN_URL + "/"}, "invalid_request"),
        ({"redirect_uri": RETURN_URL + "?x=1"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"aud": "https://other.example"}, "invalid_request_object"),
        ({"iss": "another"}, "invalid_request_object"),
        ({"client_id": "another"}, "invalid_request_object"),
        ({"exp": 1}, "invalid_request_object"),
        ({"exp": None}, "invalid_request_object"),
        ({"exp": 10**12}, "invalid_request_object"),
        ({"key": "another"}, "invalid_request_object"),
    ],
)
async def test_a_request_that_is_wrong_in_itself_is_told_to_the_client(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, changed: dict[str, object], error: str
) -> None:
    asked = a_request_object(await begin(transport), **changed)
    assert await push(visitor, request=asked) == (400, error)


async def test_a_request_that_is_not_signed_is_refused(visitor: httpx.AsyncClient) -> None:
    assert await push(visitor, response_type="code", scope="openid") == (400, "invalid_request")
    assert await push(visitor, request="e30.e30.") == (400, "invalid_request_object")


async def test_a_request_pushed_by_a_stranger_is_refused(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    asked = a_request_object(await begin(transport))
    wrong = an_assertion(key="another")
    assert await push(visitor, request=asked, client_assertion=wrong) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("reference", "client_id"),
    [
        ("", "kolme-sandbox"),
        ("urn:ietf:params:oauth:request_uri:made-up", "kolme-sandbox"),
        ("https://evil.example/request", "kolme-sandbox"),
        (None, "another"),
    ],
)
async def test_a_browser_with_a_reference_that_the_bank_never_gave_is_not_redirected(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, reference: str | None, client_id: str
) -> None:
    given = dict(parse_qsl(urlsplit((await begin(transport)).url).query))
    form = {"client_id": client_id, "request_uri": given["request_uri"] if reference is None else reference}
    shown = await visitor.get(f"{ISSUER}/authorize?{urlencode(form)}")
    posted = await visitor.post(f"{ISSUER}/authorize", data=form)
    for response in (shown, posted):
        assert response.status_code == 400
        assert "location" not in response.headers
        assert "This request cannot be answered" in response.text


async def test_parameters_that_were_not_pushed_are_not_read(visitor: httpx.AsyncClient) -> None:
    plain = {"client_id": "kolme-sandbox", "redirect_uri": RETURN_URL, "response_type": "code"}
    assert (await visitor.get(f"{ISSUER}/authorize?{urlencode(plain)}")).status_code == 400


async def test_a_reference_is_good_for_ten_minutes(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await begin(transport)
    later = clock.wall() + timedelta(seconds=601)
    monkeypatch.setattr(clock, "wall", lambda: later)
    answer = await visitor.get(request.url)
    assert answer.status_code == 400
    assert "The request is too old." in answer.text


async def test_a_parameter_that_comes_twice_voids_the_request(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    request = await begin(transport)
    assert (await visitor.get(request.url + "&client_id=again")).status_code == 400


async def test_a_person_whom_nobody_knows_cannot_be_identified(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    request = await begin(transport)
    form = {**Page((await visitor.get(request.url)).text).hidden, "subject": "nobody"}
    assert answer_in(await visitor.post(f"{ISSUER}/authorize", data=form))["error"] == "invalid_request"


async def test_another_site_cannot_press_the_buttons(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    page = Page((await visitor.get((await begin(transport)).url)).text)
    form = page.pressing("Cancel")
    response = await visitor.post(f"{ISSUER}/authorize", data=form, headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403
