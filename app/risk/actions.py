"""The verbs of risk: decide about a purchase and write down why; forget what a decision knew of people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import structlog

from app.kernel import db, ids
from app.risk import conditions, scoring
from app.risk.collecting import Collected, collect
from app.risk.digests import digests_of, stored
from app.risk.errors import ModelBroken
from app.risk.facts import Purchase
from app.risk.rules import RULES_VERSION, Finding, Verdict, built_in, judge, snooze
from app.risk.scoring import Model

# A year in which an order may come to light as somebody else's, and a month for whoever asks why.
KEPT: Final = timedelta(days=400)

_log = structlog.get_logger("risk")

_STORE: Final = """
INSERT INTO risk_decisions (merchant_id, id, session_id, order_id, customer_id, at, outcome, weight, forced,
                            amount_minor, currency, facts, findings, model_id, model_score,
                            phone, email, address, device, network, basket, rules_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
"""


# Presses of one phone, mailbox or device take turns until each has committed: at one moment they would know nothing of
# each other, and any number of the same order would pass. An address takes none: a parcel point would keep a whole shop
# waiting.
_TURNS: Final = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"


async def assess_in_tx(purchase: Purchase) -> Verdict:
    """Decide about a purchase and write the decision down: a turn, one read, one insert, in the caller's transaction.

    Everybody is asked: the rules of the house, the shop's own, its model. Who rests for this customer, or is only
    tried, is written down without effect.
    """
    db.require_transaction("assess_in_tx")
    await _take_turn(purchase)
    collected = await collect(purchase)
    model, score = _scored(collected)
    findings = snooze(_findings(collected, model, score), collected.snoozed)
    outcome, weight = judge(findings, forced=purchase.forced)
    verdict = Verdict(ids.internal_id(), outcome, weight, findings, score)
    await _store(purchase, collected, verdict, None if model is None else model.id)
    return verdict


async def _take_turn(purchase: Purchase) -> None:
    """In one order for everybody, so that two who share two of them never wait for each other."""
    digests = digests_of(purchase)
    subjects = (stored(each) for each in (digests.phone, digests.email, digests.device))
    turns = sorted({int.from_bytes(each[:8], "big", signed=True) for each in subjects if each})
    if turns:
        await db.fetch_all(_TURNS, turns)


def _scored(collected: Collected) -> tuple[Model | None, float | None]:
    """The shop's model and its score; none while it is off. One that cannot be believed is not asked: the rules go on
    without it."""
    stored = collected.model
    if stored is None or stored.mode == "off":
        return None, None
    try:
        model = scoring.read(stored)
    except ModelBroken as broken:
        _log.error("model_broken", model=str(stored.id), part=broken.part)
        return None, None
    return model, scoring.score(model.content, collected.facts)


def _findings(collected: Collected, model: Model | None, score: float | None) -> tuple[Finding, ...]:
    facts = collected.facts
    addresses = frozenset(digest.hex() for digest in collected.digests.address)
    own = [conditions.finding_of(rule, facts, addresses) for rule in collected.rules]
    learnt = None if model is None or score is None else scoring.finding_of(model, score)
    return (*built_in(facts), *(finding for finding in (*own, learnt) if finding is not None))


async def _store(purchase: Purchase, collected: Collected, verdict: Verdict, model_id: UUID | None) -> None:
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
        model_id,
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


_FORGET: Final = """
UPDATE risk_decisions
SET facts = NULL, phone = NULL, email = NULL, address = NULL, device = NULL, network = NULL, basket = NULL
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM risk_decisions WHERE facts IS NOT NULL AND at < $1 ORDER BY at LIMIT $2
)
"""


async def forget_facts(older_than: datetime, at_most: int) -> int:
    """Blank what decisions knew of people, and the digests that they are found by; that they were made, and why,
    stays. In a transaction."""
    status = await db.execute(_FORGET, older_than, at_most)
    return int(status.split()[-1])
