"""The deployment's secret keys: keyed digests, signed texts and sealed values.

Every use names its purpose, and every purpose gets a key of its own (HKDF-SHA256), so that what was signed
for one can never be replayed for another. The first key of the ring signs and seals; the older ones still
verify and open.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_KEY_ID = re.compile(r"[a-z0-9]{1,16}")
_MASTER_BYTES = 32
_NONCE_BYTES = 12


class KeyringInvalid(Exception):
    """The text of the key file is not a key ring."""


class KeyringMissing(RuntimeError):
    """A keyed digest was asked for before `use_keyring`."""


class SealBroken(Exception):
    """A sealed value does not open: altered, sealed for another purpose, or its key is gone."""


class Keyring:
    """Master keys by id; the first one is current. Ids are 1-16 of a-z and 0-9, keys 32 bytes."""

    __slots__ = ("_current_id", "_derived", "_masters")

    def __init__(self, masters: Mapping[str, bytes]) -> None:
        if not masters:
            raise KeyringInvalid("a key ring holds at least one key")
        for key_id, master in masters.items():
            if not _KEY_ID.fullmatch(key_id):
                raise KeyringInvalid("a key id is 1-16 characters of a-z and 0-9")
            if len(master) != _MASTER_BYTES or len(set(master)) < 8:
                raise KeyringInvalid(f"key {key_id} is not {_MASTER_BYTES} random bytes")
        self._masters = dict(masters)
        self._current_id = next(iter(masters))
        self._derived: dict[tuple[str, str, str], bytes] = {}

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """Read `id:base64` lines, the current key first. Raises `KeyringInvalid`, never quoting a key."""
        masters: dict[str, bytes] = {}
        for line in filter(None, (line.strip() for line in text.splitlines())):
            key_id, _, encoded = line.partition(":")
            if key_id in masters:
                raise KeyringInvalid(f"key {key_id} stands twice")
            try:
                masters[key_id] = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise KeyringInvalid(f"key {key_id} is not base64") from None
        return cls(masters)

    @staticmethod
    def new_line(key_id: str) -> str:
        """A fresh key as a line for `parse`."""
        return f"{key_id}:{base64.b64encode(secrets.token_bytes(_MASTER_BYTES)).decode()}"

    def mac(self, purpose: str, *parts: str | bytes) -> bytes:
        """A keyed digest of the parts, 32 bytes, by the current key. ("ab", "c") and ("a", "bc") differ."""
        return self._mac(self._current_id, purpose, parts)

    def macs(self, purpose: str, *parts: str | bytes) -> tuple[bytes, ...]:
        """The digest under every key of the ring, the current one first: for finding what an older key wrote."""
        return tuple(self._mac(key_id, purpose, parts) for key_id in self._masters)

    def mac_matches(self, purpose: str, tag: bytes, *parts: str | bytes) -> bool:
        """Whether `tag` is the digest of the parts under any key of the ring, in constant time per key."""
        matches = [hmac.compare_digest(tag, self._mac(key_id, purpose, parts)) for key_id in self._masters]
        return any(matches)

    def sign(self, purpose: str, payload: bytes) -> str:
        """`key id.payload.tag`, safe in cookies, URLs and form fields. The payload can be read by anyone."""
        tag = self._mac(self._current_id, f"sign:{purpose}", (payload,))
        return f"{self._current_id}.{_encode(payload)}.{_encode(tag)}"

    def unsign(self, purpose: str, text: str) -> bytes | None:
        """The payload of a text that `sign` made for this purpose, else None."""
        parts = text.split(".")
        if len(parts) != 3 or parts[0] not in self._masters:
            return None
        payload, tag = _decode(parts[1]), _decode(parts[2])
        if payload is None or tag is None:
            return None
        expected = self._mac(parts[0], f"sign:{purpose}", (payload,))
        return payload if hmac.compare_digest(tag, expected) else None

    def seal(self, purpose: str, plaintext: bytes) -> bytes:
        """Encrypt and authenticate (AES-256-GCM): length of key id, key id, nonce, ciphertext with tag."""
        header = _header(self._current_id)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(self._key(self._current_id, "seal", purpose))
        return header + nonce + cipher.encrypt(nonce, plaintext, header)

    @property
    def header(self) -> bytes:
        """What every value begins with that the current key has sealed."""
        return _header(self._current_id)

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Decrypt what `seal` made for this purpose. Raises `SealBroken`."""
        length = sealed[0] if sealed else 0
        header, rest = sealed[: 1 + length], sealed[1 + length :]
        key_id = header[1:].decode("ascii", "replace")
        if key_id not in self._masters or len(rest) < _NONCE_BYTES:
            raise SealBroken
        cipher = AESGCM(self._key(key_id, "seal", purpose))
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header)
        except InvalidTag:
            raise SealBroken from None

    def _mac(self, key_id: str, purpose: str, parts: tuple[str | bytes, ...]) -> bytes:
        digest = hmac.new(self._key(key_id, "mac", purpose), digestmod=sha256)
        for part in parts:
            encoded = part.encode() if isinstance(part, str) else part
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
        return digest.digest()

    def _key(self, key_id: str, use: str, purpose: str) -> bytes:
        found = self._derived.get((key_id, use, purpose))
        if found is None:
            info = f"kolme/{use}/{purpose}".encode()
            found = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._masters[key_id])
            self._derived[key_id, use, purpose] = found
        return found

    def __repr__(self) -> str:
        return f"Keyring(current={self._current_id!r}, keys={len(self._masters)})"


_process_keyring: Keyring | None = None


def keyring_of(secrets: Mapping[str, bytes]) -> Keyring:
    """The ring made from a deployment's master secrets by id, the newest first. A secret may be of any length."""
    return Keyring(
        {key_id: sha256(b"kolme master\0" + secret).digest() for key_id, secret in secrets.items()}
    )


def use_keyring(keyring: Keyring | None) -> None:
    """Set the ring that the kernel itself uses, for the subjects of limits. Called once at start."""
    global _process_keyring  # noqa: PLW0603 - one ring a process, set once at start
    _process_keyring = keyring


def process_keyring() -> Keyring:
    """The ring set by `use_keyring`. Raises `KeyringMissing`."""
    if _process_keyring is None:
        raise KeyringMissing("call use_keyring at start")
    return _process_keyring


def _header(key_id: str) -> bytes:
    return bytes([len(key_id)]) + key_id.encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    try:
        decoded = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # The decoder skips characters it does not know; one payload has exactly one spelling.
    return decoded if _encode(decoded) == text else None
