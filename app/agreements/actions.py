"""The verbs of agreements: ask for the document of a purchase, and keep it once it is drawn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.agreements.content import Sheet
from app.agreements.rules import remind_at
from app.kernel import db, ids, outbox
from app.law.rules import law_of

DRAW_JOB: Final = "agreement"
REMIND_JOB: Final = "withdrawal_reminder"
MAIL_JOB: Final = "mail"

_KEEP: Final = """
INSERT INTO agreements (merchant_id, id, public_id, order_id, customer_id, quote_id, quote_hash, lang, signed_at,
                        content, document, document_hash, remind_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (merchant_id, order_id) DO NOTHING
RETURNING public_id
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A signed sheet with the PDF of it, and the purchase they belong to."""

    merchant_id: UUID
    order_id: UUID
    order_public_id: str
    customer_id: UUID
    lang: str
    sheet: Sheet
    document: bytes = field(repr=False)


async def ask_to_draw(merchant_id: UUID, order_public_id: str, lang: str) -> None:
    """Put the drawing of a purchase's agreement on the outbox, in the caller's transaction; asked again it changes
    nothing."""
    payload = {"order": order_public_id, "lang": lang}
    await outbox.put(
        merchant_id, DRAW_JOB, payload, key=f"agreement:{order_public_id}", about=order_public_id
    )


async def keep(drawn: Drawn, now: datetime) -> bool:
    """Keep the agreement, and put its mail and the reminder of the right to withdraw on the outbox, in the caller's
    transaction. A purchase has one agreement: False when it is there, and then nothing is written."""
    signed, quote = drawn.sheet.signed, drawn.sheet.quote
    assert signed is not None, "a sheet becomes an agreement by being signed"
    at = remind_at(law_of(quote.country), signed.signed_at, signed.time_zone)
    public_id = await db.fetch_value(
        _KEEP,
        drawn.merchant_id,
        ids.internal_id(),
        ids.public_id("agr"),
        drawn.order_id,
        drawn.customer_id,
        quote.id,
        quote.hash,
        drawn.lang,
        signed.signed_at,
        drawn.sheet.to_data(),
        drawn.document,
        hashlib.sha256(drawn.document).hexdigest(),
        at,
        now,
    )
    if public_id is None:
        return False
    order = drawn.order_public_id
    mail = {"template": "agreement", "about": order}
    await outbox.put(drawn.merchant_id, MAIL_JOB, mail, key=f"mail:agreement:{order}", about=order)
    await outbox.put(
        drawn.merchant_id,
        REMIND_JOB,
        {"order": order},
        run_at=at,
        key=f"withdrawal:{order}",
        about=order,
    )
    return True
