"""What our client does at a foreign, certified provider: what must go right, and what must be refused.

Each case is one function; its first line of documentation is its row in the table. It answers what was seen.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from app.identity.errors import LoginCancelled, LoginExpired, LoginFailed, ProviderUnavailable
from app.identity.ports import LoginRequest, VerifiedIdentity
from app.kernel import clock
from app.outside.bank import Bank, Registration
from app.outside.bank_keys import ClientKeys
from app.outside.bank_profiles import BankProfile, read_profile
from app.outside.bank_sealed import open_sealed
from tests.conformance.foreign import LOA3, RETURN_URL, Foreign
from tests.support.oidc import sealed_to

TEXT: Final = "Pay 129.00 EUR to Havu & Kivi"
PROFILE: Final = read_profile("FI")


def _rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


OURS: Final = ClientKeys((ECKey.generate_key("P-256", {"kid": "sign-ec"}),), (_rsa("open"),))
OURS_RSA: Final = ClientKeys((_rsa("sign-rsa"),), OURS.decryption)
OTHERS: Final = ClientKeys((ECKey.generate_key("P-256", {"kid": "sign-ec"}),), (_rsa("open"),))

_SEALED: Final = {
    "jwks": OURS.public_set(),
    "request_object_signing_alg": "ES256",
    "token_endpoint_auth_signing_alg": "ES256",
    "require_signed_request_object": True,
    "id_token_signed_response_alg": "ES256",
    "id_token_encrypted_response_alg": "RSA-OAEP-256",
    "id_token_encrypted_response_enc": "A256GCM",
    "userinfo_signed_response_alg": "ES256",
    "userinfo_encrypted_response_alg": "RSA-OAEP-256",
    "userinfo_encrypted_response_enc": "A256GCM",
}
_RSA: Final = {
    "jwks": OURS_RSA.public_set(),
    "request_object_signing_alg": "RS256",
    "token_endpoint_auth_signing_alg": "RS256",
    "id_token_signed_response_alg": "RS256",
    "userinfo_signed_response_alg": "RS256",
    "id_token_encrypted_response_alg": "RSA-OAEP",
    "id_token_encrypted_response_enc": "A128CBC-HS256",
    "userinfo_encrypted_response_alg": "RSA-OAEP",
    "userinfo_encrypted_response_enc": "A128CBC-HS256",
}
_UNSEALED_ID: Final = {
    name: value for name, value in _SEALED.items() if not name.startswith("id_token_encrypted")
}
_UNSEALED_USERINFO: Final = {
    name: value for name, value in _SEALED.items() if not name.startswith("userinfo_encrypted")
}
_BARE: Final = {
    name: value
    for name, value in _SEALED.items()
    if "encrypted" not in name and not name.startswith("userinfo_")
}

CLIENTS: Final[list[Mapping[str, object]]] = [
    {"client_id": "full", **_SEALED, "require_pushed_authorization_requests": True},
    {"client_id": "by-value", **_SEALED},
    {"client_id": "rsa", **_SEALED, **_RSA},
    {"client_id": "unsealed-id", **_UNSEALED_ID},
    {"client_id": "unsealed-userinfo", **_UNSEALED_USERINFO},
    {"client_id": "bare", **_BARE},
    {
        "client_id": "sealed-to-another",
        **_SEALED,
        "jwks": {
            "keys": [
                *OURS.public_set()["keys"][:1],  # type: ignore[index]
                *OTHERS.public_set()["keys"][1:],  # type: ignore[index]
            ]
        },
    },
    {
        "client_id": "shared-secret",
        **_SEALED,
        "id_token_signed_response_alg": "HS256",
        "client_secret": "s" * 43,
    },
]


@dataclass
class At:
    """A login of one of our registrations at the provider."""

    foreign: Foreign
    client_id: str = "full"
    profile: BankProfile = PROFILE
    keys: ClientKeys = OURS
    transport: httpx.AsyncBaseTransport | None = None

    def bank(self) -> Bank:
        we = Registration(self.foreign.issuer, self.client_id, self.keys, allow_plain_http=True)
        return Bank(self.profile, we, transport=self.transport)

    async def logs_in(self, **answers: Any) -> VerifiedIdentity:
        bank = self.bank()
        request = await begun(bank)
        brought = await self.foreign.person_answers(request.url, **answers)
        return await bank.finish(brought, request, clock.wall())

    async def is_refused(self, **answers: Any) -> str:
        try:
            await self.logs_in(**answers)
        except (LoginFailed, ProviderUnavailable) as why:
            return f"{type(why).__name__}: {why.reason}"
        except LoginCancelled:
            return "LoginCancelled"
        raise AssertionError("somebody was identified who must not be")


async def begun(bank: Bank) -> LoginRequest:
    return await bank.begin(RETURN_URL, "fi", TEXT, clock.wall())


async def refusal(work: Awaitable[object]) -> str:
    try:
        await work
    except LoginExpired:
        return "LoginExpired"
    except (LoginFailed, ProviderUnavailable) as why:
        return f"{type(why).__name__}: {why.reason}"
    raise AssertionError("it was not refused")


def expect(seen: str, wanted: str) -> str:
    assert seen == wanted, f"{seen} instead of {wanted}"
    return seen


def as_maija(who: VerifiedIdentity) -> str:
    assert (who.name, who.subject) == ("Maija Meikäläinen", "maija-1")
    assert (who.national_number, who.national_number_kind) == ("030271-952K", "hetu")
    return f"identified, acr {who.acr.rpartition('/')[2]}"


class Watching(httpx.AsyncHTTPTransport):
    """The line to the provider, with what went over it; `change` may alter an answer's body."""

    def __init__(self, change: Callable[[str, bytes], bytes] | None = None) -> None:
        super().__init__()
        self.sent: list[tuple[str, bytes]] = []
        self.came: list[tuple[str, str, bytes]] = []
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.sent.append((path, await request.aread()))
        answer = await super().handle_async_request(request)
        body = await answer.aread()
        await answer.aclose()
        self.came.append((path, answer.headers.get("content-type", ""), body))
        if self._change is not None:
            body = self._change(path, body)
        kept = {name: value for name, value in answer.headers.items() if name == "content-type"}
        return httpx.Response(answer.status_code, headers=kept, stream=httpx.ByteStream(body))

    def body_of(self, path: str) -> bytes:
        return next(body for seen, _, body in self.came if seen == path)


def with_id_token(change: Callable[[str], str]) -> Watching:
    """A line on which somebody alters the signed token and seals it again: anybody has our public key."""

    def altered(path: str, body: bytes) -> bytes:
        if path != "/token":
            return body
        answer = json.loads(body)
        answer["id_token"] = change(answer["id_token"])
        return json.dumps(answer).encode()

    return Watching(altered)


def b64(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def resealed(change: Callable[[dict[str, Any]], str]) -> Watching:
    def altered(token: str) -> str:
        inside = jws.extract_compact(open_sealed(token, OURS.decryption).encode())
        claims = json.loads(inside.payload)
        return sealed_to(OURS.decryption[0], change({"header": dict(inside.headers()), "claims": claims}))

    return with_id_token(altered)


# --- What must go right ---


async def full_profile(foreign: Foreign) -> str:
    """Discovery, pushed and signed request, private_key_jwt, PKCE, code, sealed ID token, sealed userinfo"""
    line = Watching()
    seen = as_maija(await At(foreign, transport=line).logs_in())
    paths = [path for path, _ in line.sent]
    assert paths == ["/.well-known/openid-configuration", "/jwks", "/request", "/token", "/me"], paths
    assert json.loads(line.body_of("/token"))["id_token"].count(".") == 4
    assert line.body_of("/me").count(b".") == 4
    return seen


async def browser_carries_a_reference(foreign: Foreign) -> str:
    """The browser's address holds client_id and request_uri and nothing about the purchase"""
    url = (await begun(At(foreign).bank())).url
    names = sorted(httpx.URL(url).params.keys())
    assert names == ["client_id", "request_uri"], names
    return ", ".join(names)


async def signed_by_value(foreign: Foreign) -> str:
    """A signed request in the browser's address, where a profile does not push"""
    at = At(foreign, "by-value", replace(PROFILE, request_pushed="never"))
    assert "request" in httpx.URL((await begun(at.bank())).url).params
    return as_maija(await at.logs_in())


async def rsa_throughout(foreign: Foreign) -> str:
    """RS256 for us and for them, RSA-OAEP with A128CBC-HS256"""
    return as_maija(await At(foreign, "rsa", keys=OURS_RSA).logs_in())


async def assertion_to_token_endpoint(foreign: Foreign) -> str:
    """The client's proof addressed to the token endpoint, for brokers that want it so"""
    at = At(
        foreign, "by-value", replace(PROFILE, assertion_audience="token_endpoint", request_pushed="never")
    )
    return as_maija(await at.logs_in())


async def plain_answers_where_agreed(foreign: Foreign) -> str:
    """Signed ID token and plain userinfo, where a profile says so"""
    return as_maija(
        await At(foreign, "bare", replace(PROFILE, id_token_encrypted=False, userinfo="plain")).logs_in()
    )


async def signed_userinfo_where_agreed(foreign: Foreign) -> str:
    """Userinfo signed and not encrypted, where a profile says so"""
    return as_maija(await At(foreign, "unsealed-userinfo", replace(PROFILE, userinfo="signed")).logs_in())


async def higher_level(foreign: Foreign) -> str:
    """A higher level than the lowest that is asked for"""
    return as_maija(await At(foreign).logs_in(acr=LOA3))


async def clocks_apart(foreign: Foreign) -> str:
    """Our clock 45 seconds ahead of theirs, and 45 behind"""
    for skew_s in (45, -45):
        bank, now = At(foreign).bank(), clock.wall() + timedelta(seconds=skew_s)
        request = await bank.begin(RETURN_URL, "fi", TEXT, now)
        as_maija(await bank.finish(await foreign.person_answers(request.url), request, now))
    return "identified both times"


async def cached_discovery(foreign: Foreign) -> str:
    """Three logins read discovery and keys once"""
    line = Watching()
    at = At(foreign, transport=line)
    bank = at.bank()
    for _ in range(3):
        request = await begun(bank)
        await bank.finish(await foreign.person_answers(request.url), request, clock.wall())
    paths = [path for path, _ in line.sent]
    assert (paths.count("/.well-known/openid-configuration"), paths.count("/jwks")) == (1, 1)
    return "1 of each"


# --- What must be refused ---


async def turned_back(foreign: Foreign) -> str:
    """The person turns back"""
    return expect(await At(foreign).is_refused(cancel=True), "LoginCancelled")


async def weak_level(foreign: Foreign) -> str:
    """A level that is not strong"""
    return expect(await At(foreign).is_refused(acr="urn:weak:password"), "LoginFailed: token_acr")


async def no_level(foreign: Foreign) -> str:
    """No level at all"""
    return expect(await At(foreign).is_refused(acr=None), "LoginFailed: token_acr")


async def code_twice(foreign: Foreign) -> str:
    """A code that was used before"""
    bank = At(foreign).bank()
    request = await begun(bank)
    brought = await foreign.person_answers(request.url)
    await bank.finish(brought, request, clock.wall())
    return expect(await refusal(bank.finish(brought, request, clock.wall())), "LoginFailed: code_refused")


async def code_of_another_login(foreign: Foreign) -> str:
    """A code stolen from another browser: the PKCE verifier is not its own"""
    bank = At(foreign).bank()
    victim, thief = await begun(bank), await begun(bank)
    stolen = await foreign.person_answers(victim.url)
    seen = await refusal(bank.finish({**stolen, "state": thief.state}, thief, clock.wall()))
    return expect(seen, "LoginFailed: code_refused")


async def state_of_another_browser(foreign: Foreign) -> str:
    """An answer that belongs to another browser's login"""
    bank = At(foreign).bank()
    one, other = await begun(bank), await begun(bank)
    brought = await foreign.person_answers(one.url)
    return expect(await refusal(bank.finish(brought, other, clock.wall())), "LoginFailed: state_mismatch")


async def issuer_in_answer(foreign: Foreign) -> str:
    """The answer names another issuer, or none (RFC 9207)"""
    bank = At(foreign).bank()
    request = await begun(bank)
    brought = await foreign.person_answers(request.url)
    nameless = {name: value for name, value in brought.items() if name != "iss"}
    for wrong in (nameless, {**nameless, "iss": "https://evil.example"}):
        expect(await refusal(bank.finish(wrong, request, clock.wall())), "LoginFailed: issuer_mismatch")
    return "LoginFailed: issuer_mismatch, both"


async def too_late(foreign: Foreign) -> str:
    """Back after more than ten minutes"""
    bank = At(foreign).bank()
    request = await begun(bank)
    brought = await foreign.person_answers(request.url)
    return expect(await refusal(bank.finish(brought, request, request.expires_at)), "LoginExpired")


async def unknown_key_of_ours(foreign: Foreign) -> str:
    """We sign with a key that the provider does not know"""
    stranger = At(foreign, keys=ClientKeys(OTHERS.signing, OURS.decryption))
    return expect(await refusal(begun(stranger.bank())), "ProviderUnavailable: client_refused")


async def sealed_to_another(foreign: Foreign) -> str:
    """ID token encrypted to a key that is not ours"""
    return expect(await At(foreign, "sealed-to-another").is_refused(), "LoginFailed: token_encryption_key")


async def unsealed_id_token(foreign: Foreign) -> str:
    """ID token signed but not encrypted, where encryption was agreed"""
    return expect(await At(foreign, "unsealed-id").is_refused(), "LoginFailed: token_not_encrypted")


async def unsealed_userinfo(foreign: Foreign) -> str:
    """Userinfo signed but not encrypted, where encryption was agreed"""
    return expect(await At(foreign, "unsealed-userinfo").is_refused(), "LoginFailed: token_not_encrypted")


async def shared_secret_signature(foreign: Foreign) -> str:
    """ID token signed with a shared secret (HS256)"""
    return expect(await At(foreign, "shared-secret").is_refused(), "LoginFailed: token_algorithm")


async def unsigned_inside(foreign: Foreign) -> str:
    """The provider's claims resealed under alg none"""
    line = resealed(lambda was: f"{b64({'alg': 'none'})}.{b64(was['claims'])}.")
    return expect(await At(foreign, transport=line).is_refused(), "LoginFailed: token_algorithm")


async def public_key_as_secret(foreign: Foreign) -> str:
    """The provider's claims resealed under HS256 with our public key as the secret"""
    secret = OURS.decryption[0].as_pem(private=False)

    def forged(was: dict[str, Any]) -> str:
        head = f"{b64({**was['header'], 'alg': 'HS256'})}.{b64(was['claims'])}"
        return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"

    return expect(await At(foreign, transport=resealed(forged)).is_refused(), "LoginFailed: token_algorithm")


async def another_person_inside(foreign: Foreign) -> str:
    """The provider's token resealed with another subject and the old signature"""

    def forged(was: dict[str, Any]) -> str:
        return f"{b64(was['header'])}.{b64({**was['claims'], 'sub': 'somebody-else'})}.{b64(b's' * 64)}"

    return expect(await At(foreign, transport=resealed(forged)).is_refused(), "LoginFailed: token_signature")


async def token_of_an_earlier_login(foreign: Foreign) -> str:
    """A whole ID token of an earlier login, replayed"""
    kept = Watching()
    await At(foreign, transport=kept).logs_in()
    earlier = json.loads(kept.body_of("/token"))["id_token"]
    line = with_id_token(lambda _: str(earlier))
    return expect(await At(foreign, transport=line).is_refused(), "LoginFailed: token_nonce")


async def token_of_another_client(foreign: Foreign) -> str:
    """A good ID token that was made for another client with our keys"""
    kept = Watching()
    await At(foreign, "by-value", transport=kept).logs_in()
    others = json.loads(kept.body_of("/token"))["id_token"]
    line = with_id_token(lambda _: str(others))
    return expect(await At(foreign, transport=line).is_refused(), "LoginFailed: token_audience")


async def garbage(foreign: Foreign) -> str:
    """Garbage from the token endpoint"""
    line = Watching(lambda path, body: b"<html>maintenance</html>" if path == "/token" else body)
    return expect(await At(foreign, transport=line).is_refused(), "ProviderUnavailable: garbage")


async def gone(foreign: Foreign) -> str:
    """The provider is gone between the two halves of a login (the last case)"""
    bank = At(foreign).bank()
    request = await begun(bank)
    brought = await foreign.person_answers(request.url)
    foreign.process.kill()
    foreign.process.wait()
    return expect(
        await refusal(bank.finish(brought, request, clock.wall())), "ProviderUnavailable: unreachable"
    )


RIGHT: Final = (
    full_profile,
    browser_carries_a_reference,
    signed_by_value,
    rsa_throughout,
    assertion_to_token_endpoint,
    plain_answers_where_agreed,
    signed_userinfo_where_agreed,
    higher_level,
    clocks_apart,
    cached_discovery,
)
REFUSED: Final = (
    turned_back,
    weak_level,
    no_level,
    code_twice,
    code_of_another_login,
    state_of_another_browser,
    issuer_in_answer,
    too_late,
    unknown_key_of_ours,
    sealed_to_another,
    unsealed_id_token,
    unsealed_userinfo,
    shared_secret_signature,
    unsigned_inside,
    public_key_as_secret,
    another_person_inside,
    token_of_an_earlier_login,
    token_of_another_client,
    garbage,
    gone,
)
