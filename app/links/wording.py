"""The words that a link is sent with: the shop's own where it has some, else ours, with their gaps filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.kernel import audit, db, templating
from app.kernel.i18n import format_datetime, format_money
from app.kernel.money import Money
from app.kernel.typed import clean, one_line
from app.links.queries import LinkView
from app.merchants.errors import FieldRefused
from app.merchants.queries import Merchant, merchant_by_id
from app.orders.queries import OrderView

Occasion = Literal["link", "reminder"]
OCCASIONS: Final[tuple[Occasion, ...]] = ("link", "reminder")

# What may stand in braces, the same in every language.
GAPS: Final = ("name", "shop", "reference", "total", "until")
SUBJECT_MAX: Final = 150
MESSAGE_MAX: Final = 2000
SMS_MAX: Final = 300
_GAP: Final = re.compile(r"(,? ?)\{([^{}\n]{0,40})\}")
_DEFAULTS: Final = {
    "link": (
        "mail/payment_link/default_subject.txt",
        "mail/payment_link/default_message.txt",
        "sms/payment_link_default.txt",
    ),
    "reminder": (
        "mail/payment_link/reminder_subject.txt",
        "mail/payment_link/reminder_message.txt",
        "sms/payment_link_reminder.txt",
    ),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A subject and a message for e-mail, and a text for SMS, which the address follows."""

    subject: str
    message: str
    sms: str


def default_words(lang: str, occasion: Occasion) -> Words:
    """Ours, with their gaps."""
    subject, message, sms = (templating.render_text(name, lang).strip() for name in _DEFAULTS[occasion])
    return Words(subject, message, sms)


async def words_of(merchant_id: UUID, lang: str, occasion: Occasion) -> Words:
    """The shop's words with their gaps; ours where it has none of its own."""
    return await own_words(merchant_id, lang, occasion) or default_words(lang, occasion)


async def own_words(merchant_id: UUID, lang: str, occasion: Occasion) -> Words | None:
    row = await db.fetch_one(
        "SELECT subject, message, sms FROM link_words WHERE merchant_id = $1 AND lang = $2 AND occasion = $3",
        merchant_id,
        lang,
        occasion,
    )
    return None if row is None else Words(row["subject"], row["message"], row["sms"])


async def filled_words(link: LinkView, order: OrderView, lang: str, occasion: Occasion = "link") -> Words:
    """The words for one link, as they are proposed to whoever sends it: never empty, and never longer than can be sent,
    whatever the shop wrote and the customer is called.
    """
    merchant = await merchant_by_id(link.merchant_id)
    assert merchant is not None, "a link belongs to a merchant"
    values = gap_values(merchant, order, link.expires_at, lang)
    own = _filled(await words_of(merchant.id, lang, occasion), values)
    if own.subject and own.message and own.sms:
        return own
    ours = _filled(default_words(lang, occasion), values)
    return Words(own.subject or ours.subject, own.message or ours.message, own.sms or ours.sms)


def _filled(words: Words, values: Mapping[str, str]) -> Words:
    return Words(
        one_line(filled(words.subject, values))[:SUBJECT_MAX].strip(),
        filled(words.message, values)[:MESSAGE_MAX].strip(),
        one_line(filled(words.sms, values))[:SMS_MAX].strip(),
    )


def gap_values(
    merchant: Merchant, order: OrderView, expires_at: datetime | None, lang: str
) -> dict[str, str]:
    """What each gap is filled with; empty where nothing is known."""
    return {
        "name": one_line(order.contact.name or ""),
        "shop": one_line(merchant.name),
        "reference": one_line(order.reference),
        "total": format_money(Money(order.total_minor, order.currency), lang),
        "until": "" if expires_at is None else format_datetime(expires_at, lang, merchant.time_zone),
    }


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its gaps filled; what is filled in is never looked at for gaps again. An empty one leaves nothing,
    neither the comma and space before it.
    """

    def value(match: re.Match[str]) -> str:
        before, name = match[1], match[2]
        if name not in values:
            return match[0]
        return f"{before}{values[name]}" if values[name] else ""

    return _GAP.sub(value, text)


def checked_words(subject: str, message: str, sms: str) -> Words:
    """Words as a shop may keep them.

    Raises FieldRefused ("subject", "message", "sms"): empty, too_long, unknown_gap.
    """
    words = Words(one_line(clean(subject)), clean(message), one_line(clean(sms)))
    for name, text, longest in (
        ("subject", words.subject, SUBJECT_MAX),
        ("message", words.message, MESSAGE_MAX),
        ("sms", words.sms, SMS_MAX),
    ):
        if not text:
            raise FieldRefused(name, "empty")
        if len(text) > longest:
            raise FieldRefused(name, "too_long")
        if any(match[2] not in GAPS for match in _GAP.finditer(text)):
            raise FieldRefused(name, "unknown_gap")
    return words


_SAVE: Final = """
INSERT INTO link_words (merchant_id, lang, occasion, subject, message, sms, saved_at, saved_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, lang, occasion) DO UPDATE
SET subject = excluded.subject, message = excluded.message, sms = excluded.sms, saved_at = excluded.saved_at,
    saved_by = excluded.saved_by
"""

_DROP: Final = "DELETE FROM link_words WHERE merchant_id = $1 AND lang = $2 AND occasion = $3"


async def save_words(
    merchant: Merchant, lang: str, occasion: Occasion, words: Words | None, *, actor: str, now: datetime
) -> None:
    """The shop's words for what is sent from now on; None takes ours again. The audit log tells who, not what.

    One transaction.
    """

    async def write() -> None:
        if words is None:
            await db.execute(_DROP, merchant.id, lang, occasion)
        else:
            await db.execute(
                _SAVE, merchant.id, lang, occasion, words.subject, words.message, words.sms, now, actor
            )
        await audit.record(
            actor,
            "merchant.link_words",
            merchant.public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"lang": lang, "occasion": occasion, "own": words is not None},
        )

    await db.in_tx(write)
