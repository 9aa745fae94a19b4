"""What an operator can set, as one frozen object, and the sentence when something in it is wrong."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["test", "live"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

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
class MobilePayDoor:
    """One sales unit at MobilePay. `webhook_secrets` may be several while one is exchanged for the next."""

    url: str
    msn: str
    client_id: str
    client_secret: str = field(repr=False)
    subscription_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CardDoor:
    """Our account at Stripe."""

    url: str
    secret_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


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
    card: CardDoor | None
    """None: the sandbox twin in test mode; in live mode nobody is offered to pay by card."""
    mobilepay: MobilePayDoor | None
    """None: the sandbox twin in test mode; in live mode nobody is offered MobilePay."""
    letter_dir: Path | None
    operator: Operator
    sms_a_day: int
    sms_a_day_and_shop: int
    review_undo_s: int

    @property
    def master_secret(self) -> bytes:
        return next(iter(self.master_secrets.values()))

    @property
    def is_test(self) -> bool:
        return self.mode == "test"

    @property
    def is_live(self) -> bool:
        return self.mode == "live"


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be told before there is a database."""

    host: str
    port: int
    var_dir: Path
    wants_embedded_database: bool
