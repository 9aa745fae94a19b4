"""Visits to the sandbox bank, as its tests say them: a person who presses a button, and a client's server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import httpx
from joserfc import jwt

from app.identity.ports import LoginRequest
from app.kernel import clock
from app.outside.bank import Bank
from app.web.sandbox.bank_keys import new_signing_key
from tests.support.sandbox_bank import (
    CLIENT_KEY,
    ISSUER,
    RETURN_URL,
    Page,
    a_client,
    a_lone_bank,
    answer_in,
    transport_to,
)

OWN_PAGE = {"sec-fetch-site": "same-origin"}


@cache
def to_lone_bank() -> httpx.ASGITransport:
    return transport_to(a_lone_bank())


async def begin(
    transport: httpx.ASGITransport, text: str = "Shop, 129.00 EUR", lang: str = "en"
) -> LoginRequest:
    return await begin_with(a_client(transport=transport), text, lang)


async def begin_with(client: Bank, text: str = "", lang: str = "en") -> LoginRequest:
    return await client.begin(RETURN_URL, lang, text, clock.wall())


async def press(visitor: httpx.AsyncClient, url: str, button: str) -> dict[str, str]:
    page = Page((await visitor.get(url)).text)
    response = await visitor.post(f"{ISSUER}/authorize", data=page.pressing(button))
    assert response.headers["location"].startswith(RETURN_URL + "?")
    return answer_in(response)


async def a_code(visitor: httpx.AsyncClient, transport: httpx.ASGITransport) -> tuple[str, LoginRequest]:
    request = await begin(transport)
    return (await press(visitor, request.url, "Identify as Maija Meikäläinen"))["code"], request


def token_form(code: str, request: LoginRequest, **changed: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": RETURN_URL,
        "code_verifier": request.code_verifier,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": an_assertion(),
        **changed,
    }


def an_assertion(key: object = None, **changed: object) -> str:
    signing = CLIENT_KEY if key is None else new_signing_key()
    claims = {
        "iss": "kolme-sandbox",
        "sub": "kolme-sandbox",
        "aud": ISSUER,
        "jti": new_signing_key().kid,
        "exp": int(clock.wall().timestamp()) + 60,
        **changed,
    }
    return jwt.encode({"alg": "ES256", "kid": CLIENT_KEY.kid}, claims, signing, algorithms=["ES256"])


async def redeem(visitor: httpx.AsyncClient, form: Mapping[str, str]) -> tuple[int, str]:
    # As a server calls it: without a word on where the request comes from.
    response = await visitor.post(f"{ISSUER}/token", data=form, headers={"sec-fetch-site": "cross-site"})
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, response.json().get("error", "")
