"""Signing keys of the sandbox: made at the first start, kept in the secrets folder, shared by every
process."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from joserfc.jwk import ECKey


def signing_key_at(path: Path) -> ECKey:
    """The P-256 key in this PEM file, made if there is none. Its id is its thumbprint, so every process
    agrees.

    Raises ValueError when the file holds something else.
    """
    if not path.exists():
        _make(path)
    key = ECKey.import_key(path.read_bytes(), {"use": "sig"})
    if not key.is_private:
        raise ValueError(f"{path.name} holds no private key")
    return named(key)


def new_signing_key() -> ECKey:
    """A key for one process alone."""
    return named(ECKey.generate_key("P-256", {"use": "sig"}))


def named(key: ECKey) -> ECKey:
    key.ensure_kid()
    return key


def _make(path: Path) -> None:
    """Written whole under another name and linked into place: of several processes starting at once, one
    wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(ECKey.generate_key("P-256").as_pem(private=True))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
