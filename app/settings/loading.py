"""Everything an operator can set, read once from the environment.

Test mode needs nothing: sandbox doors, a secret made on first use, an embedded database whose address the
supervisor left in `var/`. Live mode needs everything and refuses to start with one sentence that names the
variable or the secret file.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from app.settings import doors
from app.settings.secret_files import master_secrets
from app.settings.shapes import Asked, Mode, Network, Settings, SettingsError
from app.settings.values import flag, text, web_address

ROOT = Path(__file__).resolve().parents[2]
SMS_A_DAY_MAX = 10_000_000
UNDO_S_MAX = 60
_PORT_MAX = 65535


def _mode(environ: Mapping[str, str]) -> Mode:
    value = text(environ, "KOLME_MODE", "test")
    if value == "test":
        return "test"
    if value == "live":
        return "live"
    raise SettingsError(f"KOLME_MODE must be test or live, not {value!r}.")


def _port(environ: Mapping[str, str]) -> int:
    value = text(environ, "PORT", "8000")
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= _PORT_MAX:
        raise SettingsError(f"PORT must be a number from 1 to {_PORT_MAX}, not {value!r}.")
    return int(value)


def _base_url(environ: Mapping[str, str], mode: Mode, port: int) -> str:
    address = web_address("KOLME_BASE_URL", text(environ, "KOLME_BASE_URL", f"http://localhost:{port}"))
    parts = urlsplit(address)
    if parts.path or parts.query:
        raise SettingsError("KOLME_BASE_URL must be a host alone, without a path.")
    if mode == "live" and parts.scheme != "https":
        raise SettingsError(
            "Live mode needs KOLME_BASE_URL to begin with https://, because shoppers type codes there."
        )
    return address


def _networks(environ: Mapping[str, str]) -> tuple[Network, ...]:
    found: list[Network] = []
    for item in text(environ, "KOLME_TRUSTED_PROXIES").replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(item, strict=False))
        except ValueError:
            raise SettingsError(
                f"KOLME_TRUSTED_PROXIES holds {item!r}, which is not an IP address or network."
            ) from None
    return tuple(found)


def _var_dir(environ: Mapping[str, str]) -> Path:
    return Path(text(environ, "KOLME_VAR_DIR", str(ROOT / "var"))).absolute()


def _database_url(environ: Mapping[str, str], mode: Mode, var_dir: Path) -> str:
    value = text(environ, "DATABASE_URL")
    if not value and mode == "live":
        raise SettingsError("Live mode needs DATABASE_URL, the address of a PostgreSQL server of your own.")
    if not value:
        address = var_dir / "database_url"
        value = address.read_text(encoding="utf-8").strip() if address.is_file() else ""
    if not value:
        raise SettingsError("No database is running here: start one with `make run`, or set DATABASE_URL.")
    if not value.startswith(("postgresql://", "postgres://")):
        raise SettingsError("DATABASE_URL must be an address that begins with postgresql://.")
    return value


def _secrets_dir(environ: Mapping[str, str], mode: Mode, var_dir: Path) -> Path:
    value = text(environ, "KOLME_SECRETS_DIR")
    if not value and mode == "live":
        raise SettingsError("Live mode needs KOLME_SECRETS_DIR, the folder that holds the secret files.")
    return Path(value).absolute() if value else var_dir / "secrets"


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    value = text(environ, name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= SMS_A_DAY_MAX:
        raise SettingsError(f"{name} must be a whole number from 1 to {SMS_A_DAY_MAX}.")
    return int(value)


def _seconds(environ: Mapping[str, str], name: str, default: int) -> int:
    value = text(environ, name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or int(value) > UNDO_S_MAX:
        raise SettingsError(f"{name} must be a whole number from 0 to {UNDO_S_MAX}.")
    return int(value)


def _loopback_webhooks(environ: Mapping[str, str], mode: Mode) -> bool:
    allowed = flag(environ, "KOLME_ALLOW_LOOPBACK_WEBHOOKS", default=mode == "test")
    if allowed and mode == "live":
        raise SettingsError(
            "Live mode needs KOLME_ALLOW_LOOPBACK_WEBHOOKS off: webhooks may not reach this machine itself."
        )
    return allowed


def look(environ: Mapping[str, str]) -> Asked:
    """The supervisor's first look: where to listen, and whether to bring a database. Raises SettingsError."""
    return Asked(
        host=text(environ, "HOST", "127.0.0.1"),
        port=_port(environ),
        var_dir=_var_dir(environ),
        wants_embedded_database=_mode(environ) == "test" and not text(environ, "DATABASE_URL"),
    )


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables. Raises SettingsError with the first thing that is wrong."""
    mode = _mode(environ)
    port = _port(environ)
    var_dir = _var_dir(environ)
    secrets_dir = _secrets_dir(environ, mode, var_dir)
    return Settings(
        mode=mode,
        base_url=_base_url(environ, mode, port),
        host=text(environ, "HOST", "127.0.0.1"),
        port=port,
        database_url=_database_url(environ, mode, var_dir),
        var_dir=var_dir,
        secrets_dir=secrets_dir,
        master_secrets=master_secrets(mode, secrets_dir),
        trusted_proxies=_networks(environ),
        allow_loopback_webhooks=_loopback_webhooks(environ, mode),
        mail=doors.mail(environ, mode, secrets_dir),
        sms=doors.sms(environ, mode, secrets_dir),
        banks=doors.banks(environ, mode, secrets_dir),
        register=doors.register(environ, mode, secrets_dir),
        card=doors.card(environ, mode, secrets_dir),
        mobilepay=doors.mobilepay(environ, secrets_dir),
        letter_dir=doors.letter_dir(environ),
        operator=doors.operator(environ, mode),
        sms_a_day=_count(environ, "KOLME_SMS_A_DAY", 20_000),
        sms_a_day_and_shop=_count(environ, "KOLME_SMS_A_DAY_AND_SHOP", 2_000),
        review_undo_s=_seconds(environ, "KOLME_REVIEW_UNDO_S", 10),
    )
