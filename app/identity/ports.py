"""The doors identity asks for, and what comes back through them.

An adapter in `outside/` speaks OpenID Connect; nothing here knows that protocol beyond its names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

import msgspec


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """A person whom a provider has identified strongly.

    `issuer` and `subject` together are the key: a subject means nothing without its issuer.
    `country` is ISO 3166 alpha-2, that of the register which gave the national number; `national_number_kind` is the
    register's name for it (`hetu`, `cpr`, `personnummer`). `acr` is the level the provider vouches for,
    `authenticated_at` aware UTC on the wall clock. The national number and birth date never show in a representation,
    so they reach no log by accident.
    """

    issuer: str
    subject: str
    name: str
    birthdate: date | None = field(repr=False)
    national_number: str | None = field(repr=False)
    country: str
    acr: str
    authenticated_at: datetime
    national_number_kind: str | None = None


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """One login under way: where the browser goes, and the secrets that tie its return to this browser.

    The web layer keeps `pack_login_request` of it in a sealed, short-lived cookie. `expires_at` is aware UTC
    on the wall clock. `url` is empty after `unpack_login_request`: by then the browser has been there.
    """

    url: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    issuer: str
    return_url: str
    expires_at: datetime


class StrongAuthentication(Protocol):
    """Identify a person at a bank or another provider of strong electronic identification.

    Both calls go over the network, so neither may be made inside a transaction, and both take the wall clock:
    tokens are signed in real time, whatever the business clock says.
    """

    async def begin(self, return_url: str, locale: str, binding_text: str, now: datetime) -> LoginRequest:
        """Prepare a login. `return_url` must be registered with the provider; `binding_text` says what the
        shopper is about to approve and is shown by providers that can. Raises ProviderUnavailable."""
        ...

    async def finish(
        self, callback_params: Mapping[str, str], request: LoginRequest, now: datetime
    ) -> VerifiedIdentity:
        """Turn the provider's answer into an identity. Raises LoginCancelled, LoginFailed, LoginExpired or
        ProviderUnavailable."""
        ...


class _PackedLogin(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    state: str
    nonce: str
    code_verifier: str
    issuer: str
    return_url: str
    expires_at_s: int


def pack_login_request(request: LoginRequest) -> bytes:
    """The part of a login that must survive until the return, in few bytes. Secret: seal it before it
    leaves."""
    packed = _PackedLogin(
        state=request.state,
        nonce=request.nonce,
        code_verifier=request.code_verifier,
        issuer=request.issuer,
        return_url=request.return_url,
        expires_at_s=int(request.expires_at.timestamp()),
    )
    return msgspec.msgpack.encode(packed)


def unpack_login_request(packed: bytes) -> LoginRequest | None:
    """The reverse of `pack_login_request`; None for bytes that are not one (an old or foreign cookie)."""
    try:
        found = msgspec.msgpack.decode(packed, type=_PackedLogin)
        expires_at = datetime.fromtimestamp(found.expires_at_s, tz=UTC)
    except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError, OSError, ValueError):
        return None
    return LoginRequest(
        url="",
        state=found.state,
        nonce=found.nonce,
        code_verifier=found.code_verifier,
        issuer=found.issuer,
        return_url=found.return_url,
        expires_at=expires_at,
    )


def login_reference(request: LoginRequest) -> str:
    """A name for one login that may stand in a log or a limit: a digest of its state, never the state."""
    return hashlib.sha256(request.state.encode()).hexdigest()[:16]
