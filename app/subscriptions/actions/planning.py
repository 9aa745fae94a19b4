"""A shop makes plans, changes what one asks for, and ends it."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.subscriptions.errors import PlanEnded, PlanRefused, PlanUnknown
from app.subscriptions.plan_checks import checked
from app.subscriptions.queries import Offered, PlanView, plan_of
from app.subscriptions.rules import Terms
from app.subscriptions.states import PLANS, PlanState

_MAKE: Final = """
INSERT INTO subscription_plans (merchant_id, id, public_id, state, version, form_key, created_at, created_by)
VALUES ($1, $2, $3, 'active', 1, $4, $5, $6)
ON CONFLICT (merchant_id, form_key) DO NOTHING RETURNING public_id
"""

_VERSION: Final = """
INSERT INTO subscription_plan_versions (merchant_id, id, plan_id, version, names, locale, currency, amount_minor,
                                        vat_percent, unit, every, trial_days, trial_minor, notice_days,
                                        minimum_periods, created_at, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""


async def make_plan(merchant: Merchant, terms: Terms, *, form_key: UUID, actor: str, now: datetime) -> str:
    """A new plan; answers its public id. The same form sent twice makes one. Raises PlanRefused."""
    return await db.in_tx(lambda: make_plan_in_tx(merchant, terms, form_key=form_key, actor=actor, now=now))


async def make_plan_in_tx(
    merchant: Merchant, terms: Terms, *, form_key: UUID, actor: str, now: datetime
) -> str:
    """As `make_plan`, inside the caller's transaction."""
    found = _checked(merchant, terms, now)
    plan_id = ids.internal_id()
    made = await db.fetch_value(_MAKE, merchant.id, plan_id, ids.public_id("spl"), form_key, now, actor)
    if made is None:
        first = await db.fetch_value(
            "SELECT public_id FROM subscription_plans WHERE merchant_id = $1 AND form_key = $2",
            merchant.id,
            form_key,
        )
        return str(first)
    await _write_version(merchant.id, plan_id, 1, found, actor, now)
    await PLANS.begin(
        merchant.id, plan_id, state=PlanState.ACTIVE, event="subscription_plan.created", actor=actor, at=now
    )
    await _note(merchant.id, actor, "subscription_plan.created", str(made), now)
    return str(made)


async def change_plan_terms(
    merchant: Merchant, public_id: str, terms: Terms, *, version: int, actor: str, now: datetime
) -> PlanView:
    """What the plan asks of whoever begins from now on. Whoever has it keeps what they agreed to, until they are asked
    (`ask_price`). `version` is the one that was changed. Raises PlanUnknown, PlanRefused."""

    async def write() -> PlanView:
        plan = await _lock(merchant.id, public_id)
        found = _checked(merchant, terms, now)
        if plan.version != version:
            raise PlanRefused("version", "changed", version=plan.version)
        if found == plan.terms:
            return plan
        await _write_version(merchant.id, plan.id, version + 1, found, actor, now)
        await db.execute(
            "UPDATE subscription_plans SET version = $3 WHERE merchant_id = $1 AND id = $2",
            merchant.id,
            plan.id,
            version + 1,
        )
        await _note(merchant.id, actor, "subscription_plan.changed", public_id, now)
        changed = await plan_of(merchant.id, public_id)
        assert changed is not None, "it is held"
        return changed

    return await db.in_tx(write)


async def end_plan(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """Nobody new is taken; who has it keeps it. Ending twice is ending once. Raises PlanUnknown."""
    await db.in_tx(lambda: end_plan_in_tx(merchant_id, public_id, actor=actor, now=now))


async def end_plan_in_tx(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """As `end_plan`, inside the caller's transaction."""
    await _to(merchant_id, public_id, PlanState.ENDED, actor, now)


async def open_plan(merchant_id: UUID, public_id: str, *, actor: str, now: datetime) -> None:
    """It may be begun again. Raises PlanUnknown."""
    await db.in_tx(lambda: _to(merchant_id, public_id, PlanState.ACTIVE, actor, now))


async def _to(merchant_id: UUID, public_id: str, to: PlanState, actor: str, now: datetime) -> None:
    plan = await _lock(merchant_id, public_id)
    if plan.state is not to:
        await PLANS.move(merchant_id, plan.id, expected=plan.state, to=to, actor=actor, at=now)
        await _note(merchant_id, actor, PLANS.event(plan.state, to), public_id, now)


async def plan_to_offer(merchant_id: UUID, public_id: str) -> Offered:
    """What a plan asks for now, for an order that shall begin it. Raises PlanUnknown, PlanEnded."""
    plan = await plan_of(merchant_id, public_id)
    if plan is None:
        raise PlanUnknown
    if plan.state is not PlanState.ACTIVE:
        raise PlanEnded
    return Offered(plan.version_id, plan.public_id, plan.terms)


async def offer_in_tx(merchant_id: UUID, order_id: UUID, offered: Offered) -> None:
    """The order begins this once it is paid, whatever becomes of the plan meanwhile. In a transaction."""
    await db.execute(
        "INSERT INTO subscription_offers (merchant_id, order_id, version_id) VALUES ($1, $2, $3)",
        merchant_id,
        order_id,
        offered.version_id,
    )


def _checked(merchant: Merchant, terms: Terms, now: datetime) -> Terms:
    if terms.currency != merchant.currency:
        raise PlanRefused("currency", "currency_mismatch")
    return checked(terms, law_of(merchant.country), merchant.local_date(now))


async def _write_version(
    merchant_id: UUID, plan_id: UUID, version: int, terms: Terms, actor: str, now: datetime
) -> None:
    await db.execute(
        _VERSION,
        merchant_id,
        ids.internal_id(),
        plan_id,
        version,
        dict(terms.names),
        terms.locale,
        terms.currency,
        terms.amount_minor,
        terms.vat_percent,
        terms.unit,
        terms.every,
        terms.trial_days,
        terms.trial_minor,
        terms.notice_days,
        terms.minimum_periods,
        now,
        actor,
    )


async def _lock(merchant_id: UUID, public_id: str) -> PlanView:
    db.require_transaction("subscription plans: changing one")
    held = await db.fetch_value(
        "SELECT id FROM subscription_plans WHERE merchant_id = $1 AND public_id = $2 FOR UPDATE",
        merchant_id,
        public_id,
    )
    plan = None if held is None else await plan_of(merchant_id, public_id)
    if plan is None:
        raise PlanUnknown
    return plan


async def _note(merchant_id: UUID, actor: str, action: str, public_id: str, now: datetime) -> None:
    await audit.record(actor, action, public_id, merchant_id=merchant_id, at=now)
