"""Which adapter stands behind each door: the real one where an address is set, else the sandbox twin (test mode).

Composition: the one place, with `main` and `worker`, that names a concrete adapter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from joserfc.errors import InvalidKeyTypeError
from joserfc.jwk import ECKey, RSAKey

from app.credit.ports import CreditRegister
from app.identity.ports import StrongAuthentication
from app.kernel.keys import Keyring, use_keyring
from app.messages.ports import LetterDoor, MailDoor, SmsDoor
from app.outside.bank import Bank, BankProfile, ClientSecretBasic, PrivateKeyJwt
from app.outside.letters import LetterFolder, NoPrinter, SandboxPostbox
from app.outside.mail import SandboxLetterbox, SmtpMail
from app.outside.register import HttpRegister, RegisterProfile, SandboxRegister
from app.outside.sms import GatewaySms, SandboxPhone
from app.outside.webhook_door import HttpWebhookDoor, RememberingWebhookDoor
from app.settings import SANDBOX_OPERATOR, BankDoor, Operator, Settings
from app.web.sandbox import bank as sandbox_bank
from app.web.sandbox.bank_keys import signing_key_at
from app.web.shared.doors import House
from app.webhooks.ports import WebhookDoor

_CLIENT_KEY: Final = "sandbox_client_key.pem"


@dataclass(frozen=True, slots=True)
class WorkerDoors:
    """What a worker delivers through. One of each a process."""

    mail: MailDoor
    webhooks: WebhookDoor
    sms: SmsDoor = field(default_factory=SandboxPhone)
    letters: LetterDoor = field(default_factory=SandboxPostbox)
    operator: Operator = SANDBOX_OPERATOR


def turn_keys(settings: Settings) -> None:
    """Give the process its key ring, made from the deployment's master secret."""
    master = hashlib.sha256(b"kolme master\0" + settings.master_secret).digest()
    use_keyring(Keyring({"m1": master}))


def web_house(settings: Settings) -> House:
    """What a web process needs."""
    return House(settings, sms_door(settings), bank_door(settings), register_door(settings))


def worker_doors(settings: Settings) -> WorkerDoors:
    """What a worker process needs."""
    return WorkerDoors(
        mail_door(settings),
        webhook_door(settings),
        sms_door(settings),
        letter_door(settings),
        settings.operator,
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
    return SandboxPhone() if settings.sms is None else GatewaySms(settings.sms)


def register_door(settings: Settings) -> CreditRegister:
    door = settings.register
    return SandboxRegister() if door is None else HttpRegister(RegisterProfile(door.url, door.token))


def bank_door(settings: Settings) -> StrongAuthentication:
    return Bank(_sandbox_profile(settings) if settings.bank is None else _profile(settings.bank))


def sandbox_client_key(settings: Settings) -> ECKey:
    """Our key at the sandbox bank, whose public half it is registered with."""
    return signing_key_at(settings.secrets_dir / _CLIENT_KEY)


def _sandbox_profile(settings: Settings) -> BankProfile:
    return BankProfile(
        issuer=sandbox_bank.issuer_at(settings.port),
        client_id=sandbox_bank.CLIENT_ID,
        client_authentication=PrivateKeyJwt(sandbox_client_key(settings)),
        country="FI",
        allow_plain_http=True,
    )


def _profile(door: BankDoor) -> BankProfile:
    authentication = (
        PrivateKeyJwt(_client_key(door.key_pem)) if door.key_pem else ClientSecretBasic(door.client_secret)
    )
    return BankProfile(
        issuer=door.issuer,
        client_id=door.client_id,
        client_authentication=authentication,
        country="FI",
        # A provider on this machine is a test's; any other must speak https.
        allow_plain_http=urlsplit(door.issuer).hostname in {"127.0.0.1", "localhost", "::1"},
    )


def _client_key(pem: str) -> RSAKey | ECKey:
    """Brokers of the Finnish trust network ask for RSA, others take the smaller elliptic ones."""
    key: RSAKey | ECKey
    try:
        key = RSAKey.import_key(pem, {"use": "sig"})
    except InvalidKeyTypeError:
        key = ECKey.import_key(pem, {"use": "sig"})
    key.ensure_kid()
    return key
