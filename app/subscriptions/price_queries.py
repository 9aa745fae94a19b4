"""Reads of what became of a price that was told to whoever has a plan. A no is said to a price, so that another version
which asks for the same is answered by it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money

# Of the subscription s, to what the version $2 of its plan asks for. `w` is what was declined.
SAID_NO: Final = """EXISTS (
    SELECT FROM subscription_declines d
    JOIN subscription_plan_versions w ON w.merchant_id = d.merchant_id AND w.id = d.version_id
    JOIN subscription_plan_versions a ON a.merchant_id = d.merchant_id AND a.id = $2 AND a.plan_id = w.plan_id
    WHERE d.merchant_id = s.merchant_id AND d.subscription_id = s.id
      AND (w.amount_minor, w.unit, w.every, w.notice_days) = (a.amount_minor, a.unit, a.every, a.notice_days))"""


@dataclass(frozen=True, slots=True)
class PriceAnswers:
    """How many have not ended and: have said no to the plan's present price, have not answered yet, get it later."""

    declined: int
    waiting: int
    agreed: int


@dataclass(frozen=True, slots=True)
class Declined:
    """A price that somebody said no to."""

    price: Money
    at: datetime


_ANSWERS: Final = f"""
SELECT count(*) FILTER (WHERE s.version_id <> $2 AND {SAID_NO}) AS declined,
       count(*) FILTER (WHERE s.asked_version_id = $2) AS waiting,
       count(*) FILTER (WHERE s.next_version_id = $2) AS agreed
FROM subscriptions s
WHERE s.merchant_id = $1 AND s.state <> 'ended' AND s.version_id IN (
    SELECT v.id FROM subscription_plan_versions v
    JOIN subscription_plan_versions a ON a.merchant_id = v.merchant_id AND a.plan_id = v.plan_id AND a.id = $2
    WHERE v.merchant_id = $1)
"""  # noqa: S608 - the part that is filled in is a constant


async def price_answers(merchant_id: UUID, version_id: UUID) -> PriceAnswers:
    """Of those who have the plan of this version, its present one."""
    row = await db.fetch_one(_ANSWERS, merchant_id, version_id)
    assert row is not None, "counts always answer"
    return PriceAnswers(**dict(row.items()))


async def has_said_no(merchant_id: UUID, version_id: UUID, subscription_id: UUID) -> bool:
    """Whether somebody has said no to what a version asks for."""
    return bool(
        await db.fetch_value(
            f"SELECT {SAID_NO} FROM subscriptions s WHERE s.merchant_id = $1 AND s.id = $3",  # noqa: S608
            merchant_id,
            version_id,
            subscription_id,
        )
    )


async def last_declined(merchant_id: UUID, subscription_id: UUID) -> Declined | None:
    row = await db.fetch_one(
        """SELECT w.amount_minor, w.currency, d.declined_at FROM subscription_declines d
           JOIN subscription_plan_versions w ON w.merchant_id = d.merchant_id AND w.id = d.version_id
           WHERE d.merchant_id = $1 AND d.subscription_id = $2 ORDER BY d.id DESC LIMIT 1""",
        merchant_id,
        subscription_id,
    )
    return None if row is None else Declined(Money(row["amount_minor"], row["currency"]), row["declined_at"])
