"""What leaves for the provider: the request, pushed and signed, and the proof of who asks."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from app.identity.errors import ProviderUnavailable
from app.outside.bank_keys import ClientKeys
from app.outside.bank_profiles import ShownText
from tests.support.bank_logins import (
    OUR_KEY,
    OUR_SEAL,
    PROFILE,
    REGISTRATION,
    RETURN_URL,
    a_bank,
    begin,
    log_in,
)
from tests.support.oidc import (
    CLIENT_ID,
    ISSUER,
    NOW,
    ScriptedProvider,
    Told,
    encoded,
    rsa_key,
    told_json,
)


async def test_the_request_is_pushed_and_the_browser_carries_a_reference_alone() -> None:
    provider = ScriptedProvider(client_keys=KeySet([OUR_KEY]))
    request = await begin(a_bank(provider))
    address, query = request.url.split("?")
    assert address == f"{ISSUER}/authorize"
    assert set(dict(parse_qsl(query))) == {"client_id", "request_uri"}
    assert "nonce" not in provider.pushed_form(), "what is signed is not said beside it as well"


async def test_where_requests_cannot_be_pushed_the_browser_carries_a_signed_one() -> None:
    provider = ScriptedProvider(client_keys=KeySet([OUR_KEY]), takes_pushed=False)
    request = await begin(a_bank(provider))
    query = dict(parse_qsl(request.url.partition("?")[2]))
    assert set(query) == {"client_id", "response_type", "scope", "request"}
    header = jws.extract_compact(query["request"].encode()).headers()
    assert (header["typ"], header["kid"]) == ("oauth-authz-req+jwt", "ours")
    assert provider.request_in(request.url)["nonce"] == request.nonce
    assert provider.count("/par") == 0


async def test_a_profile_that_never_pushes_signs_although_the_provider_takes_pushed_requests() -> None:
    provider = ScriptedProvider(client_keys=KeySet([OUR_KEY]))
    request = await begin(a_bank(provider, replace(PROFILE, request_pushed="never")))
    assert "request=" in request.url
    assert provider.count("/par") == 0


async def test_a_profile_that_always_pushes_sends_nobody_to_a_provider_that_takes_none() -> None:
    provider = ScriptedProvider(takes_pushed=False)
    with pytest.raises(ProviderUnavailable, match="metadata"):
        await begin(a_bank(provider, replace(PROFILE, request_pushed="always")))


async def test_a_request_can_be_pushed_without_a_signature_of_its_own() -> None:
    provider = ScriptedProvider(client_keys=KeySet([OUR_KEY]))
    request = await begin(a_bank(provider, replace(PROFILE, request_signed=False, request_pushed="always")))
    assert provider.pushed_form()["nonce"] == request.nonce


async def test_a_signed_request_is_good_for_five_minutes_and_for_one_provider() -> None:
    provider = ScriptedProvider()
    await begin(a_bank(provider))
    claims = json.loads(jws.extract_compact(provider.pushed_form()["request"].encode()).payload)
    now_s = int(NOW.timestamp())
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (now_s, now_s - 60, now_s + 300)
    assert claims["aud"] == ISSUER
    assert len(claims["jti"]) >= 20


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (told_json({"error": "invalid_client"}, 401), "client_refused"),
        (told_json({"error": "invalid_request"}, 400), "client_refused"),
        (Told(503), "status"),
        (Told(201, b"oops"), "garbage"),
        (told_json({"request_uri": 7}, 201), "garbage"),
        (told_json({"request_uri": "x" * 5000}, 201), "garbage"),
        (Told(302, headers=((b"location", b"https://evil.example/"),)), "redirect"),
    ],
)
async def test_a_pushed_request_that_is_not_taken_makes_the_provider_unavailable(
    told: Told, reason: str
) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        await begin(a_bank(ScriptedProvider(instead={"/par": told})))
    assert caught.value.reason == reason


async def test_the_text_to_approve_travels_as_the_profile_says() -> None:
    for how, sent in (
        (ShownText("login_hint", "message:{base64}", "%<"), "message:UGF5IDIwMCBES0sgdG8gWCAxMDA="),
        (ShownText("binding_message", max_chars=11), "Pay 200 DKK"),
    ):
        provider = ScriptedProvider()
        bank = a_bank(provider, replace(PROFILE, shown_text=how))
        request = await bank.begin(RETURN_URL, "en", "Pay 200 DKK to X <100%", NOW)
        assert provider.request_in(request.url)[how.parameter] == sent


async def test_a_profile_without_a_text_sends_none() -> None:
    provider = ScriptedProvider()
    request = await begin(a_bank(provider, replace(PROFILE, shown_text=None)))
    assert "Shop, 129.00 EUR" not in str(provider.request_in(request.url))


async def test_the_request_holds_everything_that_ties_the_answer_to_this_browser() -> None:
    provider = ScriptedProvider()
    request = await begin(a_bank(provider))
    asked = provider.request_in(request.url)
    for claim in ("iss", "aud", "iat", "nbf", "exp", "jti"):
        del asked[claim]
    challenge = encoded(hashlib.sha256(request.code_verifier.encode()).digest())
    assert asked == {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": RETURN_URL,
        "scope": "openid profile",
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "acr_values": " ".join(PROFILE.acr_values),
        "prompt": "login",
        "max_age": "300",
        "ui_locales": "fi",
        "binding_message": "Shop, 129.00 EUR",
    }
    assert "+" not in request.url, "some providers do not read a plus as a space"


async def test_no_two_logins_share_a_secret() -> None:
    bank = a_bank(ScriptedProvider())
    one, other = await begin(bank), await begin(bank)
    assert {one.state, one.nonce, one.code_verifier}.isdisjoint(
        {other.state, other.nonce, other.code_verifier}
    )


async def test_the_client_proves_itself_with_a_short_lived_assertion_addressed_to_the_issuer() -> None:
    provider = ScriptedProvider()
    await log_in(provider)
    form = provider.form_sent()
    signed = jws.deserialize_compact(form["client_assertion"], OUR_KEY, algorithms=["ES256"])
    claims = json.loads(signed.payload)
    assert signed.headers()["kid"] == "ours"
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT_ID, CLIENT_ID, ISSUER)
    assert claims["exp"] - claims["iat"] == 60
    assert len(claims["jti"]) >= 20
    assert form["redirect_uri"] == RETURN_URL


async def test_an_assertion_can_be_addressed_to_the_token_endpoint_by_an_rsa_key() -> None:
    ours = rsa_key("ours-rsa")
    provider = ScriptedProvider(client_keys=KeySet([ours]))
    registration = replace(REGISTRATION, keys=ClientKeys((ours,), (OUR_SEAL,)))
    bank = a_bank(provider, replace(PROFILE, assertion_audience="token_endpoint"), registration=registration)
    request = await begin(bank)
    await bank.finish(provider.visited(request.url), request, NOW)
    payload = jws.extract_compact(provider.form_sent()["client_assertion"].encode()).payload
    assert json.loads(payload)["aud"] == f"{ISSUER}/token"
