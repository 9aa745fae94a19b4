"""What a shop pays, as the operator sets it: versions that only grow."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db
from app.ledger.rules import MERCHANT_PAYABLE, MERCHANT_SALES
from app.merchants.queries import Merchant
from app.prices.actions import state
from app.prices.errors import PlanRefused
from app.prices.queries import versions_of
from app.prices.rules import MONTHLY_MAX_MINOR, PERCENT_BPS_MAX, PlanVersion, month_after, month_of

# Where sales stand: of credit that the operator gives, and all others.
SOLD: Final = (MERCHANT_PAYABLE.address, MERCHANT_SALES.address)

_ADD: Final = """
INSERT INTO price_plans (merchant_id, number, percent_bps, monthly_minor, currency, percent_from, monthly_from, set_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_ADD_MARKS: Final = """
INSERT INTO price_plan_marks (merchant_id, number, account_id, from_seq)
SELECT $1, $2, id, last_seq FROM ledger_accounts
WHERE merchant_id = $1 AND address = ANY ($3::text[]) AND currency = $4
"""
# What was posted before the first plan is never read.
_BEGIN_COUNT: Final = """
INSERT INTO price_marks (merchant_id, account_id, through_seq)
SELECT merchant_id, account_id, from_seq FROM price_plan_marks WHERE merchant_id = $1 AND number = 1
"""


async def set_plan(
    merchant: Merchant, percent_bps: int, monthly_minor: int, *, actor: str, now: datetime
) -> PlanVersion:
    """What the shop pays from now on: `percent_bps` of each purchase from the next one, `monthly_minor` for each month
    from the next one. Both may be 0. One transaction; what stood before stays written.

    Raises PlanRefused.
    """
    if not 0 <= percent_bps <= PERCENT_BPS_MAX:
        raise PlanRefused("percent", "out_of_range")
    if not 0 <= monthly_minor <= MONTHLY_MAX_MINOR:
        raise PlanRefused("monthly", "out_of_range")
    month = month_of(merchant.local_date(now))

    async def write() -> PlanVersion:
        await state.begin(merchant.id, month)
        await state.lock(merchant.id)
        before = await versions_of(merchant.id)
        version = PlanVersion(
            number=len(before) + 1,
            percent_bps=percent_bps,
            monthly_minor=monthly_minor,
            currency=merchant.currency,
            percent_from=now,
            monthly_from=month_after(month),
        )
        await _add(merchant.id, version, actor)
        if not before:
            await db.execute(_BEGIN_COUNT, merchant.id)
        await audit.record(
            actor,
            "merchant.price_plan",
            merchant.public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"number": version.number, "percent_bps": percent_bps, "monthly_minor": monthly_minor},
        )
        return version

    # A module that has cost something since an earlier month comes first: that month is paid too.
    await state.begin_of_modules()
    return await db.in_tx(write)


async def _add(merchant_id: UUID, version: PlanVersion, actor: str) -> None:
    await db.execute(
        _ADD,
        merchant_id,
        version.number,
        version.percent_bps,
        version.monthly_minor,
        version.currency,
        version.percent_from,
        version.monthly_from,
        actor,
    )
    await db.execute(_ADD_MARKS, merchant_id, version.number, list(SOLD), version.currency)
