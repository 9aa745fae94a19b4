"""A decision about a purchase is written down with its facts and findings, and stays as it was made."""

from __future__ import annotations

import pytest

from app.kernel import db
from app.risk.actions import assess_in_tx
from app.risk.facts import Purchase
from app.risk.queries import decision_of_session
from app.risk.rules import Verdict
from tests.factories.checkout import a_merchant
from tests.factories.risk import a_purchase_at

pytestmark = pytest.mark.usefixtures("db")


async def assess(purchase: Purchase) -> Verdict:
    return await db.in_tx(lambda: assess_in_tx(purchase))


async def test_an_ordinary_purchase_is_approved_and_the_decision_is_kept() -> None:
    purchase = await a_purchase_at(await a_merchant())
    verdict = await assess(purchase)
    assert (verdict.outcome, verdict.weight, verdict.findings) == ("approve", 0, ())
    decision = await decision_of_session(purchase.merchant_id, purchase.session_id)
    assert decision is not None
    assert (decision.id, decision.outcome, decision.amount_minor) == (verdict.decision_id, "approve", 12_900)
    assert decision.facts is not None
    assert decision.facts.skus == ("B-1",)


async def test_a_forced_hold_holds_an_ordinary_purchase() -> None:
    purchase = await a_purchase_at(await a_merchant(), forced="hold")
    assert (await assess(purchase)).outcome == "hold"
    decision = await decision_of_session(purchase.merchant_id, purchase.session_id)
    assert decision is not None
    assert (decision.outcome, decision.forced) == ("hold", "hold")
