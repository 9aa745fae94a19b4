"""Our own keys towards providers: those that sign for us, and those that open what is sealed to us.

They stand as PEM files in the folder `bank_keys` among the secrets, and every provider holds their public halves
(`/.well-known/jwks.json`). Rotation is by file: the first signing key by name signs, all are published. A new
one is laid beside the old, published and made known to the providers, and takes over when the old file is removed.
Of the decryption keys every one opens.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

SigningKey: TypeAlias = RSAKey | ECKey

_RSA_BITS_MIN: Final = 2048


class KeysRefused(ValueError):
    """The key files cannot be used; the text is one sentence that names the file."""


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """`signing[0]` signs. Neither tuple is empty; no private half shows in a representation."""

    signing: tuple[SigningKey, ...] = field(repr=False)
    decryption: tuple[RSAKey, ...] = field(repr=False)

    def public_set(self) -> dict[str, object]:
        """The JWK set (RFC 7517) that providers register."""
        signing = [_public(key, {"use": "sig", "alg": algorithm_of(key)}) for key in self.signing]
        return {"keys": [*signing, *(_public(key, {"use": "enc"}) for key in self.decryption)]}


def algorithm_of(key: SigningKey) -> str:
    return "ES256" if isinstance(key, ECKey) else "RS256"


def read_keys(folder: Path) -> ClientKeys:
    """The keys in a folder of `sign-*.pem` and `decrypt-*.pem`. Raises KeysRefused."""
    signing = [_signing_key(path) for path in sorted(folder.glob("sign-*.pem"))]
    decryption = [_decryption_key(path) for path in sorted(folder.glob("decrypt-*.pem"))]
    for found, pattern in ((signing, "sign-*.pem"), (decryption, "decrypt-*.pem")):
        if not found:
            raise KeysRefused(
                f"The secrets need a key file {folder.name}/{pattern}: banks know us by our keys."
            )
    return ClientKeys(tuple(signing), tuple(decryption))


def keys_made_in(folder: Path) -> ClientKeys:
    """The same, with keys made on first use: for test mode, where nobody has registered them anywhere."""
    for name, make in (("sign-sandbox.pem", _new_signing_pem), ("decrypt-sandbox.pem", _new_decryption_pem)):
        if not (folder / name).exists():
            _write_whole(folder / name, make)
    return read_keys(folder)


def _new_signing_pem() -> bytes:
    return ECKey.generate_key("P-256").as_pem(private=True)


@cache
def _new_decryption_pem() -> bytes:
    """Made once a process: it takes as long as a few hundred requests."""
    return RSAKey.generate_key(_RSA_BITS_MIN).as_pem(private=True)


def _write_whole(path: Path, make: Callable[[], bytes]) -> None:
    """Under another name first, then linked into place: of processes that start together, one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(make())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _signing_key(path: Path) -> SigningKey:
    with contextlib.suppress(KeysRefused):
        return _rsa_key(path, "sig")
    try:
        key = ECKey.import_key(_pem(path), {"use": "sig"})
    except (JoseError, ValueError, TypeError):
        raise KeysRefused(f"The key file {path.name} holds no RSA or P-256 key without a password.") from None
    if not key.is_private or key.curve_name != "P-256":
        raise KeysRefused(f"The key file {path.name} must hold a private RSA or P-256 key.")
    key.ensure_kid()
    return key


def _decryption_key(path: Path) -> RSAKey:
    return _rsa_key(path, "enc")


def _rsa_key(path: Path, use: str) -> RSAKey:
    try:
        key = _parsed(_pem(path), use)
    except (JoseError, ValueError, TypeError):
        raise KeysRefused(f"The key file {path.name} holds no RSA key without a password.") from None
    if not key.is_private or key.raw_value.key_size < _RSA_BITS_MIN:
        raise KeysRefused(
            f"The key file {path.name} must hold a private RSA key of {_RSA_BITS_MIN} bits or more."
        )
    return key


@cache
def _parsed(pem: bytes, use: str) -> RSAKey:
    # Reading one proves its primes, which takes longer than anything else at the start of a process.
    key = RSAKey.import_key(pem, {"use": use})
    key.ensure_kid()
    return key


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise KeysRefused(f"The key file {path.name} cannot be read.") from None


def _public(key: SigningKey, more: dict[str, str]) -> dict[str, object]:
    public = key.as_dict(private=False)
    return {**public, **more}
