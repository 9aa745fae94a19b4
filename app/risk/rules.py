"""What the facts of a purchase give away, and what follows from all of it together. Pure.

Each finding is one reason with a weight; weights add up, and `HOLD_AT` asks for a person. A finding may also ask for an
outcome by itself. The strictest outcome wins, whoever asked for it; nothing makes a decision milder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

if TYPE_CHECKING:
    from app.risk.facts import Facts

Outcome = Literal["approve", "hold", "decline"]

RULES_VERSION: Final = "2026-11-22"
HOLD_AT: Final = 100

_STRICTNESS: Final[dict[Outcome, int]] = {"approve": 0, "hold": 1, "decline": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. `rule` is the name of a built-in rule or the public id of a merchant's. `outcome` is what it asks by
    itself, "approve" for its weight alone. A shadow is written down and has no effect. `values` are the figures of the
    reason's sentence: they name nobody."""

    rule: str
    version: int
    weight: int
    outcome: Outcome
    is_shadow: bool
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, as it is stored under `decision_id`. `weight` counts what is no shadow."""

    decision_id: UUID
    outcome: Outcome
    weight: int
    findings: tuple[Finding, ...]
    model_score: float | None


def strictest(*outcomes: Outcome) -> Outcome:
    """The strictest of them; "approve" where nobody asks for anything."""
    return max(outcomes, key=_STRICTNESS.__getitem__, default="approve")


def judge(findings: Iterable[Finding], *, forced: Outcome | None = None) -> tuple[Outcome, int]:
    """What follows from the findings, in any order, and their weight. `forced` can only make it stricter."""
    effective = [finding for finding in findings if not finding.is_shadow]
    weight = sum(finding.weight for finding in effective)
    by_weight: Outcome = "hold" if weight >= HOLD_AT else "approve"
    asked: list[Outcome] = [finding.outcome for finding in effective]
    return strictest(by_weight, forced or "approve", *asked), weight


def built_in(facts: Facts) -> tuple[Finding, ...]:
    """What the rules that every shop has find in the facts."""
    found: list[Finding] = []
    if facts.same_1h >= 3:
        found.append(
            Finding(
                "identical_1h", 1, HOLD_AT, "approve", is_shadow=False, values={"count": facts.same_1h + 1}
            )
        )
    return tuple(found)
