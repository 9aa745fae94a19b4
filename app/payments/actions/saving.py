"""What later charges are made with: the provider's token, sealed. Never a card number."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids, outbox
from app.kernel.keys import process_keyring
from app.payments.ports import ProviderMethod, SavedMethod
from app.payments.queries import SAVED_METHOD_PURPOSE, PaymentView

FORGET_JOB: Final = "saved_method_forget"

_KEEP: Final = """
INSERT INTO saved_methods (merchant_id, id, public_id, method, sealed, label, expires_on, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_SAVE: Final = f"""
WITH saved AS ({_KEEP} RETURNING merchant_id, id)
UPDATE payments p SET saved_method_id = saved.id FROM saved WHERE p.merchant_id = saved.merchant_id AND p.id = $9
"""  # noqa: S608 - a constant of this module


async def save_method(payment: PaymentView, saved: SavedMethod, now: datetime) -> PaymentView:
    """Keep what the shopper agreed to save with this payment; the payment as it is then. In a transaction."""
    row = _row(payment.merchant_id, payment.method, saved, now)
    await db.execute(_SAVE, *row.values, payment.id)
    return replace(payment, saved_method_id=row.id)


async def keep_method(merchant_id: UUID, method: ProviderMethod, saved: SavedMethod, now: datetime) -> UUID:
    """Keep what somebody agreed to save without a payment; answers its internal id. In a transaction."""
    row = _row(merchant_id, method, saved, now)
    await db.execute(_KEEP, *row.values)
    return row.id


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    values: tuple[object, ...] = field(repr=False)


def _row(merchant_id: UUID, method: ProviderMethod, saved: SavedMethod, now: datetime) -> _Row:
    saved_id = ids.internal_id()
    sealed = process_keyring().seal(SAVED_METHOD_PURPOSE, saved.token.encode())
    values = (merchant_id, saved_id, ids.public_id("sm"), method, sealed, saved.label, saved.expires_on, now)
    return _Row(saved_id, values)


# A charge that nobody has heard the end of is asked after with the token: it stays for as long.
_FORGET: Final = """
WITH known AS (
    SELECT merchant_id, id, public_id, method, sealed FROM saved_methods m
    WHERE m.merchant_id = $1 AND m.id = $2 AND m.forgotten_at IS NULL
      AND NOT EXISTS (SELECT FROM payments p WHERE p.merchant_id = m.merchant_id AND p.saved_method_id = m.id
                      AND p.kind = 'charge' AND p.ended_at IS NULL)
    FOR UPDATE
)
UPDATE saved_methods m SET sealed = NULL, forgotten_at = $3 FROM known
WHERE m.merchant_id = known.merchant_id AND m.id = known.id
RETURNING known.public_id, known.method, known.sealed
"""


async def forget_method(merchant_id: UUID, saved_method_id: UUID, now: datetime) -> bool:
    """Nobody is charged with it any more, and a worker tells its provider. False when it was forgotten before, and
    while a charge with it goes on: then it is to be forgotten again later. In a transaction."""
    row = await db.fetch_one(_FORGET, merchant_id, saved_method_id, now)
    if row is None:
        return False
    payload = {
        "saved_method": row["public_id"],
        "method": row["method"],
        "sealed": base64.b64encode(row["sealed"]).decode(),
    }
    await outbox.put(merchant_id, FORGET_JOB, payload, key=f"forget:{row['public_id']}")
    return True
