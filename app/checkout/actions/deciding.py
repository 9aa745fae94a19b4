"""Between step 2 and step 3: the decision on this person and this quote."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.checkout.actions.holding import Question, as_held, hold_in_tx, reach_of
from app.checkout.errors import DecisionsSpent, StepNotReached
from app.checkout.flow_parts import Decision as StoredDecision
from app.checkout.queries import DECISIONS_MAX, Flow
from app.credit import actions as credit
from app.credit.actions import Subject
from app.credit.queries import is_stored
from app.credit.rules import Facts
from app.credit.rules import decide as decide_by_rules
from app.kernel import db, ids

# The decision's own parameters name merchant (1), decision (2), session (3), customer (4) and quote (5).
_STORE_AND_POINT: Final = f"""
{credit.STORE_SQL}
UPDATE checkout_sessions SET decision_id = $2, decisions_made = decisions_made + 1
WHERE merchant_id = $1 AND id = $3 AND state = 'open' AND decisions_made < $17
  AND quote_id = $5 AND customer_id = $4 AND decision_id IS NOT DISTINCT FROM $18
RETURNING id
"""  # noqa: S608 - a constant of the room below


async def decide(flow: Flow, facts: Facts, *, lang: str) -> Flow:
    """Decide on gathered facts and store it for this quote; answers the flow with its decision.

    What the rules refer to a person holds session and order in the same transaction and opens a case; `lang` is the
    language of the answer. Raises DecisionsSpent after three in one session, and StepNotReached when plan or person
    changed meanwhile, or when a second tap had it decided already.
    """
    customer, quote = flow.customer, flow.quote
    if customer is None or quote is None:
        raise StepNotReached
    if flow.decisions_made >= DECISIONS_MAX:
        raise DecisionsSpent
    decision = decide_by_rules(facts)
    subject = Subject(flow.merchant.id, flow.session_id, customer.id, quote.id)

    decision_id = ids.internal_id()

    async def write() -> Flow:
        pointed = await db.fetch_value(
            _STORE_AND_POINT,
            *credit.asked_to_store(decision_id, subject, facts, decision, flow.now),
            DECISIONS_MAX,
            flow.decision.id if flow.decision else None,
        )
        if pointed is None:
            raise StepNotReached
        if decision.outcome != "referred":
            return flow
        question = Question("credit", "rules", decision_id, reach_of(flow, lang))
        return await hold_in_tx(flow, question, actor="system")

    async def landed() -> Flow | None:
        if not await is_stored(flow.merchant.id, decision_id):
            return None
        return as_held(flow) if decision.outcome == "referred" else flow

    after = await db.in_tx(write, landed=landed)
    stored = StoredDecision(
        id=decision_id,
        outcome=decision.outcome,
        reasons=decision.reasons,
        would_pass_minor=decision.would_pass_minor,
        valid_until=flow.now + credit.DECISION_LIFE,
        quote_id=quote.id,
        amount_minor=facts.amount_minor,
    )
    return replace(after, decision=stored, decisions_made=flow.decisions_made + 1)
