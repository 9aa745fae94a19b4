"""The message that carries a one-time code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

from app.kernel import templating
from app.kernel.money import Money
from app.messages.ports import NotTaken, Sms, SmsDoor

SEND_TIMEOUT_S: Final = 3.0

Sending = Literal["sent", "failed", "unknown"]


def code_text(*, code: str, total: Money, shop: str, base_url: str, lang: str) -> str:
    """Amount, shop and code for a person; the last line binds the code to our own address, for the phone.

    The last line's form is WICG's "Origin-bound one-time codes delivered via SMS": `@host #code`, nothing after it.
    """
    host = urlsplit(base_url).hostname or ""
    text = templating.render_text("sms/code.txt", lang, shop=shop, amount=total, code=code, host=host)
    return text.strip()


async def send_code_sms(
    door: SmsDoor,
    *,
    phone: str,
    code: str,
    total: Money,
    shop: str,
    base_url: str,
    lang: str,
    merchant_id: UUID,
) -> Sending:
    """Send a code; it is never sent again for one request. `failed`: the gateway certainly did not take it.

    A gateway that does not answer in three seconds may have taken it (`unknown`): the shopper waits, or asks anew.
    """
    text = code_text(code=code, total=total, shop=shop, base_url=base_url, lang=lang)
    return await _hand_over(door, Sms(phone, text, merchant_id))


async def send_sign_in_sms(
    door: SmsDoor, *, phone: str, code: str, operator: str, base_url: str, lang: str
) -> Sending:
    """Send a code that opens somebody's purchases and wallets; as above."""
    host = urlsplit(base_url).hostname or ""
    text = templating.render_text("sms/sign_in.txt", lang, operator=operator, code=code, host=host).strip()
    return await _hand_over(door, Sms(phone, text, None))


@dataclass(frozen=True, slots=True)
class PayoutWords:
    """What a code to pay out approves, as its message says it; `hint` is how the account number ends."""

    shop: str
    amount: Money
    hint: str


async def send_payout_sms(
    door: SmsDoor, words: PayoutWords, *, phone: str, code: str, base_url: str, lang: str, merchant_id: UUID
) -> Sending:
    """Send a code that lets money leave a wallet; as above."""
    host = urlsplit(base_url).hostname or ""
    text = templating.render_text("sms/payout_code.txt", lang, words=words, code=code, host=host).strip()
    return await _hand_over(door, Sms(phone, text, merchant_id))


async def _hand_over(door: SmsDoor, message: Sms) -> Sending:
    try:
        await door.send(message, timeout_s=SEND_TIMEOUT_S)
    except NotTaken as refusal:
        return "failed" if refusal.certain else "unknown"
    return "sent"
