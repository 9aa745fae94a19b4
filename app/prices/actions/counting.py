"""What purchases came to, for a percent of them. Nothing here is on a shopper's way: it is read from the books after.

Each posting is read once, in the order of its account, which is the order of commits: what was committed late is only
counted late, never missed and never twice. It counts for the month of its own time, or for the first one that is not
closed yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db
from app.merchants.queries import Merchant, merchant_by_id
from app.prices.actions import state
from app.prices.actions.planning import SOLD

EVERY: Final = timedelta(minutes=10)
# So many postings of an account are read by one transaction, so that each is short.
STEP: Final = 10_000

_log = structlog.get_logger("prices")

# A count from the future is one of before the clock was set back.
_DUE: Final = """
SELECT c.merchant_id FROM price_counts c
WHERE (c.counted_at IS NULL OR c.counted_at <= $1 OR c.counted_at > $2)
  AND EXISTS (SELECT FROM price_plans v WHERE v.merchant_id = c.merchant_id)
  AND c.merchant_id <> ALL ($4::uuid[])
ORDER BY c.counted_at NULLS FIRST, c.merchant_id LIMIT $3
"""
_ACCOUNTS: Final = """
SELECT a.id, a.last_seq, coalesce(k.through_seq, 0) AS through_seq
FROM ledger_accounts a LEFT JOIN price_marks k ON k.merchant_id = a.merchant_id AND k.account_id = a.id
WHERE a.merchant_id = $1 AND a.address = ANY ($2::text[]) AND a.currency = $3
"""
# A purchase is a credit of these accounts, a refund a debit; other movements of them (gifts, corrections, what is paid
# by this very plan) have other causes. A refund is under the percentage of its own purchase: nothing where that was
# before the first plan.
COUNTED: Final = """
SELECT p.merchant_id, date_trunc('month', p.posted_at AT TIME ZONE m.time_zone)::date AS month, v.percent_bps,
       p.amount_minor
FROM postings p
JOIN merchants m ON m.id = p.merchant_id
JOIN transfers t ON t.merchant_id = p.merchant_id AND t.id = p.transfer_id
     AND t.cause IN ('purchase', 'credit_note', 'refund')
LEFT JOIN LATERAL (
    SELECT q.account_id, q.account_seq FROM transfers b
    JOIN postings q ON q.merchant_id = b.merchant_id AND q.transfer_id = b.id AND q.amount_minor < 0
    WHERE b.merchant_id = t.merchant_id AND b.about = t.about AND b.cause = 'purchase' LIMIT 1
) bought ON t.cause <> 'purchase'
JOIN LATERAL (
    SELECT w.percent_bps FROM price_plans w
    LEFT JOIN price_plan_marks f ON f.merchant_id = w.merchant_id AND f.number = w.number
        AND f.account_id = coalesce(bought.account_id, p.account_id)
    WHERE w.merchant_id = p.merchant_id
      AND coalesce(f.from_seq, 0) < coalesce(bought.account_seq, p.account_seq)
    ORDER BY w.number DESC LIMIT 1
) v ON v.percent_bps > 0
"""
_COUNT: Final = f"""
INSERT INTO price_sales AS s (merchant_id, month, percent_bps, bought_minor, refunded_minor)
SELECT $1, greatest(c.month, $5::date), c.percent_bps,
       coalesce(-sum(c.amount_minor) FILTER (WHERE c.amount_minor < 0), 0),
       coalesce(sum(c.amount_minor) FILTER (WHERE c.amount_minor > 0), 0)
FROM ({COUNTED} WHERE p.merchant_id = $1 AND p.account_id = $2 AND p.account_seq > $3 AND p.account_seq <= $4) c
GROUP BY 2, 3
ON CONFLICT (merchant_id, month, percent_bps) DO UPDATE
    SET bought_minor = s.bought_minor + EXCLUDED.bought_minor,
        refunded_minor = s.refunded_minor + EXCLUDED.refunded_minor
"""  # noqa: S608 - constants of this module
_MARK: Final = """
INSERT INTO price_marks (merchant_id, account_id, through_seq) VALUES ($1, $2, $3)
ON CONFLICT (merchant_id, account_id) DO UPDATE SET through_seq = EXCLUDED.through_seq
"""


async def count_due(now: datetime, limit: int) -> int:
    """Count for up to `limit` shops whose count is ten minutes old or missing. One that fails is logged, stops none of
    those behind it, and is tried again by the next call. Answers 0: nothing more is due at once."""
    stuck: list[UUID] = []
    left = limit
    # Those that failed are still the first ones: as many others take their places, each once.
    while left and (due := await db.fetch_all(_DUE, now - EVERY, now, left, stuck)):
        failed = [row["merchant_id"] for row in due if not await _counted(row["merchant_id"], now)]
        stuck += failed
        left = len(failed)
    return 0


async def _counted(merchant_id: UUID, now: datetime) -> bool:
    """False: it failed, and was logged."""
    merchant = await merchant_by_id(merchant_id)
    assert merchant is not None, "merchants are never deleted"
    try:
        await catch_up(merchant, now)
    except db.DatabaseUnavailable:
        raise
    except Exception:  # noqa: BLE001 - logged whole
        _log.exception("prices_stuck", merchant=merchant.public_id)
        return False
    return True


async def catch_up(merchant: Merchant, now: datetime) -> None:
    """Count all there is, step by step, each in a transaction of its own."""
    while await db.in_tx(partial(_step_alone, merchant, now)):
        pass


async def _step_alone(merchant: Merchant, now: datetime) -> bool:
    month = await state.lock(merchant.id)
    if month is None:
        return False
    more = await count_step(merchant, month)
    await db.execute("UPDATE price_counts SET counted_at = $2 WHERE merchant_id = $1", merchant.id, now)
    return more


async def count_step(merchant: Merchant, next_month: date) -> bool:
    """Count what is new, in the caller's transaction, which holds the shop's row; `next_month` is what that says.

    True when there is more.
    """
    more = False
    accounts = await _accounts(merchant)
    await db.race_point("prices to be counted")
    for account in accounts:
        through = min(account.last_seq, account.through_seq + STEP)
        more = more or through < account.last_seq
        if through > account.through_seq:
            await db.execute(_COUNT, merchant.id, account.id, account.through_seq, through, next_month)
            await db.execute(_MARK, merchant.id, account.id, through)
    return more


@dataclass(frozen=True, slots=True)
class _Account:
    id: UUID
    last_seq: int
    through_seq: int


async def _accounts(merchant: Merchant) -> list[_Account]:
    rows = await db.fetch_all(_ACCOUNTS, merchant.id, list(SOLD), merchant.currency)
    return [_Account(**row) for row in rows]
