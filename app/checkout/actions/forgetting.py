"""What a session that came to nothing leaves behind: after thirty days no personal data.

Lines, sums, times and the history stay, and so do credit decisions, which the law wants kept. A purchase's own data is
not touched here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.identity.actions import codes
from app.kernel import db

KEPT: Final = timedelta(days=30)

# A session ends after it began, so the index on its birth finds every candidate; its history knows when it ended.
_FORGET: Final = """
WITH due AS (
    SELECT s.merchant_id, s.id, s.order_id FROM checkout_sessions s
    WHERE s.state IN ('expired', 'cancelled', 'declined') AND s.forgotten_at IS NULL AND s.created_at <= $2
      AND (SELECT max(h.at) FROM session_history h
           WHERE h.merchant_id = s.merchant_id AND h.subject_id = s.id) <= $2
    ORDER BY s.created_at LIMIT $3
    FOR UPDATE SKIP LOCKED
), contact AS (
    UPDATE order_contacts c
    SET name = NULL, email = NULL, phone = NULL, postcode = NULL, street = NULL, city = NULL,
        note = NULL, company_country = NULL, company_number = NULL, company_name = NULL, purchase_order = NULL
    FROM due JOIN orders o ON o.merchant_id = due.merchant_id AND o.id = due.order_id
    WHERE c.merchant_id = o.merchant_id AND c.order_id = o.id AND o.state IN ('expired', 'cancelled')
)
UPDATE checkout_sessions s
SET forgotten_at = $1, phone = NULL, postcode = NULL, phone_proved_at = NULL, customer_id = NULL, browser_id = NULL,
    typed = NULL
FROM due WHERE s.merchant_id = due.merchant_id AND s.id = due.id
"""


_FORGET_OF_ORDER: Final = """
UPDATE checkout_sessions
SET forgotten_at = $3, phone = NULL, postcode = NULL, phone_proved_at = NULL, customer_id = NULL, browser_id = NULL,
    typed = NULL
WHERE merchant_id = $1 AND order_id = $2 AND forgotten_at IS NULL
RETURNING public_id
"""


async def forget_sessions_of(merchant_id: UUID, order_id: UUID, now: datetime) -> None:
    """As `forget_ended`, at once and inside the caller's transaction: the order is removed with all it knew, the phones
    that codes went to included."""
    rows = await db.fetch_all(_FORGET_OF_ORDER, merchant_id, order_id, now)
    await codes.forget_about([row["public_id"] for row in rows])


async def forget_ended(now: datetime, limit: int = 100) -> int:
    """Take away what sessions that ended thirty days ago, without a purchase, knew of people. Answers how many."""

    async def write() -> int:
        status = await db.execute(_FORGET, now, now - KEPT, limit)
        return int(status.split()[-1])

    return await db.in_tx(write)


# A browser is over after its absolute life: no cookie opens it any more, so nothing is lost with the reference.
_RELEASE: Final = """
UPDATE checkout_sessions SET browser_id = NULL
WHERE (merchant_id, id) IN (
    SELECT s.merchant_id, s.id FROM browsers b JOIN checkout_sessions s ON s.browser_id = b.id
    WHERE b.expires_at < $1 AND s.state NOT IN ('open', 'processing', 'held')
    ORDER BY b.expires_at LIMIT $2
)
"""


async def release_browsers(wall: datetime, limit: int = 1000) -> int:
    """Let ended sessions go of browsers that are over, so that those can be deleted. Answers how many sessions."""

    async def write() -> int:
        status = await db.execute(_RELEASE, wall, limit)
        return int(status.split()[-1])

    return await db.in_tx(write)
