"""Strong authentication over OpenID Connect: the relying party.

Authorization code flow with PKCE (RFC 7636), state, nonce and the issuer in the answer (RFC 9207). Requests are pushed
(RFC 9126) and signed (RFC 9101), we prove ourselves by private_key_jwt (RFC 7523), and what the provider tells comes
encrypted to us (RFC 7516). The provider is known by its issuer and the keys it publishes, and by nothing else: a
sandbox and a foreign bank are the same to this file, and the countries differ by their profile alone. Between the two
halves of a login nothing is kept here; the caller holds the `LoginRequest`.

`bank_provider` reads what the provider says of itself, `bank_requests` makes what we send, `bank_sealed` and
`bank_tokens` check what comes back, `bank_claims` reads the person out of it.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx

from app.identity.errors import LoginCancelled, LoginExpired, LoginFailed, ProviderUnavailable
from app.identity.ports import LoginRequest, VerifiedIdentity
from app.kernel import db
from app.outside.bank_claims import identity_of
from app.outside.bank_http import Answer, BankHttp
from app.outside.bank_keys import ClientKeys
from app.outside.bank_profiles import BankProfile
from app.outside.bank_provider import Directory, Provider
from app.outside.bank_requests import authorization_parameters, client_proof, request_object
from app.outside.bank_sealed import open_sealed
from app.outside.bank_tokens import (
    Claims,
    Expected,
    KeyUnknownError,
    check_id_token,
    check_userinfo,
    text_claim,
    verified_claims,
)

T = TypeVar("T")

LOGIN_VALID_S: Final = 600
TOTAL_TIMEOUT_S: Final = 5.0

_REQUEST_URI_MAX_CHARS: Final = 4096


@dataclass(frozen=True, slots=True)
class Registration:
    """Us at one provider. `issuer` is compared character by character. Plain http is for a provider on this
    machine."""

    issuer: str
    client_id: str
    keys: ClientKeys
    allow_plain_http: bool = False


class Bank:
    """`StrongAuthentication` at one OpenID provider. One instance a process: it keeps the provider's discovery."""

    def __init__(
        self,
        profile: BankProfile,
        registration: Registration,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self._profile = profile
        self._we = registration
        self._http = BankHttp(transport)
        self._directory = Directory(
            registration.issuer, self._http, allow_plain_http=registration.allow_plain_http
        )
        self._total_timeout_s = total_timeout_s

    async def begin(self, return_url: str, locale: str, binding_text: str, now: datetime) -> LoginRequest:
        """The address to send the browser to, and the secrets to keep until it returns. `now`: wall clock."""
        db.refuse_in_transaction("bank")
        request = LoginRequest(
            url="",
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            code_verifier=secrets.token_urlsafe(48),
            issuer=self._we.issuer,
            return_url=return_url,
            expires_at=now + timedelta(seconds=LOGIN_VALID_S),
        )
        parameters = authorization_parameters(
            self._profile, self._we.client_id, request, locale, binding_text
        )
        return replace(request, url=await self._within_time(self._address(parameters, now)))

    async def finish(
        self, callback_params: Mapping[str, str], request: LoginRequest, now: datetime
    ) -> VerifiedIdentity:
        """Who the provider says this is, after every check. `now`: wall clock."""
        db.refuse_in_transaction("bank")
        if now >= request.expires_at:
            raise LoginExpired
        if request.issuer != self._we.issuer:
            raise LoginFailed("issuer_mismatch")
        if not _same(callback_params.get("state", ""), request.state):
            raise LoginFailed("state_mismatch")
        return await self._within_time(self._finish(callback_params, request, now))

    async def _address(self, parameters: dict[str, str], now: datetime) -> str:
        """Where the browser goes. Pushed, the address carries a reference; else the parameters, signed."""
        provider = await self._directory.provider()
        client_id = {"client_id": self._we.client_id}
        if self._profile.request_signed:
            signed = request_object(parameters, self._we.keys.signing[0], self._we.issuer, now)
            # OpenID Connect asks for these two outside as well; what is signed is what counts.
            plain = {name: parameters[name] for name in ("response_type", "scope")}
            parameters = {**client_id, **plain, "request": signed}
        pushed = self._profile.request_pushed
        if provider.pushed_endpoint is not None and pushed != "never":
            reference = await self._push(provider.pushed_endpoint, provider, parameters, now)
            parameters = {**client_id, "request_uri": reference}
        elif pushed == "always":
            raise ProviderUnavailable("metadata")
        joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
        return provider.authorization_endpoint + joint + urlencode(parameters, quote_via=quote)

    async def _push(
        self, endpoint: str, provider: Provider, parameters: Mapping[str, str], now: datetime
    ) -> str:
        answer = await self._http.post_form(endpoint, {**parameters, **self._proof(provider, now)}, {})
        # The standard says 201; some answer 200. A refusal here is of what we sent, not of the shopper.
        if answer.status not in (200, 201):
            raise ProviderUnavailable("status" if answer.status >= 500 else "client_refused")
        reference = text_claim(answer.json_object(), "request_uri")
        if reference is None or len(reference) > _REQUEST_URI_MAX_CHARS:
            raise ProviderUnavailable("garbage")
        return reference

    async def _finish(
        self, callback_params: Mapping[str, str], request: LoginRequest, now: datetime
    ) -> VerifiedIdentity:
        provider = await self._directory.provider()
        code = _read_callback(
            callback_params, self._we.issuer, issuer_required=provider.names_issuer_in_answer
        )
        tokens = await self._redeem(provider, code, request, now)
        id_token, access_token = text_claim(tokens, "id_token"), text_claim(tokens, "access_token")
        if id_token is None:
            raise LoginFailed("token_missing")
        expected = self._expected(request)
        claims = await self._checked_id_token(provider, id_token, expected, now)
        endpoint = provider.userinfo_endpoint
        if self._profile.userinfo != "off" and endpoint is not None and access_token is not None:
            more = await self._userinfo(provider, endpoint, access_token)
            check_userinfo(more, expected, str(claims["sub"]))
            # The ID token wins wherever both speak.
            claims = {**more, **claims}
        return identity_of(claims, self._profile, self._we.issuer)

    async def _redeem(
        self, provider: Provider, code: str, request: LoginRequest, now: datetime
    ) -> dict[str, object]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.return_url,
            "code_verifier": request.code_verifier,
            **self._proof(provider, now),
        }
        answer = await self._http.post_form(provider.token_endpoint, form, {})
        if answer.status == 200:
            return answer.json_object()
        raise _token_refusal(answer)

    def _proof(self, provider: Provider, now: datetime) -> dict[str, str]:
        to_issuer = self._profile.assertion_audience == "issuer"
        audience = self._we.issuer if to_issuer else provider.token_endpoint
        return client_proof(self._we.client_id, audience, self._we.keys.signing[0], now)

    def _expected(self, request: LoginRequest) -> Expected:
        return Expected(
            issuer=self._we.issuer,
            client_id=self._we.client_id,
            nonce=request.nonce,
            acr_values=self._profile.acr_values,
            max_age_s=self._profile.max_age_s,
        )

    async def _checked_id_token(
        self, provider: Provider, token: str, expected: Expected, now: datetime
    ) -> dict[str, object]:
        if self._profile.id_token_encrypted:
            token = open_sealed(token, self._we.keys.decryption)
        try:
            return check_id_token(token, provider.keys, expected, now)
        except KeyUnknownError:
            fresh = await self._directory.looked_at_afresh(provider)
        try:
            return check_id_token(token, fresh.keys, expected, now)
        except KeyUnknownError:
            raise LoginFailed("token_key_unknown") from None

    async def _userinfo(self, provider: Provider, endpoint: str, access_token: str) -> Claims:
        kind = self._profile.userinfo
        accept = "application/json" if kind == "plain" else "application/jwt"
        answer = await self._http.get(endpoint, {"Authorization": f"Bearer {access_token}", "Accept": accept})
        if answer.status != 200:
            raise ProviderUnavailable("status")
        if kind == "plain":
            return answer.json_object()
        token = answer.text()
        if kind == "sealed":
            token = open_sealed(token, self._we.keys.decryption)
        try:
            return verified_claims(token, provider.keys)
        except KeyUnknownError:
            fresh = await self._directory.looked_at_afresh(provider)
        try:
            return verified_claims(token, fresh.keys)
        except KeyUnknownError:
            raise LoginFailed("token_key_unknown") from None

    async def _within_time(self, work: Coroutine[object, object, T]) -> T:
        """All requests of one step together, so that a slow provider cannot hold a shopper longer than this."""
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


def _token_refusal(answer: Answer) -> LoginFailed | ProviderUnavailable:
    if answer.status not in (400, 401):
        return ProviderUnavailable("status")
    if answer.status == 401 or answer.json_object().get("error") in ("invalid_client", "unauthorized_client"):
        return ProviderUnavailable("client_refused")
    return LoginFailed("code_refused")
