"""The verbs of plans: a merchant begins to offer one, or ceases to.

A plan is never edited: quotes name it by its key, and what a key meant yesterday it means today. To change
an offer, retire the plan and create another.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from app.kernel import audit, db, ids
from app.plans import caps, rules
from app.plans.errors import PlanKeyTaken, PlanUnknown
from app.plans.queries import forget_kept_plans
from app.plans.quote import Plan

OPERATOR: Final = "operator"


async def create_plan(
    merchant_id: UUID, plan: Plan, *, now: datetime, position: int | None = None, actor: str = OPERATOR
) -> None:
    """The merchant offers this plan, last in its list unless `position` says otherwise.

    Raises PlanRefused (a field out of its bounds), CurrencyMismatch and CapBroken (what the law of the merchant's
    country says), and PlanKeyTaken. Nothing is written then.
    """
    rules.check(plan)
    plan_id = ids.internal_id()

    async def write() -> None:
        await _check_law(merchant_id, plan, now)
        holder = await db.fetch_value(
            """WITH written AS (
                   INSERT INTO plans (merchant_id, id, key, kind, currency, style, nominal_rate, due_days,
                       min_months, max_months, interest_free_months, fee_minor, arrangement_fee_minor,
                       paper_fee_minor, min_instalment_minor, min_amount_minor, max_amount_minor, active, position)
                   SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, true,
                          coalesce($18::int, (SELECT max(position) + 1 FROM plans WHERE merchant_id = $1), 0)
                   ON CONFLICT DO NOTHING RETURNING id
               )
               SELECT id FROM written UNION ALL SELECT id FROM plans WHERE merchant_id = $1 AND key = $3""",
            merchant_id,
            plan_id,
            plan.key,
            plan.kind,
            plan.currency,
            plan.style,
            plan.nominal_rate,
            plan.due_days,
            plan.min_months,
            plan.max_months,
            plan.interest_free_months,
            plan.fee_minor,
            plan.arrangement_fee_minor,
            plan.paper_fee_minor,
            plan.min_instalment_minor,
            plan.min_amount_minor,
            plan.max_amount_minor,
            position,
        )
        if holder != plan_id:
            raise PlanKeyTaken(plan.key)
        await audit.record(actor, "plan.created", plan.key, merchant_id=merchant_id, at=now)

    await db.in_tx(write)
    forget_kept_plans()


async def _check_law(merchant_id: UUID, plan: Plan, now: datetime) -> None:
    shop = await db.fetch_one("SELECT country, time_zone FROM merchants WHERE id = $1", merchant_id)
    if shop is not None:
        caps.check_caps(plan, shop["country"], now.astimezone(ZoneInfo(shop["time_zone"])).date())


async def retire_plan(merchant_id: UUID, key: str, *, now: datetime, actor: str = OPERATOR) -> None:
    """The plan is offered no more; what was bought on it stays. Raises PlanUnknown."""

    async def write() -> None:
        retired = await db.fetch_value(
            "UPDATE plans SET active = false WHERE merchant_id = $1 AND key = $2 AND active RETURNING true",
            merchant_id,
            key,
        )
        if not retired:
            raise PlanUnknown(key)
        await audit.record(actor, "plan.retired", key, merchant_id=merchant_id, at=now)

    await db.in_tx(write)
    forget_kept_plans()
