"""Which adapter stands behind each door: the real one where an address is set, else the sandbox twin (test mode).

Composition: the one place, with `main` and `worker`, that names a concrete adapter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.credit.ports import CreditRegister
from app.identity.ports import StrongAuthentication
from app.kernel.keys import keyring_of, use_keyring
from app.messages.ports import LetterDoor, MailDoor, SmsDoor
from app.outside import sms_profiles
from app.outside.bank import Bank, Registration
from app.outside.bank_keys import ClientKeys, KeysRefused, keys_made_in, read_keys
from app.outside.bank_profiles import BankProfile, ProfileRefused, read_profile
from app.outside.card import CardAccount, StripeCards
from app.outside.letters import LetterFolder, NoPrinter, SandboxPostbox
from app.outside.mail import SandboxLetterbox, SmtpMail
from app.outside.mobilepay import MobilePay
from app.outside.register import HttpRegister, RegisterProfile, SandboxRegister
from app.outside.sms import GatewaySms, SandboxPhone
from app.outside.webhook_door import HttpWebhookDoor, RememberingWebhookDoor
from app.payments.ports import PaymentProvider, ProviderMethod
from app.payments.watched import Watched
from app.settings import (
    BANK_COUNTRIES,
    BANK_KEYS,
    SANDBOX_OPERATOR,
    BankDoor,
    Operator,
    Settings,
    SettingsError,
)
from app.web.sandbox import bank as sandbox_bank
from app.web.sandbox import mobilepay_twin
from app.web.sandbox import stripe as sandbox_stripe
from app.web.shared.doors import House
from app.webhooks.ports import WebhookDoor


@dataclass(frozen=True, slots=True)
class WorkerDoors:
    """What a worker delivers through. One of each a process."""

    mail: MailDoor
    webhooks: WebhookDoor
    sms: SmsDoor = field(default_factory=SandboxPhone)
    letters: LetterDoor = field(default_factory=SandboxPostbox)
    operator: Operator = SANDBOX_OPERATOR
    base_url: str = ""
    providers: Mapping[ProviderMethod, PaymentProvider] = field(default_factory=dict)


def turn_keys(settings: Settings) -> None:
    """Give the process its key ring, made from the deployment's master secrets, the newest first."""
    use_keyring(keyring_of(settings.master_secrets))


def web_house(settings: Settings) -> House:
    """What a web process needs. Raises SettingsError for a bank's profile or key that cannot be used."""
    return House(
        settings,
        sms_door(settings),
        banks(settings),
        register_door(settings),
        client_keys(settings).public_set(),
        providers(settings),
    )


def worker_doors(settings: Settings) -> WorkerDoors:
    """What a worker process needs."""
    return WorkerDoors(
        mail_door(settings),
        webhook_door(settings),
        sms_door(settings),
        letter_door(settings),
        settings.operator,
        settings.base_url,
        providers(settings),
    )


def mail_door(settings: Settings) -> MailDoor:
    return SandboxLetterbox() if settings.mail is None else SmtpMail(settings.mail)


def letter_door(settings: Settings) -> LetterDoor:
    if settings.letter_dir is not None:
        return LetterFolder(settings.letter_dir)
    return SandboxPostbox() if settings.is_test else NoPrinter()


def webhook_door(settings: Settings) -> WebhookDoor:
    """Webhooks are really sent in test mode too: the shop's own server, on this machine or not, is what is tested."""
    door = HttpWebhookDoor(settings)
    return RememberingWebhookDoor(door) if settings.is_test else door


def sms_door(settings: Settings) -> SmsDoor:
    """Raises SettingsError for a gateway's profile that cannot be used."""
    if settings.sms is None:
        return SandboxPhone()
    try:
        return GatewaySms(settings.sms)
    except sms_profiles.ProfileRefused as why:
        raise SettingsError(str(why)) from None


def register_door(settings: Settings) -> CreditRegister:
    door = settings.register
    return SandboxRegister() if door is None else HttpRegister(RegisterProfile(door.url, door.token))


def providers(settings: Settings) -> Mapping[ProviderMethod, PaymentProvider]:
    """Who takes money at once, each watched. One that is missing is on offer nowhere."""
    found: dict[ProviderMethod, PaymentProvider] = {}
    card = card_door(settings)
    if card is not None:
        found["card"] = Watched(card)
    mobilepay = mobilepay_door(settings)
    if mobilepay is not None:
        found["mobilepay"] = Watched(mobilepay)
    return found


def card_door(settings: Settings) -> StripeCards | None:
    """Stripe, or its twin in test mode; in live mode without keys there is none."""
    door = settings.card
    if door is not None:
        return StripeCards(CardAccount(door.url, door.secret_key, door.webhook_secret))
    if not settings.is_test:
        return None
    twin = sandbox_stripe.our_branch(settings)
    return StripeCards(CardAccount(twin.twin.address, twin.secret_key, twin.webhook_secret))


def mobilepay_door(settings: Settings) -> MobilePay | None:
    """MobilePay, or its twin in test mode; in live mode without keys there is none."""
    door = settings.mobilepay
    if door is None:
        if not settings.is_test:
            return None
        door = mobilepay_twin.our_twin(settings).door
    return MobilePay(door, manage_url=f"{settings.base_url}/purchases")


def banks(settings: Settings) -> Mapping[str, StrongAuthentication]:
    """By country. In test mode the sandbox bank stands in wherever no bank of the operator's does."""
    keys = client_keys(settings)
    found: dict[str, StrongAuthentication] = {}
    for country in BANK_COUNTRIES:
        door = settings.banks.get(country)
        if door is not None:
            found[country] = Bank(_profile(country, door.profile), _registration(door, keys))
        elif settings.is_test:
            found[country] = Bank(_profile(country, None), _sandbox_registration(settings, keys))
    return found


def client_keys(settings: Settings) -> ClientKeys:
    """Our keys towards every bank. Raises SettingsError for key files that cannot be used."""
    folder = settings.secrets_dir / BANK_KEYS
    try:
        return read_keys(folder) if settings.banks else keys_made_in(folder)
    except KeysRefused as why:
        raise SettingsError(str(why)) from None


def _profile(country: str, path: Path | None) -> BankProfile:
    try:
        return read_profile(country, path)
    except ProfileRefused as why:
        raise SettingsError(str(why)) from None


def _sandbox_registration(settings: Settings, keys: ClientKeys) -> Registration:
    return Registration(
        issuer=sandbox_bank.issuer_at(settings.port),
        client_id=sandbox_bank.CLIENT_ID,
        keys=keys,
        allow_plain_http=True,
    )


def _registration(door: BankDoor, keys: ClientKeys) -> Registration:
    return Registration(
        issuer=door.issuer,
        client_id=door.client_id,
        keys=keys,
        # A provider on this machine is a test's; any other must speak https.
        allow_plain_http=urlsplit(door.issuer).hostname in {"127.0.0.1", "localhost", "::1"},
    )
