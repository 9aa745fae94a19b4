"""Identifiers: ordered ones inside, unguessable ones outside, and secrets of which only a digest is kept."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from functools import lru_cache

import uuid_utils.compat

# Without i, l, o and u: no look-alikes when an id is read aloud or typed.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PUBLIC_BITS = 128
PUBLIC_LENGTH = 26


def internal_id() -> uuid.UUID:
    """A UUIDv7: new rows land at the end of the index. It tells its time, so it never leaves the house."""
    return uuid_utils.compat.uuid7()


def public_id(prefix: str) -> str:
    """`prefix`, an underscore and 128 random bits in 26 characters, as in "cs_3v9..."."""
    number = secrets.randbits(PUBLIC_BITS)
    characters = [ALPHABET[(number >> (5 * place)) & 31] for place in range(PUBLIC_LENGTH)]
    return f"{prefix}_{''.join(reversed(characters))}"


def is_public_id(prefix: str, text: str) -> bool:
    """Whether `text` could have come from `public_id(prefix)`. Says nothing about whether it exists."""
    return _shape(prefix).fullmatch(text) is not None


def token() -> str:
    """A secret of 256 random bits, safe in URLs and headers: 43 characters."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token: SHA-256, 32 bytes. For 256-bit secrets; short codes need a keyed digest."""
    return hashlib.sha256(token.encode()).digest()


@lru_cache(maxsize=64)
def _shape(prefix: str) -> re.Pattern[str]:
    # 26 characters hold 130 bits, so the first one carries only three.
    return re.compile(rf"{re.escape(prefix)}_[0-7][{ALPHABET}]{{{PUBLIC_LENGTH - 1}}}")
