"""The shop's orders, kept where every web process finds them, and the one thing that makes an order paid: a
signed message.

A real shop would have a table. This one keeps a JSON object an order for a week.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.messages import sandbox
from app.web.demo.catalogue import CURRENCY, Basket, written_basket

_KEPT_S: Final = 7 * 86_400
_LETTERS: Final = "23456789abcdefghjkmnpqrstvwxyz"
_NUMBER_LENGTH: Final = 10
_PAID: Final = "order.paid"


class Order(msgspec.Struct, frozen=True):
    """`paid` and `news` come from signed messages alone: `news` is the type of the last one that was not
    about payment, "" before the first. `basket` is written as its cookie was."""

    ref: str
    basket: str
    total_minor: int
    session_id: str
    url: str
    paid: bool = False
    news: str = ""


class UnsignedMessage(Exception):
    """The message does not carry the payment service's signature, is too old, or is no message at all."""


class _Data(msgspec.Struct):
    """What the shop needs of any message: its own name for the order. A document's message has what its payer
    writes there, or nothing, as a receipt does."""

    reference: str | None = None


class _Message(msgspec.Struct):
    type: str
    data: _Data


def new_reference() -> str:
    """Long enough that nobody finds another's order by trying."""
    return "HK-" + "".join(secrets.choice(_LETTERS) for _ in range(_NUMBER_LENGTH))


def is_reference(text: str) -> bool:
    return len(text) == 3 + _NUMBER_LENGTH and text.startswith("HK-") and set(text[3:]) <= set(_LETTERS)


async def remember(ref: str, basket: Basket, session_id: str, url: str) -> None:
    assert basket.total.currency == CURRENCY
    order = Order(ref, written_basket(basket), basket.total.amount_minor, session_id, url)
    await sandbox.remember_once(_key(ref), msgspec.to_builtins(order), _KEPT_S)


async def order_of(ref: str) -> Order | None:
    kept = await sandbox.recall(_key(ref)) if is_reference(ref) else None
    return None if kept is None else msgspec.convert(kept, Order)


def read_message(body: bytes, headers: Mapping[str, str], secret: str) -> tuple[str, str]:
    """(type, the shop's reference or "") of a message whose signature holds. Raises UnsignedMessage."""
    try:
        Webhook(secret).verify(body, dict(headers))
        message = msgspec.json.decode(body, type=_Message)
    except (WebhookVerificationError, msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        raise UnsignedMessage from None
    return message.type, message.data.reference or ""


async def note(message_type: str, ref: str) -> None:
    """Takes in what a signed message told, whatever the order they come in. The same one twice changes
    nothing."""
    if is_reference(ref):
        changes = {"paid": True} if message_type == _PAID else {"news": message_type}
        await sandbox.change(_key(ref), changes, _KEPT_S)


def _key(ref: str) -> str:
    return f"demo-order:{ref}"
