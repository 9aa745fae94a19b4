"""Opens tokens that a provider has encrypted to us (RFC 7516). What is inside is another token, still to be checked.

Only what proves that our private key was meant: RSA-OAEP around a fresh content key. A shared or derived key, the old
RSA padding, compression and anything nested deeper are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import RSAKey

from app.identity.errors import LoginFailed
from app.outside.bank_tokens import TOKEN_MAX_CHARS, read_header

_KEY_ALGORITHMS: Final = ("RSA-OAEP", "RSA-OAEP-256")
_CONTENT_ALGORITHMS: Final = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")


class _SealedRegistry(JWERegistry):
    max_protected_header_length = 16 * 1024


def open_sealed(token: str, keys: Sequence[RSAKey]) -> str:
    """The signed token inside an encrypted one. Raises LoginFailed."""
    if len(token) > TOKEN_MAX_CHARS:
        raise LoginFailed("token_too_large")
    if token.count(".") != 4:
        # Encryption was agreed: a token that anybody on the way could have read is not taken.
        raise LoginFailed("token_not_encrypted")
    header = read_header(token)
    algorithm, content = header.get("alg"), header.get("enc")
    if algorithm not in _KEY_ALGORITHMS or content not in _CONTENT_ALGORITHMS or "zip" in header:
        raise LoginFailed("token_encryption")
    kid = header.get("kid")
    meant = [key for key in keys if kid is None or key.kid == kid]
    if not meant:
        raise LoginFailed("token_encryption_key")
    for key in meant:
        inside = _opened(token, key, [str(algorithm), str(content)])
        if inside is not None:
            return inside
    raise LoginFailed("token_encryption_key")


def _opened(token: str, key: RSAKey, algorithms: list[str]) -> str | None:
    """None where this key opens nothing, for whatever reason: which one is told to nobody."""
    registry = _SealedRegistry(algorithms=algorithms, strict_check_header=False)
    try:
        opened = jwe.decrypt_compact(token, key, registry=registry)
    except (JoseError, InvalidTag, ValueError, TypeError, AssertionError):
        return None
    try:
        return (opened.plaintext or b"").decode("ascii")
    except UnicodeDecodeError:
        raise LoginFailed("token_unreadable") from None
