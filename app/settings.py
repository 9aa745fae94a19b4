"""Everything an operator can set, read once from the environment into one frozen object.

Test mode needs nothing: sandbox doors, a secret made on first use, an embedded database whose address the
supervisor left in `var/`. Live mode needs everything and refuses to start with one sentence that names the
variable or the secret file.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from stdnum import bic, iban

ROOT = Path(__file__).resolve().parent.parent

Mode = Literal["test", "live"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MASTER_SECRET_BYTES_MIN = 32
# Stands in the documentation and in the tests, so it protects nothing: live mode refuses it.
WELL_KNOWN_TEST_SECRET = "kolme-test-master-secret-known-to-everyone"  # noqa: S105 - it is public on purpose

_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off"})
_PORT_MAX = 65535
SMS_A_DAY_MAX = 10_000_000

# Where people have a common electronic identity that speaks OpenID Connect. Bulgaria has none.
BANK_COUNTRIES = ("FI", "DK", "SE")
BANK_KEYS = "bank_keys"


class SettingsError(Exception):
    """The settings cannot be used. `sentence` tells the operator what to change."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class MailDoor:
    """Where e-mail leaves: `smtp://` (STARTTLS when offered) or `smtps://`."""

    host: str
    port: int
    tls: bool
    username: str
    sender: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SmsDoor:
    """`gateway` names a ready-made profile of `app/outside/gateways`, or a file of the operator's own."""

    url: str
    token: str = field(repr=False)
    gateway: str = "plain"
    user: str = ""
    sender: str = ""


@dataclass(frozen=True, slots=True)
class BankDoor:
    """The OpenID provider of one country, known by its issuer and our registration there alone. It knows us by the
    keys in the folder `bank_keys` among the secrets. `profile`: a file that takes the place of the house's own."""

    issuer: str
    client_id: str
    profile: Path | None


@dataclass(frozen=True, slots=True)
class RegisterDoor:
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs this deployment and, by default, is the creditor."""

    name: str
    company_id: str
    iban: str
    address: str = ""
    email: str = ""
    # Whoever pays from abroad, or in another currency than the euro, may be asked for it.
    bic: str | None = None


# The example account number of the Finnish IBAN description; nobody's account.
SANDBOX_OPERATOR = Operator(
    name="Kolme Sandbox",
    company_id="0000000-0",
    iban="FI2112345600000785",
    address="Esimerkkikatu 3, 00100 Helsinki",
    email="credit@kolme.example",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """A door that is None is the sandbox twin's place; live mode never has one."""

    mode: Mode
    base_url: str
    host: str
    port: int
    database_url: str = field(repr=False)
    var_dir: Path
    secrets_dir: Path
    master_secrets: Mapping[str, bytes] = field(repr=False)  # by key id, the newest first
    trusted_proxies: tuple[Network, ...]
    allow_loopback_webhooks: bool
    mail: MailDoor | None
    sms: SmsDoor | None
    banks: Mapping[str, BankDoor]
    """By country. In test mode a country that is missing has the sandbox bank, in live mode none."""
    register: RegisterDoor | None
    letter_dir: Path | None
    operator: Operator
    sms_a_day: int
    sms_a_day_and_shop: int

    @property
    def master_secret(self) -> bytes:
        return next(iter(self.master_secrets.values()))

    @property
    def is_test(self) -> bool:
        return self.mode == "test"

    @property
    def is_live(self) -> bool:
        return self.mode == "live"


def _text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    return environ.get(name, "").strip() or default


def _flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = _text(environ, name).lower()
    if not value:
        return default
    if value in _ON:
        return True
    if value in _OFF:
        return False
    raise SettingsError(f"{name} must be on or off, not {value!r}.")


def _split(name: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port  # parsed lazily; a bad port raises here rather than at first use
    except ValueError:
        raise SettingsError(f"{name} is not an address that can be read.") from None
    if parts.scheme not in schemes or not parts.hostname:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise SettingsError(f"{name} must be an address that begins with {wanted} and names a host.")
    return parts


def _web_address(name: str, value: str) -> str:
    parts = _split(name, value, ("https", "http"))
    if parts.username or parts.password or parts.fragment:
        raise SettingsError(f"{name} must carry no user name, password or fragment.")
    return value.rstrip("/")


def _mode(environ: Mapping[str, str]) -> Mode:
    value = _text(environ, "KOLME_MODE", "test")
    if value == "test":
        return "test"
    if value == "live":
        return "live"
    raise SettingsError(f"KOLME_MODE must be test or live, not {value!r}.")


def _port(environ: Mapping[str, str]) -> int:
    value = _text(environ, "PORT", "8000")
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= _PORT_MAX:
        raise SettingsError(f"PORT must be a number from 1 to {_PORT_MAX}, not {value!r}.")
    return int(value)


def _base_url(environ: Mapping[str, str], mode: Mode, port: int) -> str:
    address = _web_address("KOLME_BASE_URL", _text(environ, "KOLME_BASE_URL", f"http://localhost:{port}"))
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
    for item in _text(environ, "KOLME_TRUSTED_PROXIES").replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(item, strict=False))
        except ValueError:
            raise SettingsError(
                f"KOLME_TRUSTED_PROXIES holds {item!r}, which is not an IP address or network."
            ) from None
    return tuple(found)


def _var_dir(environ: Mapping[str, str]) -> Path:
    return Path(_text(environ, "KOLME_VAR_DIR", str(ROOT / "var"))).absolute()


def _database_url(environ: Mapping[str, str], mode: Mode, var_dir: Path) -> str:
    value = _text(environ, "DATABASE_URL")
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
    value = _text(environ, "KOLME_SECRETS_DIR")
    if not value and mode == "live":
        raise SettingsError("Live mode needs KOLME_SECRETS_DIR, the folder that holds the secret files.")
    return Path(value).absolute() if value else var_dir / "secrets"


def _secret(secrets_dir: Path, name: str) -> str:
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
    return _secret(secrets_dir, name)


def master_files(secrets_dir: Path) -> dict[int, str]:
    """The files of master secrets by their number, the newest first: `master` is the first, `master-2` the next."""
    found = {1: "master"} if (secrets_dir / "master").is_file() else {}
    for path in secrets_dir.glob("master-*"):
        number = path.name.removeprefix("master-")
        if number.isascii() and number.isdigit() and int(number) > 1 and number == str(int(number)):
            found[int(number)] = path.name
    return dict(sorted(found.items(), reverse=True))


def _master_secrets(mode: Mode, secrets_dir: Path) -> Mapping[str, bytes]:
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
    value = _secret(secrets_dir, name)
    if len(value.encode()) < MASTER_SECRET_BYTES_MIN:
        raise SettingsError(
            f"The secret file {name} in KOLME_SECRETS_DIR is too short: it must hold at least 32 bytes."
        )
    if mode == "live" and value == WELL_KNOWN_TEST_SECRET:
        raise SettingsError(
            f"The secret file {name} in KOLME_SECRETS_DIR holds the test value that everyone knows."
        )
    return value.encode()


def _sandbox_refused(mode: Mode, name: str, door: str) -> None:
    if mode == "live":
        raise SettingsError(f"Live mode needs {name}: without it, {door} would go to the sandbox.")


def _door_secret(secrets_dir: Path, name: str, door: str) -> str:
    value = _secret(secrets_dir, name)
    if not value:
        raise SettingsError(f"{door} needs the secret file {name} in KOLME_SECRETS_DIR.")
    return value


def _mail(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> MailDoor | None:
    value = _text(environ, "KOLME_SMTP_URL")
    if not value:
        _sandbox_refused(mode, "KOLME_SMTP_URL", "e-mail")
        return None
    parts = _split("KOLME_SMTP_URL", value, ("smtp", "smtps"))
    sender = _text(environ, "KOLME_MAIL_FROM")
    if "@" not in sender or any(mark in sender for mark in "\r\n"):
        raise SettingsError("KOLME_MAIL_FROM must be the e-mail address that receipts come from.")
    tls = parts.scheme == "smtps"
    password = parts.password or _secret(secrets_dir, "smtp_password")
    if parts.username and not password:
        raise SettingsError(
            "KOLME_SMTP_URL names a user, and so needs the secret file smtp_password in KOLME_SECRETS_DIR."
        )
    return MailDoor(
        host=parts.hostname or "",
        port=parts.port or (465 if tls else 587),
        tls=tls,
        username=parts.username or "",
        password=password,
        sender=sender,
    )


def _sms(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> SmsDoor | None:
    value = _text(environ, "KOLME_SMS_URL")
    if not value:
        _sandbox_refused(mode, "KOLME_SMS_URL", "text messages")
        return None
    address = _web_address("KOLME_SMS_URL", value)
    return SmsDoor(
        url=address,
        token=_door_secret(secrets_dir, "sms_token", "KOLME_SMS_URL"),
        gateway=_text(environ, "KOLME_SMS_GATEWAY", "plain"),
        user=_text(environ, "KOLME_SMS_USER"),
        sender=_text(environ, "KOLME_SMS_SENDER"),
    )


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    value = _text(environ, name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= SMS_A_DAY_MAX:
        raise SettingsError(f"{name} must be a whole number from 1 to {SMS_A_DAY_MAX}.")
    return int(value)


def _banks(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> Mapping[str, BankDoor]:
    banks = {each: door for each in BANK_COUNTRIES if (door := _bank(environ, each)) is not None}
    if not banks:
        _sandbox_refused(mode, "KOLME_BANK_FI_ISSUER (or that of DK or SE)", "strong identification")
        return banks
    for use in ("sign", "decrypt"):
        if not any((secrets_dir / BANK_KEYS).glob(f"{use}-*.pem")):
            raise SettingsError(f"A bank needs a key file {BANK_KEYS}/{use}-*.pem in KOLME_SECRETS_DIR.")
    return banks


def _bank(environ: Mapping[str, str], country: str) -> BankDoor | None:
    name = f"KOLME_BANK_{country}"
    # As it stands: an issuer is compared character by character.
    issuer = _text(environ, f"{name}_ISSUER")
    if not issuer:
        return None
    _web_address(f"{name}_ISSUER", issuer)
    client_id = _text(environ, f"{name}_CLIENT_ID")
    if not client_id:
        raise SettingsError(f"{name}_ISSUER needs {name}_CLIENT_ID, the name under which the bank knows us.")
    profile = _text(environ, f"{name}_PROFILE")
    if profile and not Path(profile).is_file():
        raise SettingsError(f"{name}_PROFILE must name a file: the bank's scopes, levels and claims.")
    return BankDoor(issuer, client_id, Path(profile).absolute() if profile else None)


def _register(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> RegisterDoor | None:
    value = _text(environ, "KOLME_REGISTER_URL")
    if not value:
        _sandbox_refused(mode, "KOLME_REGISTER_URL", "credit questions")
        return None
    address = _web_address("KOLME_REGISTER_URL", value)
    return RegisterDoor(url=address, token=_door_secret(secrets_dir, "register_token", "KOLME_REGISTER_URL"))


def _letter_dir(environ: Mapping[str, str]) -> Path | None:
    """The folder that a printing house takes letters from; without it live mode prints nothing."""
    value = _text(environ, "KOLME_LETTER_DIR")
    return Path(value).absolute() if value else None


def _operator(environ: Mapping[str, str], mode: Mode) -> Operator:
    example = SANDBOX_OPERATOR
    sandbox = {"NAME": example.name, "ID": example.company_id, "IBAN": example.iban}
    values = {key: _text(environ, f"KOLME_OPERATOR_{key}") for key in sandbox}
    if mode == "live":
        for key, value in values.items():
            if not value:
                raise SettingsError(
                    f"Live mode needs KOLME_OPERATOR_{key}: contracts and invoices name the operator."
                )
    else:
        values = {key: value or sandbox[key] for key, value in values.items()}
    account = values["IBAN"].replace(" ", "")
    if not iban.is_valid(account):
        raise SettingsError("KOLME_OPERATOR_IBAN must be an account number whose check digits are right.")
    code = _text(environ, "KOLME_OPERATOR_BIC").replace(" ", "").upper()
    if code and not bic.is_valid(code):
        raise SettingsError("KOLME_OPERATOR_BIC must be the bank's code of 8 or 11 characters, or empty.")
    # Information sheets and agreements tell them; what is not set is not told.
    told = {key: _text(environ, f"KOLME_OPERATOR_{key}") for key in ("ADDRESS", "EMAIL")}
    if mode == "test":
        told = {
            "ADDRESS": told["ADDRESS"] or example.address,
            "EMAIL": told["EMAIL"] or example.email,
        }
    return Operator(
        bic=code or None,
        name=values["NAME"],
        company_id=values["ID"],
        iban=account,
        address=told["ADDRESS"],
        email=told["EMAIL"],
    )


def _loopback_webhooks(environ: Mapping[str, str], mode: Mode) -> bool:
    allowed = _flag(environ, "KOLME_ALLOW_LOOPBACK_WEBHOOKS", default=mode == "test")
    if allowed and mode == "live":
        raise SettingsError(
            "Live mode needs KOLME_ALLOW_LOOPBACK_WEBHOOKS off: webhooks may not reach this machine itself."
        )
    return allowed


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be told before there is a database."""

    host: str
    port: int
    var_dir: Path
    wants_embedded_database: bool


def look(environ: Mapping[str, str]) -> Asked:
    """The supervisor's first look: where to listen, and whether to bring a database. Raises SettingsError."""
    return Asked(
        host=_text(environ, "HOST", "127.0.0.1"),
        port=_port(environ),
        var_dir=_var_dir(environ),
        wants_embedded_database=_mode(environ) == "test" and not _text(environ, "DATABASE_URL"),
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
        host=_text(environ, "HOST", "127.0.0.1"),
        port=port,
        database_url=_database_url(environ, mode, var_dir),
        var_dir=var_dir,
        secrets_dir=secrets_dir,
        master_secrets=_master_secrets(mode, secrets_dir),
        trusted_proxies=_networks(environ),
        allow_loopback_webhooks=_loopback_webhooks(environ, mode),
        mail=_mail(environ, mode, secrets_dir),
        sms=_sms(environ, mode, secrets_dir),
        banks=_banks(environ, mode, secrets_dir),
        register=_register(environ, mode, secrets_dir),
        letter_dir=_letter_dir(environ),
        operator=_operator(environ, mode),
        sms_a_day=_count(environ, "KOLME_SMS_A_DAY", 20_000),
        sms_a_day_and_shop=_count(environ, "KOLME_SMS_A_DAY_AND_SHOP", 2_000),
    )
