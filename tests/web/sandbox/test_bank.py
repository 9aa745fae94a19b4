"""The sandbox bank as an OpenID provider, over HTTP, with our own client and with clients that cheat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jws

from app.identity.errors import LoginCancelled, LoginFailed, ProviderUnavailable
from app.kernel import clock
from app.kernel.counting import counting
from app.messages import sandbox as remembered
from app.web.sandbox.bank import our_bank
from app.web.sandbox.bank_keys import new_signing_key, signing_key_at
from tests.support.bank_visits import (
    OWN_PAGE,
    a_code,
    an_assertion,
    begin,
    begin_with,
    press,
    redeem,
    token_form,
)
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
)


@pytest.fixture
async def visitor(transport: httpx.ASGITransport) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=transport, headers=OWN_PAGE) as client:
        yield client


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
