"""Reads of a shop's models and of what they learn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from app.kernel import db
from app.risk import scoring
from app.risk.comparing import Figures
from app.risk.errors import ModelBroken
from app.risk.facts import Facts
from app.risk.learning import Example, Known
from app.risk.queries import RiskDecision
from app.risk.rules import HOLD_AT, Finding
from app.risk.scoring import Explanation, Mode, StoredModel

# A lesson is what is newest: the last outcomes, and the last orders whatever came of them, for the threshold.
OUTCOMES_MAX: Final = 15_000
ORDERS_MAX: Final = 3_000
VERSIONS_SHOWN: Final = 12

Trouble = Literal["broken", "fell_back", "drift"]


@dataclass(frozen=True, slots=True)
class ModelView:
    """One version of a shop's model. `figures` are None where they cannot be read; `broken` says what of the content
    is not as it was made."""

    id: UUID
    version: int
    mode: Mode
    made_at: datetime
    changed_at: datetime
    changed_by: str
    figures: Figures | None
    learnt: int
    heaviest: tuple[str, ...]
    broken: str | None


_COLUMNS: Final = (
    "id, version, mode, made_at, changed_at, changed_by, figures, content, encode(digest, 'hex') AS digest"
)


async def newest_model(merchant_id: UUID, *, lock: bool = False) -> ModelView | None:
    """The one that counts, or None while nothing was learnt yet."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM risk_models WHERE merchant_id = $1 ORDER BY version DESC LIMIT 1"  # noqa: S608 - names of this module alone
        + (" FOR UPDATE" if lock else ""),
        merchant_id,
    )
    return None if row is None else _view(row)


async def outcomes_total(merchant_id: UUID, at_most: int) -> int:
    """Of how many orders it is known what came of them, counted no further than `at_most`."""
    total: int = await db.fetch_value(
        "SELECT count(*) FROM (SELECT FROM risk_labels WHERE merchant_id = $1 LIMIT $2) l",
        merchant_id,
        at_most,
    )
    return total


async def versions(merchant_id: UUID) -> tuple[ModelView, ...]:
    """The newest first."""
    rows = await db.fetch_all(
        f"SELECT {_COLUMNS} FROM risk_models WHERE merchant_id = $1 ORDER BY version DESC LIMIT $2",  # noqa: S608 - names of this module alone
        merchant_id,
        VERSIONS_SHOWN,
    )
    return tuple(_view(row) for row in rows)


def _view(row: db.Record) -> ModelView:
    learnt, broken = 0, None
    heaviest: tuple[str, ...] = ()
    try:
        content = scoring.read(_stored(row)).content
        learnt, heaviest = content.learnt, scoring.heaviest(content)
    except ModelBroken as error:
        broken = error.part
    try:
        figures = msgspec.convert(row["figures"], Figures)
    except msgspec.ValidationError:
        figures = None
    return ModelView(
        **{name: row[name] for name in ("id", "version", "mode", "made_at", "changed_at", "changed_by")},
        figures=figures,
        learnt=learnt,
        heaviest=heaviest,
        broken=broken,
    )


def _stored(row: db.Record) -> StoredModel:
    return StoredModel(row["id"], row["version"], row["mode"], row["content"], row["digest"])


def trouble_of(model: ModelView | None, now: datetime) -> Trouble | None:
    """What staff are told of a model: it cannot be read, it was switched off by itself, or its errors have grown."""
    if model is None or model.mode == "off":
        return None
    if model.broken is not None:
        return "broken"
    if model.mode == "shadow" and model.changed_by == FELL_BACK:
        return "fell_back"
    drift_at = None if model.figures is None else model.figures.drift_at
    return "drift" if drift_at is not None and (now - drift_at).days < DRIFT_TOLD_DAYS else None


FELL_BACK: Final = "system:replay"
DRIFT_TOLD_DAYS: Final = 14


async def explained(decision: RiskDecision) -> Explanation | None:
    """Why the model of this decision, the very version, scored it as it did. None without a model, and once the facts
    are forgotten."""
    if decision.model_id is None or decision.facts is None:
        return None
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM risk_models WHERE merchant_id = $1 AND id = $2",  # noqa: S608 - names of this module alone
        decision.merchant_id,
        decision.model_id,
    )
    if row is None:
        return None
    try:
        return scoring.explain(scoring.read(_stored(row)).content, decision.facts)
    except ModelBroken:
        return None


_EXAMPLES: Final = """
WITH chosen AS (
    (SELECT decision_id AS id FROM risk_labels WHERE merchant_id = $1 ORDER BY at DESC LIMIT $2)
    UNION
    (SELECT id FROM risk_decisions WHERE merchant_id = $1 ORDER BY at DESC LIMIT $3)
)
SELECT d.at, d.facts, d.weight, d.findings,
       (SELECT jsonb_agg(jsonb_build_object('at', l.at, 'is_bad', l.is_bad) ORDER BY l.at) FROM risk_labels l
        WHERE l.merchant_id = $1 AND l.decision_id = d.id) AS known
FROM risk_decisions d JOIN chosen USING (id)
WHERE d.merchant_id = $1 AND d.facts IS NOT NULL
ORDER BY d.at, d.id
"""


async def examples_of(merchant_id: UUID) -> tuple[Example, ...]:
    """What a shop's model learns from, in order of time."""
    rows = await db.fetch_all(_EXAMPLES, merchant_id, OUTCOMES_MAX, ORDERS_MAX)
    return tuple(
        Example(
            at=row["at"],
            facts=msgspec.convert(row["facts"], Facts),
            is_held=_held_by_rules(msgspec.convert(row["findings"], tuple[Finding, ...])),
            weight=row["weight"],
            known=msgspec.convert(row["known"] or [], tuple[Known, ...]),
        )
        for row in rows
    )


def _held_by_rules(findings: tuple[Finding, ...]) -> bool:
    """Whether rules alone asked for a person: what a model or a forced outcome added says nothing of them."""
    rules = [one for one in findings if not one.is_shadow and one.rule != scoring.RULE]
    return sum(one.weight for one in rules) >= HOLD_AT or any(one.outcome != "approve" for one in rules)
