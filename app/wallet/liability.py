"""What a shop owes its customers in their wallets, by how long the money has been there.

Counting reads every lot with something left, so no page does it: a chore counts each shop's wallets every ten minutes,
and a page shows that count with its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import db

EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Liability:
    """Minor units of `currency`: of money that came less than so many days before `counted_at`, and no less than the
    number before. `lapsing_minor` lapses within thirty days unless it is used."""

    currency: str
    days_30_minor: int
    days_90_minor: int
    days_180_minor: int
    days_365_minor: int
    older_minor: int
    lapsing_minor: int
    wallet_count: int
    counted_at: datetime

    @property
    def ages(self) -> tuple[tuple[str, int], ...]:
        """The parts by name, the youngest first."""
        return (
            ("days_30", self.days_30_minor),
            ("days_90", self.days_90_minor),
            ("days_180", self.days_180_minor),
            ("days_365", self.days_365_minor),
            ("older", self.older_minor),
        )

    @property
    def total_minor(self) -> int:
        return sum(minor for _, minor in self.ages)


# A shop counts when it has wallets at all. A count from the future is one of before the clock was set back.
_DUE: Final = """
SELECT m.id, m.currency FROM merchants m
LEFT JOIN wallet_liability w ON w.merchant_id = m.id AND w.currency = m.currency
WHERE (w.counted_at IS NULL OR w.counted_at <= $1 OR w.counted_at > $2)
  AND EXISTS (SELECT FROM ledger_accounts a WHERE a.merchant_id = m.id AND a.kind = 'wallet')
ORDER BY w.counted_at NULLS FIRST, m.id LIMIT $3
"""
_COUNT: Final = """
INSERT INTO wallet_liability AS w (merchant_id, currency, days_30_minor, days_90_minor, days_180_minor, days_365_minor,
                                   older_minor, lapsing_minor, wallet_count, counted_at)
SELECT $1, $2,
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at > $3::timestamptz - interval '30 days'), 0),
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $3 - interval '30 days'
                                          AND l.created_at > $3 - interval '90 days'), 0),
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $3 - interval '90 days'
                                          AND l.created_at > $3 - interval '180 days'), 0),
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $3 - interval '180 days'
                                          AND l.created_at > $3 - interval '365 days'), 0),
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $3 - interval '365 days'), 0),
       coalesce(sum(l.left_minor) FILTER (WHERE l.expires_at <= $3 + interval '30 days'), 0),
       count(DISTINCT l.account_id), $3
FROM ledger_accounts a JOIN lots l ON l.merchant_id = a.merchant_id AND l.account_id = a.id AND l.left_minor > 0
WHERE a.merchant_id = $1 AND a.kind = 'wallet' AND a.currency = $2 AND a.balance_minor < 0
ON CONFLICT (merchant_id, currency) DO UPDATE SET
    days_30_minor = EXCLUDED.days_30_minor, days_90_minor = EXCLUDED.days_90_minor,
    days_180_minor = EXCLUDED.days_180_minor, days_365_minor = EXCLUDED.days_365_minor,
    older_minor = EXCLUDED.older_minor, lapsing_minor = EXCLUDED.lapsing_minor,
    wallet_count = EXCLUDED.wallet_count, counted_at = EXCLUDED.counted_at
"""


async def count_liability(now: datetime, limit: int) -> int:
    """Count the wallets of shops whose count is ten minutes old or missing, each in a transaction of its own.

    Answers 0: whatever was counted, nothing more is due at once.
    """
    for row in await db.fetch_all(_DUE, now - EVERY, now, limit):
        await db.execute_alone(_COUNT, row["id"], row["currency"], now)
    return 0


async def liability(merchant_id: UUID, currency: str) -> Liability | None:
    """The last count; None before the first one."""
    row = await db.fetch_one(
        """SELECT currency, days_30_minor, days_90_minor, days_180_minor, days_365_minor, older_minor, lapsing_minor,
                  wallet_count, counted_at FROM wallet_liability WHERE merchant_id = $1 AND currency = $2""",
        merchant_id,
        currency,
    )
    return None if row is None else Liability(**dict(row.items()))
