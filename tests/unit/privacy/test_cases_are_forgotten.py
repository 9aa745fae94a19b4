"""What a credit decision and a case knew of a person goes when its time is over; that they were decided stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout.actions import Answer, answer_case
from app.credit.actions import FACTS_KEPT
from app.credit.queries import stored_decision
from app.kernel import db
from app.kernel.jobs import Now
from app.privacy.retention import forget_cases, forget_credit_facts
from tests.factories.checkout import a_merchant
from tests.unit.checkout.test_held import a_shopper_who_waits, the_case

pytestmark = pytest.mark.usefixtures("db")


async def test_sealed_facts_go_after_two_years_and_the_decision_stays() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    flow = await shopper.flow()
    assert flow.decision is not None
    kept = flow.now + FACTS_KEPT
    assert await forget_credit_facts(Now(kept - timedelta(seconds=1), kept)) == 0
    assert await forget_credit_facts(Now(kept + timedelta(seconds=1), kept)) == 1
    stored = await stored_decision(merchant.id, flow.decision.id)
    assert stored is not None
    assert (stored.outcome, stored.facts) == ("referred", None)


async def test_how_to_reach_somebody_goes_thirty_days_after_their_answer() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    now = (await shopper.flow()).now
    later = now + timedelta(days=30, seconds=1)
    assert await forget_cases(Now(later, later)) == 0, "it waits for its answer"
    await answer_case(merchant, (await the_case(merchant)).public_id, Answer("declined", "stf_1", "No"), now)
    assert await forget_cases(Now(now + timedelta(days=29), later)) == 0
    assert await forget_cases(Now(later, later)) == 1
    row = await db.fetch_one("SELECT name, phone, email, state, note FROM cases")
    assert row is not None
    assert tuple(row.values()) == (None, None, None, "declined", "No")
