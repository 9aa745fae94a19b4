"""What a device is asked when it shall save or use a passkey, and whether its answer proves it. Pure.

The ceremonies are those of https://www.w3.org/TR/webauthn-3/ (sections 7.1 and 7.2). The package `webauthn` reads and
checks signatures; what the product decides (what is signed, who may go on, what a counter means) is decided here and in
`actions/passkeys.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import (
    bytes_to_base64url,
    options_to_json_dict,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    RegistrationCredential,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.identity.errors import PasskeyRefused

CHALLENGE_LIFE: Final = timedelta(minutes=5)
PER_CUSTOMER_MAX: Final = 10
NONCE_BYTES: Final = 32
USER_HANDLE_BYTES: Final = 32
CREDENTIAL_ID_BYTES_MAX: Final = 1023
# Every page of step 2 may ask for one, so this only stops machines.
CHALLENGES_PER_SESSION_AN_HOUR: Final = 120

_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]

Options = dict[str, object]


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks: `id` is the host that passkeys are bound to, `origin` the one address they are used at."""

    id: str
    origin: str
    name: str


def relying_party(base_url: str, name: str) -> RelyingParty | None:
    """The party at our address; None where browsers have no passkeys: at a bare IP address, or without TLS."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return None
    if not host or (parts.scheme != "https" and host != "localhost"):
        return None
    return RelyingParty(host, f"{parts.scheme}://{parts.netloc}".lower(), name)


def challenge_of(nonce: bytes, *parts: str) -> bytes:
    """What the device signs: a hash over a nonce and all that is approved. Any other sum, payee or basket is another
    challenge. ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256(nonce)
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


# --- Saving a passkey. ---


@dataclass(frozen=True, slots=True)
class Person:
    """Whose passkey it becomes. `name` is shown by their own device when it asks which passkey to use."""

    user_handle: bytes
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that has just proved itself. `apart` says that it is not in the device that holds the browser."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    apart: bool


@dataclass(frozen=True, slots=True)
class SavingAnswer:
    """What came back from a device that was to save a passkey, read and not yet believed."""

    challenge: bytes
    credential: RegistrationCredential = field(repr=False)


def saving_options(
    party: RelyingParty, person: Person, challenge: bytes, existing: Sequence[bytes]
) -> Options:
    """For `navigator.credentials.create`: a passkey that its device finds by itself and opens only for its holder. A
    device that holds one of `existing` saves no second one."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=person.user_handle,
        user_name=person.name,
        user_display_name=person.name,
        challenge=challenge,
        timeout=_timeout_ms(),
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in existing],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def read_saving(text: str) -> SavingAnswer:
    """Raises PasskeyRefused("malformed")."""
    try:
        credential = parse_registration_credential_json(text)
        client = parse_client_data_json(credential.response.client_data_json)
    except Exception:  # noqa: BLE001 - bytes from outside: whatever the reader stumbles over is wrong with them
        raise PasskeyRefused("malformed") from None
    if client.cross_origin:
        raise PasskeyRefused("unproved")
    return SavingAnswer(client.challenge, credential)


def check_saving(answer: SavingAnswer, party: RelyingParty, challenge: bytes) -> NewPasskey:
    """Raises PasskeyRefused: unverified, unproved."""
    credential = answer.credential
    try:
        data = parse_attestation_object(credential.response.attestation_object).auth_data
        if not data.flags.uv:
            raise PasskeyRefused("unverified")
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
    except PasskeyRefused:
        raise
    except Exception:  # noqa: BLE001 - as above
        raise PasskeyRefused("unproved") from None
    if found.credential_id != credential.raw_id or len(found.credential_id) > CREDENTIAL_ID_BYTES_MAX:
        raise PasskeyRefused("unproved")
    apart = credential.authenticator_attachment is AuthenticatorAttachment.CROSS_PLATFORM
    return NewPasskey(
        found.credential_id,
        found.credential_public_key,
        found.sign_count,
        found.credential_backed_up,
        apart,
    )


# --- Using one. ---


@dataclass(frozen=True, slots=True)
class UseAnswer:
    """What came back from a device that was to use a passkey, read and not yet believed."""

    credential_id: bytes
    challenge: bytes
    user_handle: bytes | None = field(repr=False)
    credential: AuthenticationCredential = field(repr=False)


@dataclass(frozen=True, slots=True)
class SavedPasskey:
    """What we keep of a passkey for its next answer."""

    public_key: bytes
    user_handle: bytes
    sign_count: int


def use_options(party: RelyingParty, challenge: bytes) -> Options:
    """For `navigator.credentials.get`. It names no passkey: the device knows its own, and we tell nobody whose they
    are."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_timeout_ms(),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def read_use(text: str) -> UseAnswer:
    """Raises PasskeyRefused("malformed")."""
    try:
        credential = parse_authentication_credential_json(text)
        client = parse_client_data_json(credential.response.client_data_json)
        handle = credential.response.user_handle
    except Exception:  # noqa: BLE001 - as above
        raise PasskeyRefused("malformed") from None
    if client.cross_origin:
        raise PasskeyRefused("unproved")
    return UseAnswer(credential.raw_id, client.challenge, handle, credential)


def check_use(answer: UseAnswer, saved: SavedPasskey, party: RelyingParty, challenge: bytes) -> int:
    """The passkey's counter now. Raises PasskeyRefused: unverified, unproved.

    The counter is not judged here: the package would do so before it has seen the signature, and then anybody could
    make a passkey look copied.
    """
    # A passkey that was found without being named tells whose it is (webauthn-3, 7.2 step 6).
    if answer.user_handle is None or not hmac.compare_digest(answer.user_handle, saved.user_handle):
        raise PasskeyRefused("unproved")
    try:
        if not parse_authenticator_data(answer.credential.response.authenticator_data).flags.uv:
            raise PasskeyRefused("unverified")
        found = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=saved.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except PasskeyRefused:
        raise
    except Exception:  # noqa: BLE001 - as above
        raise PasskeyRefused("unproved") from None
    return found.new_sign_count


def looks_copied(saved: SavedPasskey, sign_count: int) -> bool:
    """Whether the counter did not grow: two devices hold the same key. Passkeys that are synced count nothing and stay
    at zero (webauthn-3, 6.1.1)."""
    return max(saved.sign_count, sign_count) > 0 and sign_count <= saved.sign_count


def credential_name(credential_id: bytes) -> str:
    """As browsers spell it."""
    return bytes_to_base64url(credential_id)


def _timeout_ms() -> int:
    return int(CHALLENGE_LIFE.total_seconds() * 1000)


# --- What a passkey is called. ---

# The first that stands in what a browser says of itself. Most iPads say Macintosh, and are called a Mac then.
_DEVICES: Final = (
    ("iPhone", "iphone"),
    ("iPad", "ipad"),
    ("Android", "android"),
    ("CrOS", "chromebook"),
    ("Windows", "windows"),
    ("Macintosh", "mac"),
    ("Linux", "linux"),
)


def device_of(user_agent: str, *, apart: bool) -> str:
    """A word for the device that saves a passkey, for its owner to tell it from others; `apart` for one that is not in
    the device that holds the browser: a security key, or a phone beside a computer."""
    if apart:
        return "apart"
    return next((word for mark, word in _DEVICES if mark in user_agent), "other")
