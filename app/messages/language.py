"""Which language somebody bought in."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from app.kernel import db

_LANGUAGE: Final = """
SELECT coalesce(h.detail ->> 'lang', s.locale, b.lang, m.locale) FROM orders o JOIN merchants m ON m.id = o.merchant_id
LEFT JOIN subscription_periods d ON d.merchant_id = o.merchant_id AND d.order_id = o.id
LEFT JOIN subscriptions b ON b.merchant_id = d.merchant_id AND b.id = d.subscription_id
LEFT JOIN checkout_sessions s ON s.merchant_id = o.merchant_id AND s.order_id = o.id AND s.state = 'confirmed'
LEFT JOIN session_history h ON h.merchant_id = s.merchant_id AND h.subject_id = s.id AND h.to_state = 'confirmed'
WHERE o.merchant_id = $1 AND o.public_id = $2
"""


async def language_of_order(merchant_id: UUID, order_public_id: str) -> str:
    """The language of the page that was confirmed, else the one the shop asked for, or that a subscription renewed by
    it was begun in, else the merchant's."""
    found = await db.fetch_value(_LANGUAGE, merchant_id, order_public_id)
    assert isinstance(found, str), "the order exists"
    return found
