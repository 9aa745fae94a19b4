"""What we send to a provider: the authorization request, its signed form, and the proof of who we are."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from joserfc import jwt

from app.identity.ports import LoginRequest
from app.outside.bank_keys import SigningKey, algorithm_of
from app.outside.bank_profiles import BankProfile, ShownText
from app.outside.bank_tokens import LEEWAY_S

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_ASSERTION_VALID_S: Final = 60
_REQUEST_VALID_S: Final = 300


def authorization_parameters(
    profile: BankProfile, client_id: str, request: LoginRequest, locale: str, text: str
) -> dict[str, str]:
    """The parameters of OpenID Connect Core section 3.1.2.1 with PKCE; `text` is what the person approves."""
    challenge = hashlib.sha256(request.code_verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": client_id,
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
    if profile.shown_text is not None and text:
        parameters[profile.shown_text.parameter] = _shown(profile.shown_text, text)
    return parameters


def request_object(parameters: Mapping[str, str], key: SigningKey, issuer: str, now: datetime) -> str:
    """The parameters as a token that we sign (RFC 9101). `now`: wall clock."""
    issued_at_s = int(now.timestamp())
    claims: dict[str, object] = {
        **parameters,
        "max_age": int(parameters["max_age"]),
        "iss": parameters["client_id"],
        "aud": issuer,
        "iat": issued_at_s,
        # A provider whose clock is behind ours must not take it for a token of the future.
        "nbf": issued_at_s - LEEWAY_S,
        "exp": issued_at_s + _REQUEST_VALID_S,
        "jti": secrets.token_urlsafe(16),
    }
    return _signed({"typ": "oauth-authz-req+jwt"}, claims, key)


def client_proof(client_id: str, audience: str, key: SigningKey, now: datetime) -> dict[str, str]:
    """private_key_jwt: the form fields that prove who asks (RFC 7523). Each proof is good for one minute and one
    request. `now`: wall clock."""
    issued_at_s = int(now.timestamp())
    claims: dict[str, object] = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": issued_at_s,
        "exp": issued_at_s + _ASSERTION_VALID_S,
    }
    return {
        "client_id": client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": _signed({}, claims, key),
    }


def _signed(header: Mapping[str, str], claims: dict[str, object], key: SigningKey) -> str:
    algorithm = algorithm_of(key)
    return jwt.encode({**header, "alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


def _shown(how: ShownText, text: str) -> str:
    plain = "".join(char for char in text if char not in how.without)[: how.max_chars]
    coded = base64.b64encode(plain.encode()).decode()
    return how.form.replace("{base64}", coded).replace("{text}", plain)
