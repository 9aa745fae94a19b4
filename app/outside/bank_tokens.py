"""Checks of signed tokens: ID token and userinfo. Pure: no network, no clock of its own.

The rules are those of OpenID Connect Core 1.0 section 3.1.3.7 and RFC 8725, in their strict reading: whatever
is missing or odd is refused. Each refusal is a `LoginFailed` whose reason names the rule that was broken.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from joserfc.jws import JWSRegistry

from app.identity.errors import LoginFailed

Claims = Mapping[str, object]

# Only signatures by a key that the provider alone holds. "none" proves nothing, and with the HS family the
# provider's public key could be taken for a shared secret.
ALGORITHM_KEY_TYPES: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC"}

# How far two clocks may be apart, either way: ours and the provider's.
LEEWAY_S = 60

# No honest token comes near it; it bounds what is parsed before anything is proved.
TOKEN_MAX_CHARS = 32 * 1024

_MIN_RSA_BITS = 2048
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class _TokenRegistry(JWSRegistry):
    # Brokers put certificates in the header; the library's 512 bytes would refuse them.
    max_header_length = 16 * 1024


class KeyUnknownError(Exception):
    """The token names a key that this key set does not hold: worth one fresh look at the provider's keys."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say to be ours. `max_age_s` bounds the age of the login itself (claim auth_time)."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    acr_values: tuple[str, ...]
    max_age_s: int


def read_key_set(document: object) -> KeySet:
    """The public signing keys of a JWKS document. Keys of other kinds are left out, and so is a shared
    secret.

    Raises ValueError when no usable key remains.
    """
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("not a key set")
    keys: list[RSAKey | ECKey] = []
    for found in document["keys"]:
        key = _read_key(found)
        if key is not None:
            keys.append(key)
    if not keys:
        raise ValueError("no usable key")
    return KeySet([*keys])


def check_id_token(token: str, keys: KeySet, expected: Expected, now: datetime) -> dict[str, object]:
    """The claims of a token that passed every rule. `now` is the wall clock.

    Raises LoginFailed, or KeyUnknownError when the token names a key outside `keys`.
    """
    claims = verified_claims(token, keys)
    _check_parties(claims, expected)
    _check_times(claims, now)
    _check_nonce(claims, expected)
    _check_strength(claims, expected, now)
    return claims


def check_userinfo(claims: Claims, expected: Expected, subject: str) -> None:
    """That userinfo tells of the person of the ID token, and when it is signed, that it is meant for us. Raises
    LoginFailed."""
    # Without this check a swapped access token would mix two people (OpenID Connect Core 5.3.2).
    if claims.get("sub") != subject:
        raise LoginFailed("userinfo_subject")
    # Signed userinfo should name both, and must not name anybody else.
    if claims.get("iss", expected.issuer) != expected.issuer:
        raise LoginFailed("userinfo_issuer")
    if "aud" in claims and expected.client_id not in _audiences(claims["aud"]):
        raise LoginFailed("userinfo_audience")


def read_header(token: str) -> dict[str, object]:
    """The first part of a token, of which nothing is proved yet. Raises LoginFailed."""
    head = token.partition(".")[0]
    try:
        raw = base64.b64decode(head + "=" * (-len(head) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=dict[str, object])
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise LoginFailed("token_unreadable") from None


def text_claim(claims: Claims, name: str) -> str | None:
    """A claim that is text and says something; None when it is absent, empty or of another type."""
    value = claims.get(name)
    if not isinstance(value, str) or not value.strip():
        return None
    return value.strip()


def moment_claim(claims: Claims, name: str) -> datetime | None:
    """A claim in seconds since 1970, as aware UTC; None when it is absent or no sane moment."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _read_key(found: object) -> RSAKey | ECKey | None:
    if not isinstance(found, dict) or found.get("use", "sig") != "sig":
        return None
    public = {name: value for name, value in found.items() if name not in _PRIVATE_MEMBERS}
    try:
        if found.get("kty") == "RSA":
            key = RSAKey.import_key(public)
            return key if key.raw_value.key_size >= _MIN_RSA_BITS else None
        if found.get("kty") == "EC" and found.get("crv") == "P-256":
            return ECKey.import_key(public)
    except (JoseError, ValueError, TypeError, KeyError):
        # One broken key must not hide the good ones beside it.
        return None
    return None


def verified_claims(token: str, keys: KeySet) -> dict[str, object]:
    """What a token says whose signature holds. Raises LoginFailed, or KeyUnknownError for a key outside `keys`."""
    if len(token) > TOKEN_MAX_CHARS:
        raise LoginFailed("token_too_large")
    if token.count(".") != 2:
        raise LoginFailed("token_unreadable")
    header = read_header(token)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHM_KEY_TYPES:
        raise LoginFailed("token_algorithm")
    _check_type(header.get("typ", "JWT"))
    key = _choose_key(keys, header.get("kid"), algorithm)
    registry = _TokenRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        signed = jws.deserialize_compact(token, key, algorithms=[algorithm], registry=registry)
    except (JoseError, ValueError, TypeError) as why:
        raise LoginFailed("token_signature") from why
    try:
        return msgspec.json.decode(signed.payload, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError) as why:
        raise LoginFailed("token_unreadable") from why


def _check_type(kind: object) -> None:
    # A token made for another purpose (an access token, a logout) must not pass for this one (RFC 8725 section 3.11).
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") != "jwt":
        raise LoginFailed("token_type")


def _choose_key(keys: KeySet, kid: object, algorithm: str) -> RSAKey | ECKey:
    fitting = [
        key
        for key in keys
        if isinstance(key, RSAKey | ECKey)
        and key.key_type == ALGORITHM_KEY_TYPES[algorithm]
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.kid == kid)
    ]
    if not fitting:
        raise KeyUnknownError
    if len(fitting) > 1:
        # Without a name, several keys could be meant: trying them all would hide a provider's mistake.
        raise LoginFailed("token_key_ambiguous")
    return fitting[0]


def _check_parties(claims: Claims, expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise LoginFailed("token_issuer")
    audiences = _audiences(claims.get("aud"))
    if expected.client_id not in audiences:
        raise LoginFailed("token_audience")
    authorised = claims.get("azp")
    if authorised is None and len(audiences) > 1:
        raise LoginFailed("token_authorised_party")
    if authorised is not None and authorised != expected.client_id:
        raise LoginFailed("token_authorised_party")
    subject = text_claim(claims, "sub")
    if subject is None or len(subject) > 255:
        raise LoginFailed("token_subject")


def _audiences(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    return []


def _check_times(claims: Claims, now: datetime) -> None:
    moment_s = now.timestamp()
    expires_at = moment_claim(claims, "exp")
    if expires_at is None or expires_at.timestamp() + LEEWAY_S <= moment_s:
        raise LoginFailed("token_expired")
    issued_at = moment_claim(claims, "iat")
    if issued_at is None or issued_at.timestamp() - LEEWAY_S > moment_s:
        raise LoginFailed("token_issued_in_future")
    if "nbf" in claims:
        not_before = moment_claim(claims, "nbf")
        if not_before is None or not_before.timestamp() - LEEWAY_S > moment_s:
            raise LoginFailed("token_not_yet_valid")


def _check_nonce(claims: Claims, expected: Expected) -> None:
    nonce = text_claim(claims, "nonce")
    if nonce is None or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise LoginFailed("token_nonce")


def _check_strength(claims: Claims, expected: Expected, now: datetime) -> None:
    if claims.get("acr") not in expected.acr_values:
        raise LoginFailed("token_acr")
    authenticated_at = moment_claim(claims, "auth_time")
    if authenticated_at is None:
        raise LoginFailed("token_auth_time")
    age_s = now.timestamp() - authenticated_at.timestamp()
    if age_s < -LEEWAY_S or age_s > expected.max_age_s + LEEWAY_S:
        raise LoginFailed("token_auth_time")
