"""The doors to the world, and who the operator is. A door without an address leads to the sandbox, but never live."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from stdnum import bic, iban

from app.settings.secret_files import door_secret, secret
from app.settings.shapes import (
    BANK_COUNTRIES,
    BANK_KEYS,
    SANDBOX_OPERATOR,
    BankDoor,
    CardDoor,
    MailDoor,
    MobilePayDoor,
    Mode,
    Operator,
    RegisterDoor,
    SettingsError,
    SmsDoor,
)
from app.settings.values import split, text, web_address


def _sandbox_refused(mode: Mode, name: str, door: str) -> None:
    if mode == "live":
        raise SettingsError(f"Live mode needs {name}: without it, {door} would go to the sandbox.")


def mail(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> MailDoor | None:
    """E-mail. Raises SettingsError."""
    value = text(environ, "KOLME_SMTP_URL")
    if not value:
        _sandbox_refused(mode, "KOLME_SMTP_URL", "e-mail")
        return None
    parts = split("KOLME_SMTP_URL", value, ("smtp", "smtps"))
    sender = text(environ, "KOLME_MAIL_FROM")
    if "@" not in sender or any(mark in sender for mark in "\r\n"):
        raise SettingsError("KOLME_MAIL_FROM must be the e-mail address that receipts come from.")
    tls = parts.scheme == "smtps"
    password = parts.password or secret(secrets_dir, "smtp_password")
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


def sms(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> SmsDoor | None:
    """Text messages. Raises SettingsError."""
    value = text(environ, "KOLME_SMS_URL")
    if not value:
        _sandbox_refused(mode, "KOLME_SMS_URL", "text messages")
        return None
    address = web_address("KOLME_SMS_URL", value)
    return SmsDoor(
        url=address,
        token=door_secret(secrets_dir, "sms_token", "KOLME_SMS_URL"),
        gateway=text(environ, "KOLME_SMS_GATEWAY", "plain"),
        user=text(environ, "KOLME_SMS_USER"),
        sender=text(environ, "KOLME_SMS_SENDER"),
    )


def banks(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> Mapping[str, BankDoor]:
    """Strong identification, by country. Raises SettingsError."""
    found = {each: door for each in BANK_COUNTRIES if (door := _bank(environ, each)) is not None}
    if not found:
        _sandbox_refused(mode, "KOLME_BANK_FI_ISSUER (or that of DK or SE)", "strong identification")
        return found
    for use in ("sign", "decrypt"):
        if not any((secrets_dir / BANK_KEYS).glob(f"{use}-*.pem")):
            raise SettingsError(f"A bank needs a key file {BANK_KEYS}/{use}-*.pem in KOLME_SECRETS_DIR.")
    return found


def _bank(environ: Mapping[str, str], country: str) -> BankDoor | None:
    name = f"KOLME_BANK_{country}"
    # As it stands: an issuer is compared character by character.
    issuer = text(environ, f"{name}_ISSUER")
    if not issuer:
        return None
    web_address(f"{name}_ISSUER", issuer)
    client_id = text(environ, f"{name}_CLIENT_ID")
    if not client_id:
        raise SettingsError(f"{name}_ISSUER needs {name}_CLIENT_ID, the name under which the bank knows us.")
    profile = text(environ, f"{name}_PROFILE")
    if profile and not Path(profile).is_file():
        raise SettingsError(f"{name}_PROFILE must name a file: the bank's scopes, levels and claims.")
    return BankDoor(issuer, client_id, Path(profile).absolute() if profile else None)


def register(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> RegisterDoor | None:
    """The credit register. Raises SettingsError."""
    value = text(environ, "KOLME_REGISTER_URL")
    if not value:
        _sandbox_refused(mode, "KOLME_REGISTER_URL", "credit questions")
        return None
    address = web_address("KOLME_REGISTER_URL", value)
    return RegisterDoor(url=address, token=door_secret(secrets_dir, "register_token", "KOLME_REGISTER_URL"))


def card(environ: Mapping[str, str], mode: Mode, secrets_dir: Path) -> CardDoor | None:
    """Card payments: a deployment may do without, but has the account whole or not at all. Raises SettingsError."""
    value = text(environ, "KOLME_CARD_URL")
    if not value:
        for name in ("card_secret_key", "card_webhook_secret"):
            if mode == "live" and secret(secrets_dir, name):
                raise SettingsError(
                    f"The secret file {name} needs KOLME_CARD_URL: without it nobody can pay by card."
                )
        return None
    address = web_address("KOLME_CARD_URL", value)
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise SettingsError("KOLME_CARD_URL must begin with https://: our keys travel with every call.")
    key = door_secret(secrets_dir, "card_secret_key", "KOLME_CARD_URL")
    if not key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
        raise SettingsError(
            f"The secret file card_secret_key must hold a key of Stripe's {mode} mode: "
            f"it begins with sk_{mode}_ or rk_{mode}_."
        )
    webhook_secret = door_secret(secrets_dir, "card_webhook_secret", "KOLME_CARD_URL")
    if not webhook_secret.startswith("whsec_"):
        raise SettingsError(
            "The secret file card_webhook_secret must hold the endpoint's signing secret: it begins with whsec_."
        )
    return CardDoor(url=address, secret_key=key, webhook_secret=webhook_secret)


def mobilepay(environ: Mapping[str, str], secrets_dir: Path) -> MobilePayDoor | None:
    """MobilePay: a way to pay that a deployment may do without, in live mode too. Raises SettingsError."""
    value = text(environ, "KOLME_MOBILEPAY_URL")
    if not value:
        return None
    address = web_address("KOLME_MOBILEPAY_URL", value)
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise SettingsError("KOLME_MOBILEPAY_URL must begin with https://: our keys travel with every call.")
    msn = text(environ, "KOLME_MOBILEPAY_MSN")
    if not (msn.isascii() and msn.isdigit()):
        raise SettingsError(
            "KOLME_MOBILEPAY_URL needs KOLME_MOBILEPAY_MSN, the serial number of the sales unit, in digits."
        )
    client_id = text(environ, "KOLME_MOBILEPAY_CLIENT_ID")
    if not client_id:
        raise SettingsError(
            "KOLME_MOBILEPAY_URL needs KOLME_MOBILEPAY_CLIENT_ID, as the business portal tells it."
        )
    # A line each, so that the next one can be told before MobilePay signs with it.
    webhook_secrets = door_secret(secrets_dir, "mobilepay_webhook_secret", "KOLME_MOBILEPAY_URL")
    return MobilePayDoor(
        url=address,
        msn=msn,
        client_id=client_id,
        client_secret=door_secret(secrets_dir, "mobilepay_client_secret", "KOLME_MOBILEPAY_URL"),
        subscription_key=door_secret(secrets_dir, "mobilepay_subscription_key", "KOLME_MOBILEPAY_URL"),
        webhook_secrets=tuple(webhook_secrets.split()),
    )


def letter_dir(environ: Mapping[str, str]) -> Path | None:
    """The folder that a printing house takes letters from; without it live mode prints nothing."""
    value = text(environ, "KOLME_LETTER_DIR")
    return Path(value).absolute() if value else None


def operator(environ: Mapping[str, str], mode: Mode) -> Operator:
    """Who contracts and invoices name. Raises SettingsError."""
    example = SANDBOX_OPERATOR
    sandbox = {"NAME": example.name, "ID": example.company_id, "IBAN": example.iban}
    values = {key: text(environ, f"KOLME_OPERATOR_{key}") for key in sandbox}
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
    code = text(environ, "KOLME_OPERATOR_BIC").replace(" ", "").upper()
    if code and not bic.is_valid(code):
        raise SettingsError("KOLME_OPERATOR_BIC must be the bank's code of 8 or 11 characters, or empty.")
    # Information sheets and agreements tell them; what is not set is not told.
    told = {key: text(environ, f"KOLME_OPERATOR_{key}") for key in ("ADDRESS", "EMAIL")}
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
