"""A device that holds passkeys, in software: it signs as a phone would, and lies on request.

It speaks the JSON that the product's own script posts. What is wrong with an answer is said by keyword, so that a test
reads as the fault it is about.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN: Final = "http://localhost:8000"
RP_ID: Final = "localhost"

_PRESENT, _VERIFIED, _SYNCABLE, _SYNCED, _NEW = 0x01, 0x04, 0x08, 0x10, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


@dataclass
class Device:
    """`counts`: whether its counter grows. `verifies`: whether it checks who holds it. Its one passkey is made by
    `make` and used by `sign`; both answer what the script would post."""

    origin: str = ORIGIN
    rp_id: str = RP_ID
    counts: bool = False
    verifies: bool = True
    synced: bool = False
    attachment: str | None = "platform"
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""
    counter: int = 0

    def make(self, options: dict[str, Any]) -> str:
        """Answers `navigator.credentials.create`."""
        self.user_handle = unb64(options["user"]["id"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._cose()
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(_NEW) + attested}
        return self._answer(
            {
                "clientDataJSON": self._client("webauthn.create", options["challenge"]),
                "attestationObject": b64(cbor2.dumps(statement)),
            }
        )

    def sign(self, options: dict[str, Any], **client: Any) -> str:
        """Answers `navigator.credentials.get`. `client` overrides what the browser says of the page."""
        data, said = self._data(0), self._client("webauthn.get", options["challenge"], client)
        signature = self.key.sign(data + hashlib.sha256(unb64(said)).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": said,
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.user_handle),
            }
        )

    def twin(self) -> Device:
        """A copy of everything it knows, as a thief would make it."""
        return Device(
            self.origin,
            self.rp_id,
            self.counts,
            self.verifies,
            self.synced,
            self.attachment,
            self.credential_id,
            self.key,
            self.user_handle,
            self.counter,
        )

    def _answer(self, response: dict[str, str]) -> str:
        name = b64(self.credential_id)
        answer = {"id": name, "rawId": name, "type": "public-key", "response": response}
        if self.attachment:
            answer["authenticatorAttachment"] = self.attachment
        return json.dumps(answer)

    def _client(self, type_: str, challenge: str, more: dict[str, Any] | None = None) -> str:
        said = {
            "type": type_,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
            **(more or {}),
        }
        return b64(json.dumps(said).encode())

    def _data(self, extra: int) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verifies else 0) | (_SYNCABLE | _SYNCED if self.synced else 0)
        self.counter += 1 if self.counts else 0
        return (
            hashlib.sha256(self.rp_id.encode()).digest()
            + bytes([flags | extra])
            + self.counter.to_bytes(4, "big")
        )

    def _cose(self) -> bytes:
        point = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        return bytes(cbor2.dumps(key))
