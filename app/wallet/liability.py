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
# So many lots are read by one statement, so that each is short however many there are. An account is never parted.
STEP: Final = 20_000
_UP_TO: Final = """
SELECT account_id FROM lots WHERE merchant_id = $1 AND left_minor > 0 AND account_id > $2
ORDER BY account_id OFFSET $3 LIMIT 1
"""
_SUMS: Final = """
SELECT coalesce(sum(l.left_minor) FILTER (WHERE l.created_at > $5::timestamptz - interval '30 days'), 0)::bigint,
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $5 - interval '30 days'
                                          AND l.created_at > $5 - interval '90 days'), 0)::bigint,
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $5 - interval '90 days'
                                          AND l.created_at > $5 - interval '180 days'), 0)::bigint,
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $5 - interval '180 days'
                                          AND l.created_at > $5 - interval '365 days'), 0)::bigint,
       coalesce(sum(l.left_minor) FILTER (WHERE l.created_at <= $5 - interval '365 days'), 0)::bigint,
       coalesce(sum(l.left_minor) FILTER (WHERE l.expires_at <= $5 + interval '30 days'), 0)::bigint,
       count(DISTINCT l.account_id)
FROM lots l JOIN ledger_accounts a ON a.merchant_id = l.merchant_id AND a.id = l.account_id
     AND a.kind = 'wallet' AND a.currency = $2
WHERE l.merchant_id = $1 AND l.left_minor > 0 AND l.account_id > $3 AND ($4::uuid IS NULL OR l.account_id <= $4)
"""
_SAVE: Final = """
INSERT INTO wallet_liability (merchant_id, currency, days_30_minor, days_90_minor, days_180_minor, days_365_minor,
                              older_minor, lapsing_minor, wallet_count, counted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (merchant_id, currency) DO UPDATE SET
    days_30_minor = EXCLUDED.days_30_minor, days_90_minor = EXCLUDED.days_90_minor,
    days_180_minor = EXCLUDED.days_180_minor, days_365_minor = EXCLUDED.days_365_minor,
    older_minor = EXCLUDED.older_minor, lapsing_minor = EXCLUDED.lapsing_minor,
    wallet_count = EXCLUDED.wallet_count, counted_at = EXCLUDED.counted_at
"""


async def count_liability(now: datetime, limit: int) -> int:
    """Count the wallets of shops whose count is ten minutes old or missing.

    Answers 0: whatever was counted, nothing more is due at once.
    """
    for row in await db.fetch_all(_DUE, now - EVERY, now, limit):
        sums = await _count(row["id"], row["currency"], now)
        await db.execute_alone(_SAVE, row["id"], row["currency"], *sums, now)
    return 0


async def _count(merchant_id: UUID, currency: str, now: datetime) -> list[int]:
    """The five ages, what lapses soon, and how many wallets. What moves meanwhile is in the next count."""
    sums = [0] * 7
    after = UUID(int=0)
    while True:
        up_to = await db.fetch_value(_UP_TO, merchant_id, after, STEP)
        part = await db.fetch_one(_SUMS, merchant_id, currency, after, up_to, now)
        assert part is not None
        sums = [so_far + more for so_far, more in zip(sums, part.values(), strict=True)]
        if up_to is None:
            return sums
        after = up_to


async def liability(merchant_id: UUID, currency: str) -> Liability | None:
    """The last count; None before the first one."""
    row = await db.fetch_one(
        """SELECT currency, days_30_minor, days_90_minor, days_180_minor, days_365_minor, older_minor, lapsing_minor,
                  wallet_count, counted_at FROM wallet_liability WHERE merchant_id = $1 AND currency = $2""",
        merchant_id,
        currency,
    )
    return None if row is None else Liability(**dict(row.items()))
