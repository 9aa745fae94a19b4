"""Strong authentication over OpenID Connect: the relying party.

Authorization code flow with PKCE (RFC 7636), state, nonce and the issuer in the answer (RFC 9207). The
provider is known by its issuer and the keys it publishes, and by nothing else: a sandbox and a foreign bank
are the same to this file. Between the two halves of a login nothing is kept here; the caller holds the
`LoginRequest`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
import unicodedata
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from app.identity.errors import LoginCancelled, LoginExpired, LoginFailed, ProviderUnavailable
from app.identity.ports import LoginRequest, VerifiedIdentity
from app.kernel import db
from app.outside.bank_http import Answer, BankHttp
from app.outside.bank_tokens import (
    Claims,
    Expected,
    KeyUnknownError,
    check_id_token,
    moment_claim,
    read_key_set,
    text_claim,
)

T = TypeVar("T")

FTN_SUBSTANTIAL = "http://ftn.ficora.fi/2017/loa2"
FTN_HIGH = "http://ftn.ficora.fi/2017/loa3"

_LOGIN_VALID_S = 600
_CACHE_S = 300
_TOTAL_TIMEOUT_S = 5.0
_ASSERTION_VALID_S = 60
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BINDING_TEXT_MAX_CHARS = 130
_NAME_MAX_CHARS = 200
_NATIONAL_NUMBER_MAX_CHARS = 40


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """Client authentication by a key of ours whose public half the provider holds (RFC 7523).

    `audience` says what the assertion is addressed to; the issuer is the safer choice, some brokers still
    want their token endpoint.
    """

    key: RSAKey | ECKey = field(repr=False)
    audience: Literal["issuer", "token_endpoint"] = "issuer"


@dataclass(frozen=True, slots=True)
class ClientSecretBasic:
    """Client authentication by a shared secret (RFC 6749 section 2.3.1)."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Under which names this provider tells what we ask. `name` falls back to given_name and family_name."""

    name: str = "name"
    birthdate: str = "birthdate"
    national_number: str = "urn:oid:1.2.246.21"


@dataclass(frozen=True, slots=True)
class BankProfile:
    """One provider as an operator configures it. `issuer` is compared character by character.

    `acr_values` are the levels that count as strong here, best first. `binding_parameter` is the provider's
    own name for the text it shows to the person, None where it shows none. Plain http is for a provider on
    this machine.
    """

    issuer: str
    client_id: str
    client_authentication: PrivateKeyJwt | ClientSecretBasic
    country: str
    acr_values: tuple[str, ...] = (FTN_SUBSTANTIAL, FTN_HIGH)
    scopes: tuple[str, ...] = ("openid", "profile")
    claims: ClaimNames = ClaimNames()
    binding_parameter: str | None = "binding_message"
    max_age_s: int = 300
    use_userinfo: bool = True
    allow_plain_http: bool = False


@dataclass(frozen=True, slots=True)
class _Provider:
    """What the provider says of itself, and when it was read (monotonic seconds)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    names_issuer_in_answer: bool
    keys: KeySet
    read_at_s: float


class Bank:
    """`StrongAuthentication` at one OpenID provider. One instance a process: it caches the provider's
    discovery."""

    def __init__(
        self,
        profile: BankProfile,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        total_timeout_s: float = _TOTAL_TIMEOUT_S,
    ) -> None:
        if "openid" not in profile.scopes or not profile.acr_values:
            raise ValueError("a bank profile needs the scope openid and at least one acr value")
        self._profile = profile
        self._http = BankHttp(transport)
        self._total_timeout_s = total_timeout_s
        self._cached: _Provider | None = None

    async def begin(self, return_url: str, locale: str, binding_text: str, now: datetime) -> LoginRequest:
        """The address to send the browser to, and the secrets to keep until it returns. `now`: wall clock."""
        db.refuse_in_transaction("bank")
        provider = await self._within_time(self._provider())
        request = LoginRequest(
            url="",
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            code_verifier=secrets.token_urlsafe(48),
            issuer=self._profile.issuer,
            return_url=return_url,
            expires_at=now + timedelta(seconds=_LOGIN_VALID_S),
        )
        parameters = self._authorization_parameters(request, locale, binding_text)
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        url = provider.authorization_endpoint + joint + urlencode(parameters, quote_via=quote)
        return replace(request, url=url)

    async def finish(
        self, callback_params: Mapping[str, str], request: LoginRequest, now: datetime
    ) -> VerifiedIdentity:
        """Who the provider says this is, after every check. `now`: wall clock."""
        db.refuse_in_transaction("bank")
        if now >= request.expires_at:
            raise LoginExpired
        if request.issuer != self._profile.issuer:
            raise LoginFailed("issuer_mismatch")
        if not _same(callback_params.get("state", ""), request.state):
            raise LoginFailed("state_mismatch")
        return await self._within_time(self._finish(callback_params, request, now))

    async def _finish(
        self, callback_params: Mapping[str, str], request: LoginRequest, now: datetime
    ) -> VerifiedIdentity:
        provider = await self._provider()
        code = _read_callback(
            callback_params, self._profile.issuer, issuer_required=provider.names_issuer_in_answer
        )
        tokens = await self._redeem(provider, code, request, now)
        id_token, access_token = text_claim(tokens, "id_token"), text_claim(tokens, "access_token")
        if id_token is None:
            raise LoginFailed("token_missing")
        claims = await self._checked_claims(provider, id_token, request, now)
        if self._profile.use_userinfo and provider.userinfo_endpoint is not None and access_token is not None:
            more = await self._userinfo(provider.userinfo_endpoint, access_token, claims)
            # The signed token wins wherever both speak.
            claims = {**more, **claims}
        return _identity(claims, self._profile)

    def _authorization_parameters(
        self, request: LoginRequest, locale: str, binding_text: str
    ) -> dict[str, str]:
        """One plain mapping, so that a signed request object can carry the same words later."""
        profile = self._profile
        challenge = hashlib.sha256(request.code_verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": profile.client_id,
            "redirect_uri": request.return_url,
            "scope": " ".join(profile.scopes),
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "acr_values": " ".join(profile.acr_values),
            # A session that somebody left open at the provider must not identify the next person.
            "prompt": "login",
            "max_age": str(profile.max_age_s),
            "ui_locales": locale,
        }
        if profile.binding_parameter is not None and binding_text:
            parameters[profile.binding_parameter] = binding_text[:_BINDING_TEXT_MAX_CHARS]
        return parameters

    async def _redeem(
        self, provider: _Provider, code: str, request: LoginRequest, now: datetime
    ) -> dict[str, object]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.return_url,
            "code_verifier": request.code_verifier,
        }
        headers: dict[str, str] = {}
        match self._profile.client_authentication:
            case PrivateKeyJwt() as method:
                form["client_id"] = self._profile.client_id
                form["client_assertion_type"] = _ASSERTION_TYPE
                form["client_assertion"] = self._assertion(method, provider, now)
            case ClientSecretBasic(secret):
                headers["Authorization"] = _basic(self._profile.client_id, secret)
        answer = await self._http.post_form(provider.token_endpoint, form, headers)
        if answer.status == 200:
            return answer.json_object()
        raise _token_refusal(answer)

    def _assertion(self, method: PrivateKeyJwt, provider: _Provider, now: datetime) -> str:
        key = method.key
        issued_at_s = int(now.timestamp())
        header = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "kid": key.kid or key.thumbprint()}
        claims = {
            "iss": self._profile.client_id,
            "sub": self._profile.client_id,
            "aud": self._profile.issuer if method.audience == "issuer" else provider.token_endpoint,
            "jti": secrets.token_urlsafe(16),
            "iat": issued_at_s,
            "exp": issued_at_s + _ASSERTION_VALID_S,
        }
        return jwt.encode(header, claims, key, algorithms=[header["alg"]])

    async def _checked_claims(
        self, provider: _Provider, id_token: str, request: LoginRequest, now: datetime
    ) -> dict[str, object]:
        expected = Expected(
            issuer=self._profile.issuer,
            client_id=self._profile.client_id,
            nonce=request.nonce,
            acr_values=self._profile.acr_values,
            max_age_s=self._profile.max_age_s,
        )
        try:
            return check_id_token(id_token, provider.keys, expected, now)
        except KeyUnknownError:
            # The provider may have changed its keys since we looked: one fresh look, no more.
            fresh = await self._read_provider()
        try:
            return check_id_token(id_token, fresh.keys, expected, now)
        except KeyUnknownError:
            raise LoginFailed("token_key_unknown") from None

    async def _userinfo(self, endpoint: str, access_token: str, claims: Claims) -> dict[str, object]:
        answer = await self._http.get(endpoint, {"Authorization": f"Bearer {access_token}"})
        if answer.status != 200:
            raise ProviderUnavailable("status")
        more = answer.json_object()
        # Without this check a swapped access token would mix two people (OpenID Connect Core 5.3.2).
        if more.get("sub") != claims["sub"]:
            raise LoginFailed("userinfo_subject")
        return more

    async def _provider(self) -> _Provider:
        cached = self._cached
        if cached is not None and time.monotonic() - cached.read_at_s < _CACHE_S:
            return cached
        return await self._read_provider()

    async def _read_provider(self) -> _Provider:
        issuer = self._profile.issuer
        answer = await self._http.get(issuer.rstrip("/") + "/.well-known/openid-configuration", {})
        if answer.status != 200:
            raise ProviderUnavailable("status")
        metadata = answer.json_object()
        if metadata.get("issuer") != issuer:
            raise ProviderUnavailable("metadata")
        jwks_uri = self._endpoint(metadata, "jwks_uri")
        has_userinfo = metadata.get("userinfo_endpoint") is not None
        provider = _Provider(
            authorization_endpoint=self._endpoint(metadata, "authorization_endpoint"),
            token_endpoint=self._endpoint(metadata, "token_endpoint"),
            jwks_uri=jwks_uri,
            userinfo_endpoint=self._endpoint(metadata, "userinfo_endpoint") if has_userinfo else None,
            names_issuer_in_answer=metadata.get("authorization_response_iss_parameter_supported") is True,
            keys=await self._read_keys(jwks_uri),
            read_at_s=time.monotonic(),
        )
        self._cached = provider
        return provider

    async def _read_keys(self, jwks_uri: str) -> KeySet:
        answer = await self._http.get(jwks_uri, {})
        if answer.status != 200:
            raise ProviderUnavailable("status")
        try:
            return read_key_set(answer.json_object())
        except ValueError:
            raise ProviderUnavailable("keys") from None

    def _endpoint(self, metadata: Mapping[str, object], name: str) -> str:
        url = text_claim(metadata, name)
        if url is None:
            raise ProviderUnavailable("metadata")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ProviderUnavailable("metadata") from None
        schemes = ("https", "http") if self._profile.allow_plain_http else ("https",)
        if parts.scheme not in schemes or not parts.hostname or parts.fragment or parts.username:
            raise ProviderUnavailable("metadata")
        return url

    async def _within_time(self, work: Coroutine[object, object, T]) -> T:
        """All requests of one step together, so that a slow provider cannot hold a shopper longer than
        this."""
        try:
            async with asyncio.timeout(self._total_timeout_s):
                return await work
        except TimeoutError:
            raise ProviderUnavailable("timeout") from None


def _same(given: str, kept: str) -> bool:
    return bool(kept) and hmac.compare_digest(given.encode(), kept.encode())


def _read_callback(params: Mapping[str, str], issuer: str, *, issuer_required: bool) -> str:
    """The code of an answer whose state was found right. An answer by another issuer is a mix-up attack."""
    if params.get("iss", None if issuer_required else issuer) != issuer:
        raise LoginFailed("issuer_mismatch")
    match params.get("error"):
        case None:
            pass
        case "access_denied":
            raise LoginCancelled
        case "server_error" | "temporarily_unavailable":
            raise ProviderUnavailable("provider_error")
        case _:
            raise LoginFailed("provider_refused")
    code = params.get("code", "")
    if not code:
        raise LoginFailed("code_missing")
    return code


def _basic(client_id: str, secret: str) -> str:
    # Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1).
    joined = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(joined.encode()).decode()


def _token_refusal(answer: Answer) -> LoginFailed | ProviderUnavailable:
    if answer.status not in (400, 401):
        return ProviderUnavailable("status")
    if answer.status == 401 or answer.json_object().get("error") in ("invalid_client", "unauthorized_client"):
        return ProviderUnavailable("client_refused")
    return LoginFailed("code_refused")


def _identity(claims: Claims, profile: BankProfile) -> VerifiedIdentity:
    subject, authenticated_at = text_claim(claims, "sub"), moment_claim(claims, "auth_time")
    acr, name = text_claim(claims, "acr"), _name(claims, profile.claims.name)
    if subject is None or authenticated_at is None or acr is None or name is None:
        raise LoginFailed("claims_missing")
    national_number = text_claim(claims, profile.claims.national_number)
    if national_number is not None and len(national_number) > _NATIONAL_NUMBER_MAX_CHARS:
        raise LoginFailed("claims_unreadable")
    return VerifiedIdentity(
        issuer=profile.issuer,
        subject=subject,
        name=name,
        birthdate=_birthdate(text_claim(claims, profile.claims.birthdate)),
        national_number=national_number,
        country=profile.country,
        acr=acr,
        authenticated_at=authenticated_at,
    )


def _name(claims: Claims, claim: str) -> str | None:
    whole = text_claim(claims, claim)
    if whole is None:
        parts = (text_claim(claims, "given_name"), text_claim(claims, "family_name"))
        whole = " ".join(part for part in parts if part is not None)
    # Control and format characters could dress one name up as another, or break a letter's lines.
    readable = "".join(char for char in whole if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return " ".join(unicodedata.normalize("NFC", readable).split())[:_NAME_MAX_CHARS] or None


def _birthdate(text: str | None) -> date | None:
    """The day of birth. Providers may tell a year alone, or 0000 for one kept back: then we know no day."""
    try:
        return date.fromisoformat(text) if text is not None and len(text) == 10 else None
    except ValueError:
        return None
