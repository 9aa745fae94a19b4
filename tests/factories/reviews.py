"""Cases as they stand after somebody, or nobody, has answered; and decisions about risk with what became of them.

They are written as rows: a test of figures needs many of them, at times of its own, and no purchase behind each.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.cases.states import CaseState
from app.kernel import db, ids
from app.merchants.queries import Merchant
from tests.factories.checkout import a_session

_ENDED: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, session_id, amount_minor, currency, lang,
                   opened_at, due_at, rank_at, resolved_at, resolved_by, is_blind, decided_at, decided_by, first_by,
                   first_at)
VALUES ($1, $2, $3, $4, $5, 'rules', $6, $7, $8, 'en', $9, $10, $10, $11, $12, $13, $14, $15, $16, $17)
"""
_DECISION: Final = """
INSERT INTO risk_decisions (merchant_id, id, session_id, order_id, at, outcome, weight, amount_minor, currency,
                            findings, rules_version)
SELECT merchant_id, $3, id, order_id, $4, $5, 0, 12900, 'EUR', $6, 'test' FROM checkout_sessions
WHERE merchant_id = $1 AND id = $2
"""
_LABEL: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad) VALUES ($1, $2, $3, $4, $5, $6)
"""


async def a_session_id(merchant: Merchant) -> UUID:
    """An open session, as the id that rows of other tables name."""
    public_id = await a_session(merchant)
    found: UUID = await db.fetch_value(
        "SELECT id FROM checkout_sessions WHERE merchant_id = $1 AND public_id = $2", merchant.id, public_id
    )
    return found


async def an_ended_case(
    merchant: Merchant,
    session_id: UUID,
    opened_at: datetime,
    *,
    kind: str = "risk",
    state: CaseState = CaseState.APPROVED,
    waited: timedelta = timedelta(minutes=10),
    by: str = "staff:one",
    first_by: str | None = None,
    is_blind: bool = False,
) -> UUID:
    """Answered `waited` after it was opened, and carried out ten seconds later; or lapsed after that time."""
    answered = state is not CaseState.LAPSED
    decided_at = opened_at + waited if answered else None
    case_id = ids.internal_id()
    await db.execute_alone(
        _ENDED,
        merchant.id,
        case_id,
        ids.public_id("case"),
        kind,
        state.value,
        session_id,
        12_900,
        "EUR",
        opened_at,
        opened_at + timedelta(days=1),
        opened_at + waited + timedelta(seconds=10),
        by if answered else "system",
        is_blind,
        decided_at,
        by if answered else None,
        first_by,
        decided_at if first_by else None,
    )
    return case_id


async def a_risk_decision(
    merchant: Merchant,
    session_id: UUID,
    at: datetime,
    rules: Sequence[tuple[str, bool]] = (),
    *,
    outcome: str = "hold",
    bad: Sequence[tuple[str, bool]] = (),
) -> UUID:
    """`rules` are what was found, each with whether it was in the shadow; `bad` are labels: source and what it says."""
    decision_id = ids.internal_id()
    findings = [
        {"rule": rule, "version": 1, "weight": 0, "outcome": "hold", "is_shadow": is_shadow, "values": {}}
        for rule, is_shadow in rules
    ]
    await db.execute_alone(_DECISION, merchant.id, session_id, decision_id, at, outcome, findings)
    for source, is_bad in bad:
        await db.execute_alone(
            _LABEL,
            merchant.id,
            ids.internal_id(),
            decision_id,
            at,
            source,
            is_bad,
        )
    return decision_id
