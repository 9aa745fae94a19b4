"""The sandbox bank as an OpenID provider, without a word of HTTP handling.

It keeps no session and sets no cookie. A code and an access token are sealed values that carry their own
meaning, so any process can read what another one issued; that a code works once is the memory's doing. So is a
pushed request: its reference is the sealed request itself.

It takes requests pushed and signed, and nothing else, and everything it tells of a person is signed and then encrypted
to the client.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from joserfc import jwe, jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey

from app.kernel import clock
from app.kernel.keys import SealBroken
from app.messages.sandbox import SandboxPerson
from app.messages.sandbox_numbers import national_number
from app.web.sandbox.bank_schemes import ACR_VALUES, SCHEMES, Scheme, asked_level, scheme_in, shown_text

_REQUEST_VALID_S = 600
_REQUEST_OBJECT_VALID_MAX_S = 3600
_REFERENCE = "urn:ietf:params:oauth:request_uri:"
_CODE_VALID_S = 60
_ACCESS_VALID_S = 300
_ID_TOKEN_VALID_S = 300
_ASSERTION_VALID_MAX_S = 300
_LEEWAY_S = 60
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_STRANGER = "someone-else-"
_SEAL_ALGORITHM = "RSA-OAEP-256"
_SEAL_CONTENT = "A256GCM"

Sealed = TypeVar("Sealed", bound=msgspec.Struct)


class SealedBox(Protocol):
    """What the provider needs of the deployment's keyring."""

    def seal(self, purpose: str, plaintext: bytes) -> bytes: ...
    def open(self, purpose: str, sealed: bytes) -> bytes: ...


class Memory(Protocol):
    async def remember_once(self, key: str, value: Mapping[str, object], ttl_s: int) -> bool: ...
    async def recall(self, key: str) -> object | None: ...


class People(Protocol):
    async def find(self, country: str, search: str, at_most: int) -> Sequence[SandboxPerson]: ...
    async def by_subject(self, subject: str) -> SandboxPerson | None: ...


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """Who may ask this bank: one client, its addresses to return to, and the public halves of its keys: `keys` sign for
    it, and what is told of a person is encrypted to `sealed_to`."""

    client_id: str
    name: str
    redirect_uris: frozenset[str]
    keys: KeySet
    sealed_to: RSAKey


class UnsafeRequestError(Exception):
    """An authorization request that must not be answered by a redirect: there is nobody safe to send it
    to."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProtocolError(Exception):
    """An OAuth error by its registered name, for a redirect or a JSON answer."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that its client pushed and signed, and that was found good."""

    redirect_uri: str
    state: str | None
    nonce: str | None
    code_challenge: str
    scheme: Scheme
    acr: str
    shown_text: str
    locales: str


class _Pushed(msgspec.Struct, array_like=True, frozen=True):
    redirect_uri: str
    state: str | None
    nonce: str | None
    code_challenge: str
    country: str
    acr: str
    shown_text: str
    locales: str
    expires_at_s: int


class _Code(msgspec.Struct, array_like=True, frozen=True):
    id: str
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    acr: str
    subject: str
    authenticated_at_s: int
    expires_at_s: int


class _Access(msgspec.Struct, array_like=True, frozen=True):
    code_id: str
    subject: str
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class SandboxBank:
    """The provider: its name, its key, the one client it knows, and its doors to what it remembers."""

    issuer: str
    key: ECKey = field(repr=False)
    client: RegisteredClient
    box: SealedBox = field(repr=False)
    memory: Memory = field(repr=False)
    people: People = field(repr=False)

    def metadata(self) -> dict[str, object]:
        """The discovery document (OpenID Connect Discovery 1.0 section 3)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "pushed_authorization_request_endpoint": f"{self.issuer}/par",
            "require_pushed_authorization_requests": True,
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "id_token_encryption_alg_values_supported": [_SEAL_ALGORITHM],
            "id_token_encryption_enc_values_supported": [_SEAL_CONTENT],
            "userinfo_signing_alg_values_supported": ["ES256"],
            "userinfo_encryption_alg_values_supported": [_SEAL_ALGORITHM],
            "userinfo_encryption_enc_values_supported": [_SEAL_CONTENT],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "RS256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "ssn"],
            "acr_values_supported": list(ACR_VALUES),
            "claims_supported": [
                "sub",
                "name",
                "birthdate",
                *(scheme.number_claim for scheme in SCHEMES),
                "identityscheme",
                "acr",
                "auth_time",
                "nonce",
            ],
            "ui_locales_supported": ["fi", "sv", "en", "da", "bg"],
            "request_parameter_supported": True,
            "request_uri_parameter_supported": False,
            "require_signed_request_object": True,
            "request_object_signing_alg_values_supported": ["ES256", "RS256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def public_keys(self) -> dict[str, object]:
        return {"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": "ES256"}]}

    async def push(self, form: Mapping[str, str]) -> dict[str, object]:
        """The endpoint for pushed requests (RFC 9126): a reference for the browser to carry. Raises ProtocolError."""
        await self._authenticate_client(form)
        parameters = self._signed_parameters(form)
        if parameters.get("redirect_uri") not in self.client.redirect_uris:
            raise ProtocolError("invalid_request")
        problem = _problem(parameters)
        if problem is not None:
            raise ProtocolError(problem)
        scheme, acr = asked_level(parameters.get("acr_values", ""))
        pushed = _Pushed(
            redirect_uri=parameters["redirect_uri"],
            state=parameters.get("state"),
            nonce=parameters.get("nonce"),
            code_challenge=parameters["code_challenge"],
            country=scheme.country,
            acr=acr,
            shown_text=shown_text(scheme, parameters),
            locales=parameters.get("ui_locales", "")[:100],
            expires_at_s=int(clock.wall().timestamp()) + _REQUEST_VALID_S,
        )
        reference = _REFERENCE + self._sealed("sandbox-bank-request", pushed)
        return {"request_uri": reference, "expires_in": _REQUEST_VALID_S}

    def _signed_parameters(self, form: Mapping[str, str]) -> dict[str, str]:
        """What the client's request object says (RFC 9101). What stands beside it counts for nothing."""
        if "request" not in form:
            raise ProtocolError("invalid_request")
        claims = self._client_signed(form["request"])
        now_s, expires_at_s = clock.wall().timestamp(), claims.get("exp") if claims is not None else None
        if claims is None or not isinstance(expires_at_s, int):
            raise ProtocolError("invalid_request_object")
        if not now_s - _LEEWAY_S < expires_at_s <= now_s + _REQUEST_OBJECT_VALID_MAX_S:
            raise ProtocolError("invalid_request_object")
        ours = self.client.client_id
        if not claims.get("iss") == claims.get("client_id") == ours or claims.get("aud") != self.issuer:
            raise ProtocolError("invalid_request_object")
        return {name: value for name, value in claims.items() if isinstance(value, str)}

    def read_request(self, parameters: Mapping[str, str]) -> AuthorizationRequest:
        """The pushed request that a browser came with. Raises UnsafeRequestError for anything else."""
        if parameters.get("client_id") != self.client.client_id:
            raise UnsafeRequestError("client")
        reference = parameters.get("request_uri", "")
        sealed = reference.removeprefix(_REFERENCE) if reference.startswith(_REFERENCE) else ""
        pushed = self._opened("sandbox-bank-request", sealed, _Pushed)
        if pushed is None or pushed.redirect_uri not in self.client.redirect_uris:
            raise UnsafeRequestError("request")
        if pushed.expires_at_s <= clock.wall().timestamp():
            raise UnsafeRequestError("expired")
        return AuthorizationRequest(
            redirect_uri=pushed.redirect_uri,
            state=pushed.state,
            nonce=pushed.nonce,
            code_challenge=pushed.code_challenge,
            scheme=scheme_in(pushed.country),
            acr=pushed.acr,
            shown_text=pushed.shown_text,
            locales=pushed.locales,
        )

    def error_address(self, request: AuthorizationRequest, error: str) -> str:
        return self._return_address(request, {"error": error})

    async def approved_address(self, request: AuthorizationRequest, subject: str) -> str:
        """Where to send the browser with a fresh code. Raises ProtocolError for a person nobody knows."""
        person = await self._person(subject)
        if person is None or person.country != request.scheme.country:
            raise ProtocolError("invalid_request")
        now_s = int(clock.wall().timestamp())
        code = _Code(
            id=secrets.token_urlsafe(16),
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            acr=request.acr,
            subject=subject,
            authenticated_at_s=now_s,
            expires_at_s=now_s + _CODE_VALID_S,
        )
        return self._return_address(request, {"code": self._sealed("sandbox-bank-code", code)})

    async def redeem(self, form: Mapping[str, str]) -> dict[str, object]:
        """The token endpoint: a code for tokens. Raises ProtocolError."""
        await self._authenticate_client(form)
        if form.get("grant_type") != "authorization_code":
            raise ProtocolError("unsupported_grant_type")
        code = self._opened("sandbox-bank-code", form.get("code", ""), _Code)
        now = clock.wall()
        if code is None or code.expires_at_s <= now.timestamp():
            raise ProtocolError("invalid_grant")
        # Spent before anything else is looked at: a wrong verifier must not leave a code to guess against.
        if not await self.memory.remember_once(f"bank-code:{code.id}", {}, _CODE_VALID_S + _LEEWAY_S):
            # A code that comes twice was seen by somebody else; its tokens die too (RFC 6749 section 4.1.2).
            await self.memory.remember_once(f"bank-revoked:{code.id}", {}, _ACCESS_VALID_S + _LEEWAY_S)
            raise ProtocolError("invalid_grant")
        challenge = _challenge(form.get("code_verifier", ""))
        verifier_fits = hmac.compare_digest(challenge, code.code_challenge.encode())
        if form.get("redirect_uri") != code.redirect_uri or not verifier_fits:
            raise ProtocolError("invalid_grant")
        return self._tokens(code, now)

    async def userinfo(self, access_token: str) -> str:
        """The userinfo endpoint: a signed token inside an encrypted one. Raises ProtocolError for an access token that
        is wrong, late or revoked."""
        now_s = int(clock.wall().timestamp())
        claims = await self.claims_of(access_token)
        return self._told({"iss": self.issuer, "aud": self.client.client_id, "iat": now_s, **claims})

    async def claims_of(self, access_token: str) -> dict[str, object]:
        """What userinfo tells. Raises ProtocolError."""
        access = self._opened("sandbox-bank-access", access_token, _Access)
        if access is None or access.expires_at_s <= clock.wall().timestamp():
            raise ProtocolError("invalid_token", 401)
        if await self.memory.recall(f"bank-revoked:{access.code_id}") is not None:
            raise ProtocolError("invalid_token", 401)
        person = await self._person(access.subject)
        if person is None:
            raise ProtocolError("invalid_token", 401)
        return {"sub": person.subject, **scheme_in(person.country).claims_of(person)}

    async def _person(self, subject: str) -> SandboxPerson | None:
        if subject.startswith(_STRANGER):
            return _stranger(subject)
        return await self.people.by_subject(subject)

    async def _authenticate_client(self, form: Mapping[str, str]) -> None:
        """private_key_jwt (RFC 7523 section 3, OpenID Connect Core section 9)."""
        if form.get("client_assertion_type") != _ASSERTION_TYPE:
            raise ProtocolError("invalid_client", 401)
        claims = self._client_signed(form.get("client_assertion", ""))
        if claims is None:
            raise ProtocolError("invalid_client", 401)
        identifier, expires_at_s, now_s = claims.get("jti"), claims.get("exp"), clock.wall().timestamp()
        ours = self.client.client_id
        names_us = claims.get("aud") in (self.issuer, f"{self.issuer}/token", [self.issuer])
        names_client = claims.get("iss") == claims.get("sub") == form.get("client_id", ours) == ours
        if not names_us or not names_client:
            raise ProtocolError("invalid_client", 401)
        if not isinstance(identifier, str) or not isinstance(expires_at_s, int):
            raise ProtocolError("invalid_client", 401)
        if not now_s - _LEEWAY_S < expires_at_s <= now_s + _ASSERTION_VALID_MAX_S:
            raise ProtocolError("invalid_client", 401)
        key = f"bank-assertion:{hashlib.sha256(identifier.encode()).hexdigest()}"
        if not await self.memory.remember_once(key, {}, _ASSERTION_VALID_MAX_S + _LEEWAY_S):
            raise ProtocolError("invalid_client", 401)

    def _tokens(self, code: _Code, now: datetime) -> dict[str, object]:
        issued_at_s = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": code.subject,
            "aud": self.client.client_id,
            "iat": issued_at_s,
            "exp": issued_at_s + _ID_TOKEN_VALID_S,
            "auth_time": code.authenticated_at_s,
            "acr": code.acr,
        }
        if code.nonce is not None:
            claims["nonce"] = code.nonce
        access = _Access(code_id=code.id, subject=code.subject, expires_at_s=issued_at_s + _ACCESS_VALID_S)
        return {
            "access_token": self._sealed("sandbox-bank-access", access),
            "token_type": "Bearer",
            "expires_in": _ACCESS_VALID_S,
            "id_token": self._told(claims),
        }

    def _client_signed(self, token: str) -> dict[str, object] | None:
        """What a token says that one of the client's keys signed; None for any other."""
        try:
            signed = jws.deserialize_compact(token, self.client.keys, algorithms=["ES256", "RS256"])
            return msgspec.json.decode(signed.payload, type=dict[str, object])
        except (JoseError, ValueError, TypeError):
            return None

    def _told(self, claims: dict[str, object]) -> str:
        """Signed by us, then encrypted so that the client alone can read it."""
        signed = jwt.encode(
            {"alg": "ES256", "kid": self.key.kid, "typ": "JWT"}, claims, self.key, algorithms=["ES256"]
        )
        header = {
            "alg": _SEAL_ALGORITHM,
            "enc": _SEAL_CONTENT,
            "cty": "JWT",
            "kid": self.client.sealed_to.kid,
        }
        return jwe.encrypt_compact(
            header, signed, self.client.sealed_to, algorithms=[_SEAL_ALGORITHM, _SEAL_CONTENT]
        )

    def _return_address(self, request: AuthorizationRequest, answer: Mapping[str, str]) -> str:
        parameters = {**answer, "iss": self.issuer}
        if request.state is not None:
            parameters["state"] = request.state
        joint = "&" if "?" in request.redirect_uri else "?"
        return request.redirect_uri + joint + urlencode(parameters, quote_via=quote)

    def _sealed(self, purpose: str, value: msgspec.Struct) -> str:
        sealed = self.box.seal(purpose, msgspec.msgpack.encode(value))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _opened(self, purpose: str, text: str, kind: type[Sealed]) -> Sealed | None:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return msgspec.msgpack.decode(self.box.open(purpose, sealed), type=kind)
        except (ValueError, SealBroken, msgspec.MsgspecError):
            return None


def someone_else(country: str) -> str:
    """The subject of a person of that country who is nobody we know, new each time."""
    return f"{_STRANGER}{country.lower()}-{secrets.token_hex(8)}"


def _problem(parameters: Mapping[str, str]) -> str | None:
    if parameters.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in parameters.get("scope", "").split():
        return "invalid_scope"
    if parameters.get("code_challenge_method") != "S256" or len(parameters.get("code_challenge", "")) != 43:
        return "invalid_request"
    if len(parameters.get("nonce", "")) > 500 or len(parameters.get("state", "")) > 500:
        return "invalid_request"
    # This bank remembers nobody, so a login without a question to the person is never possible.
    return "login_required" if parameters.get("prompt") == "none" else None


def _challenge(verifier: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")


def _stranger(subject: str) -> SandboxPerson:
    """Everything about a stranger follows from the subject, so that nothing about them is stored."""
    draw = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8])
    birthdate = date(1950, 1, 1) + timedelta(days=draw % 18_000)
    country = scheme_in(subject.removeprefix(_STRANGER)[:2].upper()).country
    return SandboxPerson(
        subject=subject,
        name="Someone Else",
        kind="someone-else",
        phone=None,
        national_number=national_number(country, birthdate, draw // 18_000),
        birthdate=birthdate,
        country=country,
    )
