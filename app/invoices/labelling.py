"""What paying says of the risk of an order: one that is unpaid sixty days after its due date turned out bad, one of
which nothing is overdue after a hundred days turned out good. The first word stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db
from app.merchants.queries import Merchant, merchant_by_id
from app.risk.labels import label_paying_in_tx

UNPAID_AFTER: Final = timedelta(days=60)
PAID_AFTER: Final = timedelta(days=100)
# How long a worker may have been away without losing what came of an order.
LOOK_BACK: Final = timedelta(days=30)
AT_ONCE: Final = 500

# The newest decision of an order is the one that counted. $2, $3: due dates, from and until.
_UNPAID: Final = """
SELECT d.id FROM (
    SELECT DISTINCT order_id FROM invoices
    WHERE merchant_id = $1 AND due_on > $2 AND due_on <= $3 AND state = 'overdue'
) i CROSS JOIN LATERAL (
    SELECT id FROM risk_decisions WHERE merchant_id = $1 AND order_id = i.order_id ORDER BY at DESC, id DESC LIMIT 1
) d
WHERE NOT EXISTS (
    SELECT FROM risk_labels WHERE merchant_id = $1 AND decision_id = d.id AND source = 'unpaid'
)
LIMIT $4
"""
# $2, $3: times of decisions, from and until.
_PAID: Final = """
SELECT d.id FROM risk_decisions d JOIN orders o ON o.merchant_id = d.merchant_id AND o.id = d.order_id
WHERE d.merchant_id = $1 AND d.at > $2 AND d.at <= $3 AND o.paid_at IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM risk_labels WHERE merchant_id = $1 AND decision_id = d.id AND source = 'unpaid')
  AND NOT EXISTS (
      SELECT FROM risk_decisions n WHERE n.merchant_id = $1 AND n.order_id = d.order_id AND (n.at, n.id) > (d.at, d.id))
  AND NOT EXISTS (
      SELECT FROM invoices WHERE merchant_id = $1 AND order_id = d.order_id AND state = 'overdue')
LIMIT $4
"""


async def label_paying(now: datetime, at_most: int = AT_ONCE) -> int:
    """Write down of every shop what has become known since the last look; answers how much."""
    rows = await db.fetch_all("SELECT id FROM merchants ORDER BY id")
    labelled = 0
    for row in rows:
        merchant = await merchant_by_id(row["id"])
        assert merchant is not None, "merchants are never deleted"
        labelled += await _label_shop(merchant, now, at_most)
    return labelled


async def _label_shop(merchant: Merchant, now: datetime, at_most: int) -> int:
    day = merchant.local_date(now) - UNPAID_AFTER
    unpaid = await db.fetch_all(_UNPAID, merchant.id, day - LOOK_BACK, day, at_most)
    since = now - PAID_AFTER
    paid = await db.fetch_all(_PAID, merchant.id, since - LOOK_BACK, since, at_most)
    return await _write(merchant.id, unpaid, now, is_bad=True) + await _write(
        merchant.id, paid, now, is_bad=False
    )


async def _write(merchant_id: UUID, rows: Sequence[db.Record], now: datetime, *, is_bad: bool) -> int:
    decisions = [row["id"] for row in rows]
    if not decisions:
        return 0
    return await db.in_tx(lambda: label_paying_in_tx(merchant_id, decisions, is_bad=is_bad, now=now))
