"""The sandbox bank as an OpenID provider, over HTTP, with our own client and with clients that cheat."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jws, jwt

from app.identity.errors import LoginCancelled, LoginFailed, ProviderUnavailable
from app.identity.ports import LoginRequest
from app.kernel import clock
from app.kernel.counting import counting
from app.messages import sandbox as remembered
from app.outside.bank import Bank
from app.web.sandbox.bank import our_bank
from app.web.sandbox.bank_keys import new_signing_key, signing_key_at
from tests.support.sandbox_bank import (
    BANK_KEY,
    BOX,
    CLIENT_KEY,
    CLIENT_KEYS,
    CLIENT_SEAL,
    ISSUER,
    RETURN_URL,
    Page,
    a_client,
    a_lone_bank,
    a_person,
    a_sandbox_bank,
    answer_in,
    transport_to,
)

OWN_PAGE = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> httpx.ASGITransport:
    """A test that asks for `db` gets the bank on the product's tables; the protocol is the same without."""
    return transport_to(a_sandbox_bank()) if "db" in request.fixturenames else to_lone_bank()


@cache
def to_lone_bank() -> httpx.ASGITransport:
    return transport_to(a_lone_bank())


@pytest.fixture
async def visitor(transport: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=transport, headers=OWN_PAGE) as client:
        yield client


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


# --- A person at the bank ---


async def test_a_named_shopper_is_identified_by_one_press(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, db: str
) -> None:
    subject = await a_person()
    client = a_client(transport=transport)
    request = await client.begin(RETURN_URL, "en", "Shop", clock.wall())
    answer = await press(visitor, request.url, "Identify as Maija Meikäläinen")
    identity = await client.finish(answer, request, clock.wall())
    assert (identity.issuer, identity.subject, identity.name) == (ISSUER, subject, "Maija Meikäläinen")
    assert identity.national_number == "030271-952K"
    assert str(identity.birthdate) == "1971-02-03"
    assert identity.acr == "http://ftn.ficora.fi/2017/loa2"


async def test_cancel_leads_back_as_a_cancelled_login(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    client = a_client(transport=transport)
    request = await client.begin(RETURN_URL, "en", "", clock.wall())
    answer = await press(visitor, request.url, "Cancel")
    with pytest.raises(LoginCancelled):
        await client.finish(answer, request, clock.wall())


async def test_a_failure_leads_back_as_a_failed_login(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    client = a_client(transport=transport)
    request = await client.begin(RETURN_URL, "en", "", clock.wall())
    answer = await press(visitor, request.url, "Let the identification fail")
    with pytest.raises(LoginFailed, match="provider_refused"):
        await client.finish(answer, request, clock.wall())


async def test_someone_else_is_another_person_each_time(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    seen = set()
    for _ in range(2):
        client = a_client(transport=transport)
        request = await client.begin(RETURN_URL, "en", "", clock.wall())
        answer = await press(visitor, request.url, "Identify as someone else")
        identity = await client.finish(answer, request, clock.wall())
        seen |= {identity.subject, identity.national_number}
        assert identity.name == "Someone Else"
    assert len(seen) == 4


async def test_the_page_says_what_is_approved_and_escapes_it(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    request = await begin(transport, text="<b>Shop</b>, 129.00 EUR")
    response = await visitor.get(request.url)
    assert "&lt;b&gt;Shop&lt;/b&gt;, 129.00 EUR" in response.text
    assert Page(response.text).headings == ["Sandbox bank"]
    assert response.headers["content-language"] == "en"


async def test_many_people_are_found_by_name_or_phone(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, db: str
) -> None:
    for number in range(60):
        await a_person(f"Person {number:02}", f"+3584000000{number:02}")
    request = await begin(transport)
    first = Page((await visitor.get(request.url)).text)
    assert "Identify as Person 00" in first.buttons
    assert "Identify as Person 59" in first.buttons
    assert "Identify as Person 30" not in first.buttons
    for search in ("person 30", "+358400000030"):
        page = Page((await visitor.get(f"{request.url}&{urlencode({'find': search})}")).text)
        assert "Identify as Person 30" in page.buttons
        assert "Identify as Person 00" not in page.buttons
        answer = answer_in(
            await visitor.post(f"{ISSUER}/authorize", data=page.pressing("Identify as Person 30"))
        )
        assert answer["state"] == request.state
    nobody = await visitor.get(f"{request.url}&find=%25")
    assert "Nobody here has such a name or phone." in nobody.text


async def test_the_page_speaks_the_language_asked_for_and_a_known_one_otherwise(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    for asked, spoken in (("fi", "fi"), ("sv-SE", "sv"), ("xx", "en")):
        request = await begin(transport, lang=asked)
        assert f'<html lang="{spoken}">' in (await visitor.get(request.url)).text


async def test_the_page_may_lead_back_to_the_client_and_nowhere_else(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    policy = (await visitor.get((await begin(transport)).url)).headers["content-security-policy"]
    assert "form-action 'self' http://localhost:8000;" in policy
    assert "default-src 'none'" in policy


async def test_no_cookie_is_set_and_looking_writes_nothing(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, db: str
) -> None:
    await a_person()
    request = await begin(transport)
    with counting() as counts:
        response = await visitor.get(request.url)
    assert counts.writes == 0
    assert "set-cookie" not in response.headers


# --- Three countries ---


@pytest.mark.parametrize(
    ("country", "name", "number", "scheme"),
    [
        ("FI", "Maija Meikäläinen", "030271-952K", "Finnish Trust Network"),
        ("DK", "Mads Eksempel", "0302711234", "MitID"),
        ("SE", "Maja Exempel", "19710203-2385", "BankID"),
    ],
)
async def test_each_country_has_its_own_people_and_its_own_identity(
    visitor: httpx.AsyncClient,
    transport: httpx.ASGITransport,
    country: str,
    name: str,
    number: str,
    scheme: str,
) -> None:
    client = a_client(transport=transport, country=country)
    request = await client.begin(RETURN_URL, "en", "Pay 200 to the shop", clock.wall())
    page = (await visitor.get(request.url)).text
    assert scheme in page
    assert "Pay 200 to the shop" in page
    assert [button for button in Page(page).buttons if button.startswith("Identify as M")] == [
        f"Identify as {name}"
    ]
    identity = await client.finish(
        await press(visitor, request.url, f"Identify as {name}"), request, clock.wall()
    )
    assert (identity.name, identity.national_number, identity.country) == (name, number, country)
    stranger = await client.finish(
        await press(visitor, request.url, "Identify as someone else"), request, clock.wall()
    )
    assert (stranger.name, stranger.country) == ("Someone Else", country)


async def test_somebody_of_one_country_cannot_identify_at_another(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    client = a_client(transport=transport, country="DK")
    request = await client.begin(RETURN_URL, "en", "", clock.wall())
    form = {**Page((await visitor.get(request.url)).text).hidden, "subject": "maija-1"}
    assert answer_in(await visitor.post(f"{ISSUER}/authorize", data=form))["error"] == "invalid_request"


async def test_nothing_about_a_person_leaves_the_bank_unencrypted(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    code, request = await a_code(visitor, transport)
    answer = await visitor.post(f"{ISSUER}/token", data=token_form(code, request))
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    told = await visitor.get(f"{ISSUER}/userinfo", headers=bearer)
    assert told.headers["content-type"] == "application/jwt"
    for token in (answer.json()["id_token"], told.text):
        assert token.count(".") == 4, "five parts are an encrypted token"


# --- Requests that the bank does not answer ---


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


# --- Codes and tokens ---


async def test_a_code_works_once_and_its_second_use_kills_the_tokens_of_the_first(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    code, request = await a_code(visitor, transport)
    first = await visitor.post(f"{ISSUER}/token", data=token_form(code, request))
    bearer = {"authorization": f"Bearer {first.json()['access_token']}"}
    assert (await visitor.get(f"{ISSUER}/userinfo", headers=bearer)).status_code == 200
    assert await redeem(visitor, token_form(code, request)) == (400, "invalid_grant")
    assert (await visitor.get(f"{ISSUER}/userinfo", headers=bearer)).status_code == 401


async def test_of_many_processes_that_are_given_one_code_at_once_one_takes_it(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, db: str
) -> None:
    await a_person()
    code, request = await a_code(visitor, transport)
    banks = [a_sandbox_bank() for _ in range(8)]
    results = await asyncio.gather(
        *(bank.redeem(token_form(code, request)) for bank in banks), return_exceptions=True
    )
    assert sum(isinstance(result, dict) for result in results) == 1


async def test_a_code_of_one_process_is_taken_by_another(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, db: str
) -> None:
    await a_person()
    code, request = await a_code(visitor, transport)
    tokens = await a_sandbox_bank().redeem(token_form(code, request))
    assert (await a_sandbox_bank().claims_of(str(tokens["access_token"])))["name"] == "Maija Meikäläinen"


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "x" * 64},
        {"code_verifier": ""},
        {"redirect_uri": "http://evil.example/"},
        {"code": "abc"},
        {"code": ""},
        {"code": "ö"},
    ],
)
async def test_a_code_is_refused_to_whoever_did_not_begin_the_login(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, wrong: dict[str, str]
) -> None:
    code, request = await a_code(visitor, transport)
    assert await redeem(visitor, token_form(code, request) | wrong) == (400, "invalid_grant")


async def test_a_wrong_verifier_leaves_nothing_to_guess_against(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    code, request = await a_code(visitor, transport)
    await redeem(visitor, token_form(code, request, code_verifier="x" * 64))
    assert await redeem(visitor, token_form(code, request)) == (400, "invalid_grant")


async def test_a_late_code_is_refused(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, request = await a_code(visitor, transport)
    later = clock.wall() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "wall", lambda: later)
    assert await redeem(visitor, token_form(code, request)) == (400, "invalid_grant")


def assertions_that_prove_nothing() -> dict[str, str]:
    now_s = int(clock.wall().timestamp())
    header = {"alg": "ES256", "kid": CLIENT_KEY.kid}
    return {
        "another key": an_assertion(key="another"),
        "another client": an_assertion(iss="other", sub="other"),
        "another audience": an_assertion(aud="https://other.example"),
        "expired": an_assertion(exp=now_s - 61),
        "valid for too long": an_assertion(exp=now_s + 3600),
        "without an end": an_assertion(exp=None),
        "without an id": an_assertion(jti=None),
        "no object": jws.serialize_compact(header, b"[]", CLIENT_KEY),
        "garbage": "abc",
        "nothing": "",
    }


@pytest.mark.parametrize("case", assertions_that_prove_nothing())
async def test_a_client_that_cannot_prove_itself_gets_nothing(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport, case: str
) -> None:
    code, request = await a_code(visitor, transport)
    form = token_form(code, request, client_assertion=assertions_that_prove_nothing()[case])
    assert await redeem(visitor, form) == (401, "invalid_client")


async def test_an_assertion_works_once(visitor: httpx.AsyncClient, transport: httpx.ASGITransport) -> None:
    code, request = await a_code(visitor, transport)
    form = token_form(code, request)
    assert (await redeem(visitor, form))[0] == 200
    assert await redeem(visitor, form) == (401, "invalid_client")


async def test_a_client_with_another_key_learns_nothing_through_our_client_either(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    stranger = a_client(key=new_signing_key(), transport=transport)
    with pytest.raises(ProviderUnavailable, match="client_refused"):
        await begin_with(stranger)
    request = await begin(transport)
    answer = await press(visitor, request.url, "Identify as Maija Meikäläinen")
    with pytest.raises(ProviderUnavailable, match="client_refused"):
        await stranger.finish(answer, request, clock.wall())


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer abc", "Basic abc", "Bearer ö"])
async def test_userinfo_answers_only_a_token_of_its_own(visitor: httpx.AsyncClient, header: str) -> None:
    response = await visitor.get(f"{ISSUER}/userinfo", headers=[(b"authorization", header.encode())])
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_code_is_no_access_token(visitor: httpx.AsyncClient, transport: httpx.ASGITransport) -> None:
    code, _ = await a_code(visitor, transport)
    response = await visitor.get(f"{ISSUER}/userinfo", headers={"authorization": f"Bearer {code}"})
    assert response.status_code == 401


async def test_the_published_keys_hold_no_private_part(visitor: httpx.AsyncClient) -> None:
    keys = (await visitor.get(f"{ISSUER}/jwks")).json()["keys"]
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


async def test_no_address_carries_a_national_number(
    visitor: httpx.AsyncClient, transport: httpx.ASGITransport
) -> None:
    request = await begin(transport)
    page = await visitor.get(request.url)
    answer = await press(visitor, request.url, "Identify as Maija Meikäläinen")
    assert "030271-952K" not in page.text + urlencode(answer)


# --- What it stands on ---


async def test_what_is_remembered_once_is_known_until_it_expires(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await remembered.remember_once("a", {"n": 1}, 60)
    assert not await remembered.remember_once("a", {"n": 2}, 60)
    assert await remembered.recall("a") == {"n": 1}
    later = clock.wall() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "wall", lambda: later)
    assert await remembered.recall("a") is None
    assert await remembered.remember_once("a", {"n": 3}, 60)
    assert await remembered.recall("a") == {"n": 3}


async def test_of_many_who_say_it_at_once_one_is_the_first(db: str) -> None:
    heard = await asyncio.gather(
        *(remembered.remember_once("key", {"n": number}, 60) for number in range(12))
    )
    assert sorted(heard) == [False] * 11 + [True]


def test_processes_that_start_together_find_one_key(tmp_path: Path) -> None:
    one, other = (
        our_bank(ISSUER, RETURN_URL, CLIENT_KEYS.public_set(), tmp_path, BOX),
        signing_key_at(tmp_path / "sandbox_bank_key.pem"),
    )
    assert one.key.kid == other.kid
    assert (tmp_path / "sandbox_bank_key.pem").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox_bank_key.pem"]


def test_a_key_file_with_a_public_key_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(CLIENT_KEY.as_pem(private=False))
    with pytest.raises(ValueError, match="no private key"):
        signing_key_at(tmp_path / "key.pem")


def test_neither_keys_nor_people_show_in_a_representation() -> None:
    shown = repr(a_lone_bank())
    for hidden in (
        "030271",
        str(BANK_KEY.as_dict(private=True)["d"]),
        str(CLIENT_SEAL.as_dict(private=True)["d"]),
    ):
        assert hidden not in shown
