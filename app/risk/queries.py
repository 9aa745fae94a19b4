"""Reads of what was decided about risk."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
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
