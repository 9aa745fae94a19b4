"""What a subscription was charged with goes once nobody can begin it again, or once something else is charged."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.kernel import db
from app.payments import actions as payments
from app.subscriptions.rules import REVIVED_WITHIN_DAYS

_OLD: Final = """
SELECT DISTINCT s.merchant_id, s.saved_method_id FROM subscriptions s
JOIN saved_methods m ON m.merchant_id = s.merchant_id AND m.id = s.saved_method_id AND m.forgotten_at IS NULL
WHERE s.state = 'ended' AND s.ended_on < $1 AND NOT EXISTS (
    SELECT FROM subscriptions o WHERE o.merchant_id = s.merchant_id AND o.saved_method_id = s.saved_method_id
        AND (o.state <> 'ended' OR o.ended_on >= $1))
LIMIT $2
"""
# What stayed for a charge that went on when another way to pay took its place.
_REPLACED: Final = """
SELECT e.merchant_id, e.replaced_id AS saved_method_id FROM subscription_exchanges e
JOIN saved_methods m ON m.merchant_id = e.merchant_id AND m.id = e.replaced_id AND m.forgotten_at IS NULL
WHERE NOT EXISTS (SELECT FROM subscriptions o
                  WHERE o.merchant_id = e.merchant_id AND o.saved_method_id = e.replaced_id)
LIMIT $1
"""


async def forget_methods(now: datetime, limit: int) -> int:
    """Forget the saved ways to pay of subscriptions that ended so long ago, and those that others took the place of. In
    a transaction. Answers how many."""
    before = (now - timedelta(days=REVIVED_WITHIN_DAYS + 1)).date()
    rows = [*await db.fetch_all(_OLD, before, limit), *await db.fetch_all(_REPLACED, limit)]
    found = [await payments.forget_method(row["merchant_id"], row["saved_method_id"], now) for row in rows]
    return sum(found)
