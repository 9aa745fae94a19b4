"""Reads of what was decided about risk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

import msgspec

from app.kernel import db
from app.risk.facts import Facts
from app.risk.rules import Finding, Outcome


@dataclass(frozen=True, slots=True)
class RiskDecision:
    """A decision as it was made. `facts` are None once their time is over."""

    merchant_id: UUID
    id: UUID
    session_id: UUID
    order_id: UUID
    customer_id: UUID | None
    at: datetime
    outcome: Outcome
    weight: int
    forced: Outcome | None
    amount_minor: int
    currency: str
    findings: tuple[Finding, ...]
    model_id: UUID | None
    model_score: float | None
    rules_version: str
    facts: Facts | None = field(repr=False)


_COLUMNS: Final = """merchant_id, id, session_id, order_id, customer_id, at, outcome, weight, forced, amount_minor,
       currency, findings, model_id, model_score, rules_version, facts"""


async def decision_of_session(merchant_id: UUID, session_id: UUID) -> RiskDecision | None:
    """The newest decision about a session, or None where none was asked for."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM risk_decisions WHERE merchant_id = $1 AND session_id = $2"  # noqa: S608 - names of this module alone
        " ORDER BY at DESC, id DESC LIMIT 1",
        merchant_id,
        session_id,
    )
    return None if row is None else _decision(row)


def _decision(row: db.Record) -> RiskDecision:
    values = dict(row.items())
    values["findings"] = msgspec.convert(values["findings"], tuple[Finding, ...])
    values["facts"] = None if values["facts"] is None else msgspec.convert(values["facts"], Facts)
    return RiskDecision(**values)


Shared = Literal["phone", "address", "device", "basket"]


@dataclass(frozen=True, slots=True)
class SimilarDecision:
    """What was last decided about another order that shares something with this one; `shared` says what."""

    decision_id: UUID
    session_id: UUID
    order_id: UUID
    customer_id: UUID | None
    at: datetime
    outcome: Outcome
    amount_minor: int
    currency: str
    shared: tuple[Shared, ...]


SIMILAR_MAX: Final = 20


def _newest_by(subject: Shared) -> str:
    return f"""
    (SELECT id, order_id, '{subject}' AS shared FROM risk_decisions
     WHERE merchant_id = $1 AND {subject} = (SELECT {subject} FROM this)
       AND order_id <> (SELECT order_id FROM this) AND session_id <> (SELECT session_id FROM this)
     ORDER BY at DESC LIMIT {SIMILAR_MAX * 3})"""  # noqa: S608 - words of this module alone


SIMILAR_SQL: Final = f"""
WITH this AS (
    SELECT session_id, order_id, phone, address, device, basket FROM risk_decisions WHERE merchant_id = $1 AND id = $2
), found AS ({" UNION ALL ".join(_newest_by(subject) for subject in get_args(Shared))}
), newest AS (
    SELECT DISTINCT ON (r.order_id) r.* FROM risk_decisions r
    WHERE r.merchant_id = $1 AND r.id IN (SELECT id FROM found) ORDER BY r.order_id, r.at DESC, r.id DESC
), told AS (
    SELECT n.*, (SELECT array_agg(DISTINCT shared) FROM found WHERE found.order_id = n.order_id) AS shared FROM newest n
)
SELECT id AS decision_id, session_id, order_id, customer_id, at, outcome, amount_minor, currency, shared FROM told
ORDER BY shared = ARRAY['basket'], at DESC, id DESC LIMIT {SIMILAR_MAX}
"""  # noqa: S608 - words of this module alone


async def similar(merchant_id: UUID, decision: RiskDecision) -> tuple[SimilarDecision, ...]:
    """Other orders by the same phone, to the same address or from the same device, the newest first, and after them
    those that only have the same goods."""
    rows = await db.fetch_all(SIMILAR_SQL, merchant_id, decision.id)
    return tuple(SimilarDecision(**{**row, "shared": tuple(row["shared"])}) for row in rows)
