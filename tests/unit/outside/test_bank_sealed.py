"""What a provider tells must be encrypted to us, and what is inside must still be signed by it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from joserfc import jwe, jws
from joserfc.jwk import OctKey

from app.outside.bank_keys import ClientKeys
from tests.support.bank_logins import (
    OUR_KEY,
    OUR_SEAL,
    PROFILE,
    REGISTRATION,
    a_bank,
    begin,
    log_in,
    refusal_of,
)
from tests.support.oidc import (
    CLIENT_ID,
    ISSUER,
    NOW,
    ScriptedProvider,
    encoded,
    rsa_key,
    sealed_to,
    signing_key,
)

OTHER_SEAL = rsa_key("of-another-client")


def sealing(**header: object) -> ScriptedProvider:
    provider = ScriptedProvider()
    provider.seal = lambda token: sealed_to(OUR_SEAL, token, **header)
    return provider


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
@pytest.mark.parametrize("content", ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"])
async def test_what_is_encrypted_to_our_key_is_opened(algorithm: str, content: str) -> None:
    assert (await log_in(sealing(alg=algorithm, enc=content))).subject == "person-1"


async def test_a_token_that_is_only_signed_is_refused_where_encryption_was_agreed() -> None:
    assert await refusal_of(ScriptedProvider(seal=lambda token: token)) == "token_not_encrypted"


async def test_userinfo_that_is_only_signed_is_refused_where_encryption_was_agreed() -> None:
    assert await refusal_of(ScriptedProvider(seal_userinfo=lambda token: token)) == "token_not_encrypted"


async def test_userinfo_in_plain_words_is_refused_where_encryption_was_agreed() -> None:
    assert await refusal_of(ScriptedProvider(plain_userinfo=True)) == "token_not_encrypted"


async def test_a_token_encrypted_to_another_key_is_refused() -> None:
    assert await refusal_of(ScriptedProvider(seal=lambda token: sealed_to(OTHER_SEAL, token))) == (
        "token_encryption_key"
    )


async def test_a_token_encrypted_to_another_key_under_the_name_of_ours_is_refused() -> None:
    provider = ScriptedProvider(seal=lambda token: sealed_to(OTHER_SEAL, token, kid=OUR_SEAL.kid))
    assert await refusal_of(provider) == "token_encryption_key"


async def test_a_token_that_names_no_key_is_opened_by_whichever_of_ours_was_meant() -> None:
    keys = ClientKeys((OUR_KEY,), (rsa_key("next"), OUR_SEAL))
    provider = sealing(kid=None)
    bank = a_bank(provider, registration=replace(REGISTRATION, keys=keys))
    request = await begin(bank)
    assert (await bank.finish(provider.visited(request.url), request, NOW)).subject == "person-1"


async def test_during_a_rotation_the_old_and_the_new_key_both_open() -> None:
    newer = rsa_key("newer")
    keys = ClientKeys((OUR_KEY,), (OUR_SEAL, newer))
    for meant in (OUR_SEAL, newer):
        provider = ScriptedProvider(sealed_to=meant)
        bank = a_bank(provider, registration=replace(REGISTRATION, keys=keys))
        request = await begin(bank)
        assert (await bank.finish(provider.visited(request.url), request, NOW)).subject == "person-1"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_the_old_padding_is_refused() -> None:
    assert await refusal_of(sealing(alg="RSA1_5")) == "token_encryption"


async def test_a_token_under_a_key_that_two_share_is_refused() -> None:
    shared = OctKey.import_key(b"k" * 32)
    header = {"alg": "dir", "enc": "A256GCM", "kid": OUR_SEAL.kid}
    provider = ScriptedProvider(
        seal=lambda token: jwe.encrypt_compact(header, token, shared, algorithms=["dir", "A256GCM"])
    )
    assert await refusal_of(provider) == "token_encryption"


async def test_a_compressed_token_is_refused_before_it_can_unpack_to_much() -> None:
    assert await refusal_of(sealing(zip="DEF")) == "token_encryption"


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"enc": "none"}, {"enc": 7}, {"alg": ["RSA-OAEP"]}]
)
async def test_a_made_up_way_to_encrypt_is_refused(header: dict[str, object]) -> None:
    whole = {"alg": "RSA-OAEP-256", "enc": "A256GCM", **header}
    provider = ScriptedProvider(seal=lambda token: f"{encoded(whole)}.a.b.c.d")
    assert await refusal_of(provider) == "token_encryption"


async def test_a_sealed_token_that_was_changed_on_the_way_is_refused() -> None:
    def altered(token: str) -> str:
        parts = sealed_to(OUR_SEAL, token).split(".")
        parts[3] = ("B" if parts[3][0] == "A" else "A") + parts[3][1:]
        return ".".join(parts)

    assert await refusal_of(ScriptedProvider(seal=altered)) == "token_encryption_key"


@pytest.mark.parametrize("garbage", ["....", "a.b.c.d.e", "e30.e30.e30.e30.e30", "bnVsbA.a.b.c.d"])
async def test_five_parts_of_garbage_are_refused(garbage: str) -> None:
    assert await refusal_of(ScriptedProvider(seal=lambda _: garbage)) in {
        "token_unreadable",
        "token_encryption",
    }


# --- What is inside ---


async def test_an_unsigned_token_inside_an_encrypted_one_is_refused() -> None:
    provider = ScriptedProvider(make_token=lambda claims: f"{encoded({'alg': 'none'})}.{encoded(claims)}.")
    assert await refusal_of(provider) == "token_algorithm"


async def test_bare_claims_inside_an_encrypted_token_are_refused() -> None:
    # Anybody can encrypt to our public key: only the signature inside says who did.
    assert await refusal_of(ScriptedProvider(make_token=json.dumps)) == "token_unreadable"


async def test_a_token_encrypted_twice_is_refused() -> None:
    provider = ScriptedProvider(seal=lambda token: sealed_to(OUR_SEAL, sealed_to(OUR_SEAL, token)))
    assert await refusal_of(provider) == "token_unreadable"


async def test_a_token_inside_that_is_signed_with_our_own_public_key_as_a_secret_is_refused() -> None:
    secret = OUR_SEAL.as_pem(private=False)

    def forged(claims: dict[str, object]) -> str:
        signing_input = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(claims)}"
        return f"{signing_input}.{encoded(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"

    assert await refusal_of(ScriptedProvider(make_token=forged)) == "token_algorithm"


async def test_a_token_inside_that_we_signed_ourselves_is_refused() -> None:
    # Our own key set is published too: it vouches for us and for nobody else.
    def ours(claims: dict[str, object]) -> str:
        return jws.serialize_compact({"alg": "ES256", "kid": OUR_KEY.kid}, json.dumps(claims), OUR_KEY)

    assert await refusal_of(ScriptedProvider(make_token=ours)) == "token_key_unknown"


async def test_letters_of_no_token_inside_an_encrypted_one_are_refused() -> None:
    assert await refusal_of(ScriptedProvider(make_token=lambda _: "ä.ö.å")) == "token_unreadable"


# --- Userinfo ---


async def test_signed_userinfo_meant_for_another_client_is_refused() -> None:
    assert await refusal_of(ScriptedProvider(userinfo_change={"aud": "another"})) == "userinfo_audience"


async def test_signed_userinfo_of_another_issuer_is_refused() -> None:
    change = {"iss": "https://evil.example"}
    assert await refusal_of(ScriptedProvider(userinfo_change=change)) == "userinfo_issuer"


async def test_signed_userinfo_that_names_both_of_us_is_fine() -> None:
    provider = ScriptedProvider(userinfo_change={"aud": [CLIENT_ID], "iss": ISSUER})
    assert (await log_in(provider)).name == "Maija Meikäläinen"


async def test_userinfo_signed_by_a_stranger_is_refused() -> None:
    stranger = signing_key("one")
    provider = ScriptedProvider()

    def forged(token: str) -> str:
        payload = jws.extract_compact(token.encode()).payload
        return provider.sealed(jws.serialize_compact({"alg": "ES256", "kid": "one"}, payload, stranger))

    provider.seal_userinfo = forged
    assert await refusal_of(provider) == "token_signature"


async def test_a_profile_can_take_userinfo_that_is_signed_alone_or_plain() -> None:
    signed = ScriptedProvider(seal_userinfo=lambda token: token)
    assert (await log_in(signed, replace(PROFILE, userinfo="signed"))).subject == "person-1"
    plain = ScriptedProvider(plain_userinfo=True)
    assert (await log_in(plain, replace(PROFILE, userinfo="plain"))).subject == "person-1"


async def test_a_profile_without_userinfo_asks_for_none() -> None:
    provider = ScriptedProvider(change={"name": "Maija M", "urn:oid:1.2.246.21": "030271-952K"})
    assert (await log_in(provider, replace(PROFILE, userinfo="off"))).national_number == "030271-952K"
    assert provider.count("/userinfo") == 0


async def test_a_profile_without_encryption_takes_a_signed_token_and_no_sealed_one() -> None:
    profile = replace(PROFILE, id_token_encrypted=False)
    assert (await log_in(ScriptedProvider(seal=lambda token: token), profile)).subject == "person-1"
    assert await refusal_of(ScriptedProvider(), profile) == "token_unreadable"
