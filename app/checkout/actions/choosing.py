"""Step 1: the shopper chose a plan, for the order as they saw it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.checkout.actions import seeing
from app.checkout.actions.aside import free_in_tx, set_aside_in_tx
from app.checkout.errors import SessionEnded
from app.checkout.queries import QUOTE_GRACE, Decision, Flow
from app.checkout.states import SessionState
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, ids
from app.kernel.states import LostRace
from app.orders import actions as orders
from app.orders.states import OrderState
from app.plans.errors import StartInThePast
from app.plans.quote import Quote

# The quote is stored by the first POST that uses it. A decision is for one quote: another quote clears it, but for one
# that carries over ($9).
# Once a person is identified, only their browser may choose. Whoever chooses a plan has seen what it is for.
_CHOOSE: Final = f"""
WITH kept AS (
    INSERT INTO quotes (merchant_id, id, content, created_at) VALUES ($1, $3, $4, $5)
    ON CONFLICT (merchant_id, id) DO NOTHING
), seen AS ({seeing.RECORD.format(version="$10", at="$5", id="$11")})
UPDATE checkout_sessions
SET quote_id = $3, seen_version = $10, delivery = $6, browser_id = coalesce(browser_id, $7),
    decision_id = CASE WHEN quote_id IS DISTINCT FROM $3 AND decision_id IS DISTINCT FROM $9 THEN NULL
                       ELSE decision_id END
WHERE merchant_id = $1 AND id = $2 AND state = $8 AND expires_at > $5
  AND (customer_id IS NULL OR browser_id = $7)
RETURNING browser_id, hold_id
"""  # noqa: S608 - the part that is filled in is a constant


async def choose_plan(flow: Flow, quote: Quote, browser: BrowserToken, wall: datetime) -> Flow:
    """Fix the quote on the session; the first browser to do so is the one the session is bound to.

    What was set aside in the wallet for another choice comes free; what this one takes is set aside where somebody is
    identified here. Answers the flow as it is now. Raises ModuleOff when it takes from the wallet of a shop that has
    none, SessionEnded when the session is no longer open, or no longer to this browser,
    and StartInThePast for a quote whose day is over.
    """
    today = flow.merchant.local_date(flow.now - QUOTE_GRACE)
    if quote.start < today:
        raise StartInThePast(quote.start, today)
    return await db.in_tx(lambda: _choose(flow, quote, browser, wall))


async def _choose(flow: Flow, quote: Quote, browser: BrowserToken, wall: datetime) -> Flow:
    browser_id = await browsers.remember(browser, wall=wall)
    decision = _decision_for(flow, quote)
    chosen = await db.fetch_one(
        _CHOOSE,
        flow.merchant.id,
        flow.session_id,
        quote.id,
        quote.to_json(),
        flow.now,
        quote.delivery,
        browser_id,
        SessionState.OPEN.value,
        decision.id if decision is not None else None,
        flow.version,
        ids.internal_id(),
    )
    if chosen is None:
        raise SessionEnded
    if flow.order_state in {OrderState.DRAFT, OrderState.OPEN}:
        await _payment_begins(flow)
    after = replace(
        flow,
        quote=quote,
        decision=decision,
        browser_id=browser_id,
        bound_browser_id=chosen["browser_id"],
        order_state=OrderState.IN_PAYMENT,
        seen_version=flow.version,
    )
    return await _with_money(flow, after, chosen["hold_id"])


async def _with_money(before: Flow, after: Flow, hold_id: UUID | None) -> Flow:
    """What the choice takes from the wallet is set aside once there is somebody whose wallet it is."""
    assert after.quote is not None, "it was chosen just now"
    if after.quote.wallet_minor and after.identified:
        return await set_aside_in_tx(after, before=hold_id)
    await free_in_tx(after.merchant.id, hold_id, actor="shopper", now=before.now)
    return replace(after, aside=None)


def _decision_for(flow: Flow, quote: Quote) -> Decision | None:
    """The present decision, if it holds for this quote too: for the same figures, for a smaller sum on the same plan,
    and while the wallet pays all, so that it is there again when it does not."""
    before, decision = flow.quote, flow.decision
    if before is None or decision is None:
        return None
    if quote.id in {before.id, decision.quote_id} or not quote.is_credit:
        return decision
    if decision.outcome != "approved" or quote.amount_minor > decision.amount_minor:
        return None
    same_day = decision.by_person or before.start == quote.start
    return decision if same_day and _same_plan(before, quote) else None


def _same_plan(one: Quote, other: Quote) -> bool:
    """Whether two quotes differ by their day and their sum alone."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("method", "plan_key", "months", "currency", "nominal_rate", "fees_minor")
    )


async def _payment_begins(flow: Flow) -> None:
    try:
        await orders.move(
            flow.merchant.id,
            flow.order_id,
            expected=flow.order_state,
            to=OrderState.IN_PAYMENT,
            actor="shopper",
            now=flow.now,
        )
    except LostRace:
        # A second tab was a moment faster; the order is where it shall be.
        return
