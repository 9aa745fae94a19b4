"""The verbs of risk: decide about a purchase and write down why; forget what a decision knew of people."""

from __future__ import annotations

from typing import Final

import msgspec

from app.kernel import db, ids
from app.risk.collecting import Collected, collect
from app.risk.digests import stored
from app.risk.facts import Purchase
from app.risk.rules import RULES_VERSION, Finding, Verdict, built_in, judge

_STORE: Final = """
INSERT INTO risk_decisions (merchant_id, id, session_id, order_id, customer_id, at, outcome, weight, forced,
                            amount_minor, currency, facts, findings, model_id, model_score,
                            phone, email, address, device, network, basket, rules_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
"""


async def assess_in_tx(purchase: Purchase) -> Verdict:
    """Decide about a purchase and write the decision down: one read, one insert, in the caller's transaction."""
    db.require_transaction("assess_in_tx")
    collected = await collect(purchase)
    findings = built_in(collected.facts)
    outcome, weight = judge(findings, forced=purchase.forced)
    verdict = Verdict(ids.internal_id(), outcome, weight, findings, None)
    await _store(purchase, collected, verdict)
    return verdict


async def _store(purchase: Purchase, collected: Collected, verdict: Verdict) -> None:
    digests = collected.digests
    await db.execute(
        _STORE,
        purchase.merchant_id,
        verdict.decision_id,
        purchase.session_id,
        purchase.order_id,
        purchase.customer_id,
        purchase.at,
        verdict.outcome,
        verdict.weight,
        purchase.forced,
        purchase.total_minor,
        purchase.currency,
        msgspec.to_builtins(collected.facts),
        findings_to_json(verdict.findings),
        None,
        verdict.model_score,
        stored(digests.phone),
        stored(digests.email),
        stored(digests.address),
        stored(digests.device),
        stored(digests.network),
        stored(digests.basket),
        RULES_VERSION,
    )


def findings_to_json(findings: tuple[Finding, ...]) -> list[dict[str, object]]:
    return [msgspec.to_builtins(finding) for finding in findings]
