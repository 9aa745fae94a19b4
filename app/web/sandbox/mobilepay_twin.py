"""The sandbox's MobilePay as a place: its addresses, the keys it knows us by, and the calls it makes to us."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

from app.kernel import clock
from app.settings import MobilePayDoor, Settings

PATH: Final = "/sandbox/mobilepay"
# What is called by a server and not by a browser.
API_PATH: Final = f"{PATH}/api"
CALLBACK_PATH: Final = "/callbacks/mobilepay"
MSN: Final = "100003"
CLIENT_ID: Final = "kolme-sandbox"
TOKEN_VALID: Final = timedelta(hours=1)

_CALL_TIMEOUT_S: Final = 3.0

_log = structlog.get_logger("sandbox_mobilepay")


@dataclass(frozen=True, slots=True)
class TwinKeys:
    """What MobilePay and we know of each other. Made from the deployment's own secret: every process comes to the same,
    and nobody else does."""

    client_secret: str = field(repr=False)
    subscription_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    token_secret: str = field(repr=False)


class Caller(Protocol):
    async def call(self, events: Sequence[Mapping[str, object]]) -> None:
        """Tell the shop. It is never certain that a call arrives, and nothing may depend on it."""
        ...


@dataclass(frozen=True, slots=True)
class Twin:
    """One a process. `address` is where its pages are, without a slash at the end."""

    address: str
    keys: TwinKeys
    caller: Caller

    @property
    def door(self) -> MobilePayDoor:
        """How a deployment is set up that pays here."""
        return MobilePayDoor(
            url=f"{self.address}/api",
            msn=MSN,
            client_id=CLIENT_ID,
            client_secret=self.keys.client_secret,
            subscription_key=self.keys.subscription_key,
            webhook_secrets=(self.keys.webhook_secret,),
        )


class SignedCaller:
    """Posts each event to this deployment, signed as MobilePay signs. `host` is the deployment's public name."""

    def __init__(self, url: str, host: str, secret: str) -> None:
        self._url = url
        self._host = host
        self._secret = secret

    async def call(self, events: Sequence[Mapping[str, object]]) -> None:
        async with httpx.AsyncClient(timeout=_CALL_TIMEOUT_S, trust_env=False) as client:
            for event in events:
                body = msgspec.json.encode(event)
                try:
                    await client.post(self._url, content=body, headers=self._signed(body))
                except httpx.HTTPError as error:
                    _log.warning("call_not_delivered", error=type(error).__name__)

    def _signed(self, body: bytes) -> dict[str, str]:
        path = urlsplit(self._url).path
        return {
            "Host": self._host,
            "Content-Type": "application/json",
            **signature_headers(body, self._host, path, self._secret),
        }


def signature_headers(body: bytes, host: str, path: str, secret: str) -> dict[str, str]:
    """The three headers of a signed call that is made now."""
    date = format_datetime(clock.wall(), usegmt=True)
    digest = _b64(hashlib.sha256(body).digest())
    signed = f"POST\n{path}\n{date};{host};{digest}"
    signature = _b64(hmac.digest(secret.encode(), signed.encode(), "sha256"))
    return {
        "x-ms-date": date,
        "x-ms-content-sha256": digest,
        "Authorization": f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}",
    }


def our_twin(settings: Settings) -> Twin:
    """The twin that this deployment serves. 127.0.0.1, so that its pages are another site than localhost."""
    here = f"http://127.0.0.1:{settings.port}"
    keys = keys_of(settings)
    host = urlsplit(settings.base_url).netloc
    caller = SignedCaller(f"{here}{CALLBACK_PATH}", host, keys.webhook_secret)
    return Twin(f"{here}{PATH}", keys, caller)


def keys_of(settings: Settings) -> TwinKeys:
    return keys_from(settings.master_secret)


def keys_from(secret: bytes) -> TwinKeys:
    def made(name: str) -> str:
        return hmac.new(secret, f"sandbox mobilepay {name}".encode(), hashlib.sha256).hexdigest()

    return TwinKeys(made("client"), made("subscription"), made("webhook"), made("token"))


def new_token(keys: TwinKeys) -> str:
    until_s = int((clock.wall() + TOKEN_VALID).timestamp())
    return f"{until_s}.{_seal(str(until_s), keys)}"


def is_token(text: str, keys: TwinKeys) -> bool:
    until, _, seal = text.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(until, keys).encode()):
        return False
    return int(until) > clock.wall().timestamp()


def _seal(text: str, keys: TwinKeys) -> str:
    return hmac.new(keys.token_secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
