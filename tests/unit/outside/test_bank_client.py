"""The OpenID Connect client: what goes right, the way back, and a provider that breaks, stalls and plays tricks."""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest
from joserfc.jwk import KeySet

from app.identity.errors import LoginCancelled, LoginExpired, LoginFailed, ProviderUnavailable
from app.identity.ports import (
    VerifiedIdentity,
    login_reference,
    pack_login_request,
    unpack_login_request,
)
from app.kernel.db import NetworkInTransaction, tx
from app.outside.bank import Bank
from app.outside.bank_profiles import ClaimNames
from tests.support.bank_logins import (
    DISCOVERY,
    OUR_KEY,
    PROFILE,
    REGISTRATION,
    a_bank,
    begin,
    log_in,
    outage_of,
    refusal_of,
)
from tests.support.oidc import (
    ISSUER,
    LOA2,
    NOW,
    ScriptedProvider,
    Told,
    rsa_key,
    signing_key,
    told_json,
)

# --- What goes right ---


async def test_a_person_is_identified_with_what_token_and_userinfo_say_together() -> None:
    provider = ScriptedProvider(client_keys=KeySet([OUR_KEY]))
    identity = await log_in(provider)
    assert identity == VerifiedIdentity(
        issuer=ISSUER,
        subject="person-1",
        name="Maija Meikäläinen",
        birthdate=date(1971, 2, 3),
        national_number="030271-952K",
        country="FI",
        acr=LOA2,
        authenticated_at=NOW - timedelta(seconds=5),
        national_number_kind="hetu",
    )


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_an_rsa_signed_token_is_accepted(algorithm: str) -> None:
    provider = ScriptedProvider(key=rsa_key("rsa"), header_change={"alg": algorithm})
    assert (await log_in(provider)).subject == "person-1"


async def test_discovery_and_keys_are_read_once_for_many_logins() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    for _ in range(3):
        request = await begin(bank)
        await bank.finish(provider.visited(request.url), request, NOW)
    assert (provider.count(DISCOVERY), provider.count("/jwks"), provider.count("/token")) == (1, 1, 3)


async def test_new_keys_of_the_provider_are_found_with_one_fresh_look() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    provider.key = signing_key("two")
    identity = await bank.finish(provider.visited(request.url), request, NOW)
    assert identity.subject == "person-1"
    assert provider.count("/jwks") == 2


async def test_a_name_in_parts_and_a_year_alone_are_read_as_far_as_they_go() -> None:
    change = {"name": "", "given_name": "Åsa", "family_name": "Öberg", "birthdate": "1980"}
    identity = await log_in(ScriptedProvider(userinfo_change=change))
    assert (identity.name, identity.birthdate) == ("Åsa Öberg", None)


async def test_a_name_is_freed_of_characters_that_could_disguise_it() -> None:
    identity = await log_in(
        ScriptedProvider(userinfo_change={"name": "Maija\u202e \n Meika\u0308la\u0308inen\x00"})
    )
    assert identity.name == "Maija Meikäläinen"


async def test_claims_are_read_under_the_names_of_the_profile() -> None:
    names = ClaimNames(name=("called",), national_number=("first", "second"))
    change = {"called": "Maija M", "second": "030271-952K"}
    identity = await log_in(ScriptedProvider(userinfo_change=change), replace(PROFILE, claims=names))
    assert (identity.name, identity.national_number) == ("Maija M", "030271-952K")


async def test_the_signed_token_wins_over_userinfo() -> None:
    provider = ScriptedProvider(userinfo_change={"acr": "loa9", "auth_time": 0})
    identity = await log_in(provider)
    assert (identity.acr, identity.authenticated_at) == (LOA2, NOW - timedelta(seconds=5))


async def test_a_provider_without_userinfo_tells_everything_in_the_token() -> None:
    provider = ScriptedProvider(metadata_change={"userinfo_endpoint": None}, change={"name": "Maija M"})
    assert (await log_in(provider)).name == "Maija M"
    assert provider.count("/userinfo") == 0


async def test_a_minute_of_difference_between_two_clocks_is_forgiven() -> None:
    now_s = int(NOW.timestamp())
    await log_in(ScriptedProvider(change={"exp": now_s - 59}))
    await log_in(ScriptedProvider(change={"iat": now_s + 59, "nbf": now_s + 59, "auth_time": now_s + 59}))


# --- The way back ---


async def test_an_answer_with_another_state_is_refused_before_anybody_is_asked() -> None:
    provider = ScriptedProvider()
    for state in ("", "other", "ä"):
        assert await refusal_of(provider, state=state) == "state_mismatch"
    assert provider.count("/token") == 0


async def test_turning_back_at_the_bank_is_a_cancelled_login() -> None:
    with pytest.raises(LoginCancelled):
        await log_in(ScriptedProvider(), error="access_denied")


async def test_a_cancel_that_somebody_else_made_up_cancels_nothing() -> None:
    assert await refusal_of(ScriptedProvider(), error="access_denied", state="guess") == "state_mismatch"


@pytest.mark.parametrize("error", ["unmet_authentication_requirements", "login_required", "", "<script>"])
async def test_any_other_error_of_the_bank_is_a_failed_login(error: str) -> None:
    assert await refusal_of(ScriptedProvider(), error=error) == "provider_refused"


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
async def test_a_bank_that_says_it_is_ill_is_unavailable(error: str) -> None:
    with pytest.raises(ProviderUnavailable):
        await log_in(ScriptedProvider(), error=error)


async def test_an_answer_in_the_name_of_another_issuer_is_refused() -> None:
    provider = ScriptedProvider()
    assert await refusal_of(provider, iss="https://other.example") == "issuer_mismatch"
    assert provider.count("/token") == 0


async def test_an_answer_without_an_issuer_is_refused_where_the_bank_promised_to_name_it() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    answer = provider.visited(request.url)
    del answer["iss"]
    with pytest.raises(LoginFailed):
        await bank.finish(answer, request, NOW)


async def test_an_answer_without_a_code_is_refused() -> None:
    assert await refusal_of(ScriptedProvider(), code="") == "code_missing"


async def test_a_code_that_the_bank_does_not_take_is_a_failed_login() -> None:
    assert await refusal_of(ScriptedProvider(), code="another-code") == "code_refused"


async def test_a_verifier_of_another_browser_does_not_redeem_the_code() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    answer = provider.visited(request.url)
    with pytest.raises(LoginFailed) as caught:
        await bank.finish(answer, replace(request, code_verifier="x" * 64), NOW)
    assert caught.value.reason == "code_refused"


async def test_coming_back_after_ten_minutes_is_too_late() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    answer = provider.visited(request.url)
    with pytest.raises(LoginExpired):
        await bank.finish(answer, request, NOW + timedelta(seconds=600))
    assert provider.count("/token") == 0


async def test_a_login_begun_at_another_provider_is_not_finished_here() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    answer = provider.visited(request.url)
    with pytest.raises(LoginFailed) as caught:
        await bank.finish(answer, replace(request, issuer="https://other.example"), NOW)
    assert caught.value.reason == "issuer_mismatch"


# --- A provider that is down, slow or broken ---


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/token"])
@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (Told(500, b"oops"), "status"),
        (Told(404), "status"),
        (Told(302, headers=((b"location", b"https://evil.example/"),)), "redirect"),
        (Told(200, b"<html>maintenance</html>"), "garbage"),
        (Told(200, b"[1, 2]"), "garbage"),
        (Told(200, b"\xff\xfe"), "garbage"),
        (Told(200, b"[" * 100_000), "garbage"),
        (Told(200, b" " * 300_000 + b"{}"), "too_large"),
        (Told(200, gzip.compress(b"{}"), headers=((b"content-encoding", b"gzip"),)), "garbage"),
    ],
)
async def test_an_answer_that_no_sound_provider_gives_makes_it_unavailable(
    path: str, told: Told, reason: str
) -> None:
    assert await outage_of(ScriptedProvider(instead={path: told})) == reason


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (Told(500, b"oops"), "status"),
        (Told(302, headers=((b"location", b"https://evil.example/"),)), "redirect"),
        (Told(200, b"\xff\xfe"), "garbage"),
        (Told(200, b"x" * 300_000), "too_large"),
    ],
)
async def test_userinfo_that_breaks_makes_the_provider_unavailable(told: Told, reason: str) -> None:
    assert await outage_of(ScriptedProvider(instead={"/userinfo": told})) == reason


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks", "/par", "/token", "/userinfo"])
async def test_a_provider_that_does_not_answer_is_waited_for_only_so_long(path: str) -> None:
    provider = ScriptedProvider(silent=frozenset({path}))
    assert await outage_of(provider, timeout_s=0.05) == "timeout"


async def test_a_provider_that_cannot_be_reached_is_unavailable() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(ProviderUnavailable) as caught:
        await begin(Bank(PROFILE, REGISTRATION, transport=httpx.MockTransport(refuse)))
    assert caught.value.reason == "unreachable"


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": ISSUER + "/"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://bank.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"userinfo_endpoint": "https://user@bank.example/userinfo"},
        {"userinfo_endpoint": 7},
        {"jwks_uri": "https://[bank/"},
    ],
)
async def test_metadata_that_does_not_fit_the_issuer_is_not_used(change: dict[str, object]) -> None:
    provider = ScriptedProvider(metadata_change=change)
    with pytest.raises(ProviderUnavailable) as caught:
        await begin(a_bank(provider))
    assert caught.value.reason == "metadata"


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": "none"},
        {"keys": []},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "?", "y": "?"}, 7]},
        {"keys": [{**signing_key("one").as_dict(private=False), "use": "enc"}]},
    ],
)
async def test_a_key_set_without_a_usable_key_makes_the_provider_unavailable(keys: object) -> None:
    assert await outage_of(ScriptedProvider(instead={"/jwks": told_json(keys)})) == "keys"


@pytest.mark.parametrize("told", [Told(401, b"{}"), told_json({"error": "invalid_client"}, 400)])
async def test_a_bank_that_does_not_know_us_is_our_fault_and_not_the_shoppers(told: Told) -> None:
    assert await outage_of(ScriptedProvider(instead={"/token": told})) == "client_refused"


async def test_a_provider_whose_keys_are_unknown_again_and_again_is_looked_at_once_in_ten_seconds() -> None:
    provider = ScriptedProvider(published=[signing_key("other")])
    bank = a_bank(provider)
    for _ in range(5):
        request = await begin(bank)
        with pytest.raises(LoginFailed, match="token_key_unknown"):
            await bank.finish(provider.visited(request.url), request, NOW)
    assert provider.count("/jwks") == 2


async def test_many_who_come_at_once_look_at_the_provider_once() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    await asyncio.gather(*(begin(bank) for _ in range(20)))
    assert provider.count(DISCOVERY) == 1


async def test_what_was_discovered_is_read_again_after_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    await begin(bank)
    later_s = time.monotonic() + 301
    monkeypatch.setattr(time, "monotonic", lambda: later_s)
    await begin(bank)
    assert provider.count(DISCOVERY) == 2


async def test_a_failed_discovery_is_not_remembered() -> None:
    provider = ScriptedProvider(instead={DISCOVERY: Told(500)})
    bank = a_bank(provider)
    with pytest.raises(ProviderUnavailable):
        await begin(bank)
    provider.instead.clear()
    assert (await begin(bank)).url


async def test_cookies_of_the_provider_are_never_sent_back() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    await begin(bank)
    cookie = ((b"set-cookie", b"who=me"), (b"content-type", b"application/json"))
    provider.instead["/token"] = Told(500, b"", cookie)
    request = await begin(bank)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await bank.finish(provider.visited(request.url), request, NOW)
    assert all("cookie" not in headers for _, _, headers in provider.asked)


# --- What is kept, and what is never shown ---


async def test_what_a_browser_carries_through_the_login_comes_back_the_same() -> None:
    request = await begin(a_bank(ScriptedProvider()))
    assert unpack_login_request(pack_login_request(request)) == replace(request, url="")
    assert len(pack_login_request(request)) < 400, "it has to fit into a cookie with room to spare"


@pytest.mark.parametrize("packed", [b"", b"\xff", b"{}", b"\x96\x01\x02\x03\x04\x05\x06", b"\xc1" * 40])
def test_what_is_no_packed_login_is_none(packed: bytes) -> None:
    assert unpack_login_request(packed) is None


async def test_neither_secrets_nor_the_national_number_show_in_a_representation() -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    identity = await bank.finish(provider.visited(request.url), request, NOW)
    shown = f"{request!r} {identity!r} {REGISTRATION!r}"
    private = str(OUR_KEY.as_dict(private=True)["d"])
    for secret in (request.state, request.nonce, request.code_verifier, "030271-952K", "1971", private):
        assert secret not in shown
    assert request.state not in login_reference(request)


async def test_the_bank_is_never_asked_inside_a_transaction(db: str) -> None:
    provider = ScriptedProvider()
    bank = a_bank(provider)
    request = await begin(bank)
    seen = len(provider.asked)
    async with tx():
        with pytest.raises(NetworkInTransaction):
            await begin(bank)
        with pytest.raises(NetworkInTransaction):
            await bank.finish(provider.visited(request.url), request, NOW)
    assert len(provider.asked) == seen
