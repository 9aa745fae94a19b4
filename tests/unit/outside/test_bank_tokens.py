"""Tokens that lie: each is refused by its own rule."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from app.identity.errors import LoginFailed
from tests.support.bank_logins import (
    a_bank,
    begin,
    log_in,
    outage_of,
    refusal_of,
)
from tests.support.oidc import (
    CLIENT_ID,
    ISSUER,
    LOA2,
    NOW,
    ScriptedProvider,
    encoded,
    rsa_key,
    signing_key,
)


async def test_an_unsigned_token_is_refused() -> None:
    provider = ScriptedProvider(make_token=lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}.")
    assert await refusal_of(provider) == "token_algorithm"


@pytest.mark.parametrize("spelling", ["None", "NONE", "nOnE", "", None, 7, ["ES256"]])
async def test_no_other_spelling_of_no_algorithm_gets_through(spelling: object) -> None:
    provider = ScriptedProvider(
        make_token=lambda claims: f"{encoded({'alg': spelling})}.{encoded(claims)}.{encoded(b'x')}"
    )
    assert await refusal_of(provider) in {"token_algorithm", "token_unreadable"}


async def test_the_public_key_taken_for_a_shared_secret_is_refused() -> None:
    key = rsa_key("rsa")
    secret = key.as_pem(private=False)

    def forged(claims: dict[str, Any]) -> str:
        signing_input = f"{encoded({'alg': 'HS256', 'kid': 'rsa'})}.{encoded(claims)}"
        tag = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest()
        return f"{signing_input}.{encoded(tag)}"

    assert await refusal_of(ScriptedProvider(key=key, make_token=forged)) == "token_algorithm"


async def test_a_signature_by_another_key_under_a_known_name_is_refused() -> None:
    provider = ScriptedProvider(key=signing_key("one"), published=[signing_key("one")])
    assert await refusal_of(provider) == "token_signature"


async def test_claims_changed_after_signing_are_refused() -> None:
    provider = ScriptedProvider()

    def altered(claims: dict[str, Any]) -> str:
        header, _, signature = provider.signed(claims).split(".")
        return f"{header}.{encoded({**claims, 'sub': 'person-2'})}.{signature}"

    provider.make_token = altered
    assert await refusal_of(provider) == "token_signature"


async def test_a_key_that_the_token_brings_along_is_not_trusted() -> None:
    own = signing_key("mine")
    provider = ScriptedProvider(
        key=own,
        published=[signing_key("one")],
        header_change={"jwk": own.as_dict(private=False), "kid": "one"},
    )
    assert await refusal_of(provider) == "token_signature"


async def test_a_token_by_an_unknown_key_is_refused_after_one_fresh_look() -> None:
    provider = ScriptedProvider(key=signing_key("two"), published=[signing_key("one")])
    assert await refusal_of(provider) == "token_key_unknown"
    assert provider.count("/jwks") == 2


async def test_a_token_that_does_not_say_which_of_two_keys_is_refused() -> None:
    one, other = signing_key("one"), signing_key("other")
    provider = ScriptedProvider(key=one, published=[one, other])
    provider.make_token = lambda claims: jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), one)
    assert await refusal_of(provider) == "token_key_ambiguous"


async def test_a_token_without_a_key_name_is_fine_when_one_key_alone_can_be_meant() -> None:
    one = signing_key("one")
    provider = ScriptedProvider(key=one, published=[rsa_key("rsa"), one])
    provider.make_token = lambda claims: jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), one)
    assert (await log_in(provider)).subject == "person-1"


async def test_a_key_published_for_one_algorithm_verifies_no_other() -> None:
    key = rsa_key("rsa")
    published = [RSAKey.import_key({**key.as_dict(private=False), "kid": "rsa", "alg": "PS256"})]
    other = ScriptedProvider(key=key, published=published, header_change={"alg": "RS256"})
    assert await refusal_of(other) == "token_key_unknown"
    right = ScriptedProvider(key=key, published=published, header_change={"alg": "PS256"})
    assert (await log_in(right)).subject == "person-1"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_an_rsa_key_that_is_too_short_is_not_used() -> None:
    provider = ScriptedProvider(
        key=RSAKey.generate_key(1024, {"kid": "short"}), header_change={"alg": "RS256"}
    )
    assert await outage_of(provider) == "keys"


async def test_a_critical_header_that_we_do_not_understand_is_refused() -> None:
    provider = ScriptedProvider()

    def demanding(claims: dict[str, Any]) -> str:
        return f"{encoded({'alg': 'ES256', 'kid': 'one', 'crit': ['x'], 'x': 1})}.{encoded(claims)}.{encoded(b's')}"

    provider.make_token = demanding
    assert await refusal_of(provider) in {"token_signature", "token_unreadable"}


@pytest.mark.parametrize(
    "token", ["", "garbage", "a.b.c", "....", "eyJhbGciOiJFUzI1NiJ9.e30", "x" * 70_000, "ä.ö.å"]
)
async def test_what_is_no_token_is_refused(token: str) -> None:
    assert await refusal_of(ScriptedProvider(make_token=lambda _: token)) in {
        "token_unreadable",
        "token_missing",
        "token_too_large",
    }


@pytest.mark.parametrize("payload", [b"[]", b"null", b'"text"', b"\xff", b"{", b"1"])
async def test_a_signed_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    provider = ScriptedProvider()
    provider.make_token = lambda _: jws.serialize_compact(
        {"alg": "ES256", "kid": "one"}, payload, provider.key
    )
    assert await refusal_of(provider) == "token_unreadable"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"aud": "another-client"}, "token_audience"),
        ({"aud": []}, "token_audience"),
        ({"aud": {"kolme": 1}}, "token_audience"),
        ({"aud": [CLIENT_ID, "other"]}, "token_authorised_party"),
        ({"aud": [CLIENT_ID, "other"], "azp": "other"}, "token_authorised_party"),
        ({"azp": "other"}, "token_authorised_party"),
        ({"iss": "https://evil.example"}, "token_issuer"),
        ({"iss": ISSUER + "/"}, "token_issuer"),
        ({"exp": int(NOW.timestamp()) - 61}, "token_expired"),
        ({"exp": "tomorrow"}, "token_expired"),
        ({"exp": True}, "token_expired"),
        ({"exp": 10**30}, "token_expired"),
        ({"iat": int(NOW.timestamp()) + 61}, "token_issued_in_future"),
        ({"nbf": int(NOW.timestamp()) + 61}, "token_not_yet_valid"),
        ({"nbf": "now"}, "token_not_yet_valid"),
        ({"nonce": "of-another-login"}, "token_nonce"),
        ({"nonce": ""}, "token_nonce"),
        ({"nonce": ["x"]}, "token_nonce"),
        ({"acr": "urn:weak:password"}, "token_acr"),
        ({"acr": [LOA2]}, "token_acr"),
        ({"auth_time": int(NOW.timestamp()) - 361}, "token_auth_time"),
        ({"auth_time": int(NOW.timestamp()) + 61}, "token_auth_time"),
        ({"sub": ""}, "token_subject"),
        ({"sub": 7}, "token_subject"),
        ({"sub": "x" * 256}, "token_subject"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(change: dict[str, Any], rule: str) -> None:
    assert await refusal_of(ScriptedProvider(change=change)) == rule


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("iss", "token_issuer"),
        ("sub", "token_subject"),
        ("aud", "token_audience"),
        ("exp", "token_expired"),
        ("iat", "token_issued_in_future"),
        ("nonce", "token_nonce"),
        ("acr", "token_acr"),
        ("auth_time", "token_auth_time"),
    ],
)
async def test_a_token_that_leaves_a_claim_out_is_refused(name: str, rule: str) -> None:
    assert await refusal_of(ScriptedProvider(without=(name,))) == rule


async def test_a_token_of_an_earlier_login_is_refused_by_its_nonce() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    earlier = await begin(bank)
    provider.visited(earlier.url)
    replayed = provider.signed({**provider._claims()})
    later = await begin(bank)
    provider.make_token = lambda _: replayed
    with pytest.raises(LoginFailed) as caught:
        await bank.finish(provider.visited(later.url), later, NOW)
    assert caught.value.reason == "token_nonce"


async def test_two_audiences_are_fine_when_we_are_the_authorised_party() -> None:
    provider = ScriptedProvider(change={"aud": [CLIENT_ID, "other"], "azp": CLIENT_ID})
    assert (await log_in(provider)).subject == "person-1"


@pytest.mark.parametrize("kind", ["at+jwt", "logout+jwt", "secevent+jwt", "", 7, ["JWT"]])
async def test_a_token_of_another_type_is_refused(kind: object) -> None:
    provider = ScriptedProvider()
    header = {"alg": "ES256", "kid": "one", "typ": kind}
    provider.make_token = lambda claims: f"{encoded(header)}.{encoded(claims)}.{encoded(b's')}"
    assert await refusal_of(provider) == "token_type"


@pytest.mark.parametrize("kind", ["JWT", "jwt", "application/jwt"])
async def test_a_token_that_says_it_is_one_is_fine(kind: str) -> None:
    assert (await log_in(ScriptedProvider(header_change={"typ": kind}))).subject == "person-1"


async def test_a_token_of_a_megabyte_is_refused_before_it_is_read() -> None:
    provider = ScriptedProvider(seal=lambda token: token + "x" * 100_000)
    assert await refusal_of(provider) == "token_too_large"


async def test_userinfo_about_somebody_else_is_refused() -> None:
    assert await refusal_of(ScriptedProvider(userinfo_change={"sub": "person-2"})) == "userinfo_subject"


async def test_an_identity_without_a_name_is_none() -> None:
    assert await refusal_of(ScriptedProvider(userinfo_change={"name": ""})) == "claims_missing"
