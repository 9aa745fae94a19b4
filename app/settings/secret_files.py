"""Secret files: read from one folder, never from the environment. In test mode the first one is made on first use."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from app.settings.shapes import Mode, SettingsError

MASTER_SECRET_BYTES_MIN = 32
# Stands in the documentation and in the tests, so it protects nothing: live mode refuses it.
WELL_KNOWN_TEST_SECRET = "kolme-test-master-secret-known-to-everyone"  # noqa: S105 - it is public on purpose


def secret(secrets_dir: Path, name: str) -> str:
    """What the file holds; empty where there is none. Raises SettingsError."""
    path = secrets_dir / name
    try:
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"The secret file {name} in KOLME_SECRETS_DIR cannot be read as text.") from None


def write_master_secret(secrets_dir: Path, name: str = "master") -> str:
    """Written whole under another name, then linked into place: of processes starting together, one wins."""
    secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = secrets_dir / f".{name}.{secrets.token_hex(8)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(secrets.token_urlsafe(48) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, secrets_dir / name)
    finally:
        draft.unlink(missing_ok=True)
    return secret(secrets_dir, name)


def master_files(secrets_dir: Path) -> dict[int, str]:
    """The files of master secrets by their number, the newest first: `master` is the first, `master-2` the next."""
    found = {1: "master"} if (secrets_dir / "master").is_file() else {}
    for path in secrets_dir.glob("master-*"):
        number = path.name.removeprefix("master-")
        if number.isascii() and number.isdigit() and int(number) > 1 and number == str(int(number)):
            found[int(number)] = path.name
    return dict(sorted(found.items(), reverse=True))


def master_secrets(mode: Mode, secrets_dir: Path) -> Mapping[str, bytes]:
    """By key id, the newest first. Raises SettingsError."""
    files = master_files(secrets_dir)
    if not files and mode == "test":
        write_master_secret(secrets_dir)
        files = master_files(secrets_dir)
    if not files:
        raise SettingsError(
            "Live mode needs the secret file master in KOLME_SECRETS_DIR: 32 random bytes or more."
        )
    return {f"m{number}": _master_secret(mode, secrets_dir, name) for number, name in files.items()}


def _master_secret(mode: Mode, secrets_dir: Path, name: str) -> bytes:
    value = secret(secrets_dir, name)
    if len(value.encode()) < MASTER_SECRET_BYTES_MIN:
        raise SettingsError(
            f"The secret file {name} in KOLME_SECRETS_DIR is too short: it must hold at least 32 bytes."
        )
    if mode == "live" and value == WELL_KNOWN_TEST_SECRET:
        raise SettingsError(
            f"The secret file {name} in KOLME_SECRETS_DIR holds the test value that everyone knows."
        )
    return value.encode()


def door_secret(secrets_dir: Path, name: str, door: str) -> str:
    """The secret that a door cannot do without. Raises SettingsError."""
    value = secret(secrets_dir, name)
    if not value:
        raise SettingsError(f"{door} needs the secret file {name} in KOLME_SECRETS_DIR.")
    return value
