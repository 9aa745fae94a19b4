"""Between step 2 and step 3: the decision on this person and this quote."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from app.checkout.errors import DecisionsSpent, StepNotReached
from app.checkout.queries import DECISIONS_MAX, Flow
from app.checkout.queries import Decision as StoredDecision
from app.credit import actions as credit
from app.credit.actions import Subject
from app.credit.queries import is_stored
from app.credit.rules import Facts
from app.credit.rules import decide as decide_by_rules
from app.kernel import db, ids

_POINT: Final = """
UPDATE checkout_sessions SET decision_id = $3, decisions_made = decisions_made + 1
WHERE merchant_id = $1 AND id = $2 AND state = 'open' AND decisions_made < $4
  AND quote_id = $5 AND customer_id = $6 AND decision_id IS NOT DISTINCT FROM $7
RETURNING id
"""


async def decide(flow: Flow, facts: Facts) -> Flow:
    """Decide on gathered facts and store it for this quote; answers the flow with its decision.

    Raises DecisionsSpent after three in one session, and StepNotReached when plan or person changed meanwhile, or when
    a second tap had it decided already.
    """
    customer, quote = flow.customer, flow.quote
    if customer is None or quote is None:
        raise StepNotReached
    if flow.decisions_made >= DECISIONS_MAX:
        raise DecisionsSpent
    decision = decide_by_rules(facts)
    subject = Subject(flow.merchant.id, flow.session_id, customer.id, quote.id)

    decision_id = ids.internal_id()

    async def write() -> UUID:
        await credit.store(decision_id, subject, facts, decision, flow.now)
        pointed = await db.fetch_value(
            _POINT,
            flow.merchant.id,
            flow.session_id,
            decision_id,
            DECISIONS_MAX,
            quote.id,
            customer.id,
            flow.decision.id if flow.decision else None,
        )
        if pointed is None:
            raise StepNotReached
        return decision_id

    async def landed() -> UUID | None:
        return decision_id if await is_stored(flow.merchant.id, decision_id) else None

    stored = StoredDecision(
        id=await db.in_tx(write, landed=landed),
        outcome=decision.outcome,
        reasons=decision.reasons,
        would_pass_minor=decision.would_pass_minor,
        valid_until=flow.now + credit.DECISION_LIFE,
    )
    return replace(flow, decision=stored, decisions_made=flow.decisions_made + 1)
