"""A learnt model as plain numbers: read, scored and explained in a few lines. Pure; knows nothing of how it was learnt.

A score is the model's estimate, between 0 and 1, that an order turns out bad. It is compared with the model's own
`threshold`; by itself a number of it means little, because bad orders are rare.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt
from typing import Final, Literal
from uuid import UUID

import msgspec

from app.risk.errors import ModelBroken
from app.risk.facts import Facts
from app.risk.features import FEATURES_VERSION, NAMES, REASON_OF, goods, numbers
from app.risk.rules import Finding

Mode = Literal["shadow", "on", "off"]

RULE: Final = "model"
# One odd number must not outvote all others together.
FARTHEST: Final = 6.0
REASONS_MAX: Final = 4
REASONS_SHOWN: Final = 6


class Number(msgspec.Struct, frozen=True):
    """How one number of the facts counts: against the mean and variance of `count` orders."""

    name: str
    count: float
    mean: float
    variance: float
    weight: float


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """All that a model is. `goods`: what each category of goods weighs. `learnt` counts the outcomes it has learnt."""

    features: int = FEATURES_VERSION
    learnt: int
    threshold: float
    intercept: float
    numbers: tuple[Number, ...]
    goods: dict[str, float]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A row of `risk_models`, not yet believed. `digest` is the SHA-256 of its content in hex."""

    id: UUID
    version: int
    mode: Mode
    content: object
    digest: str


@dataclass(frozen=True, slots=True)
class Model:
    """A model that may be asked."""

    id: UUID
    version: int
    mode: Mode
    content: Content


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a score is what it is. `reasons`: groups of facts that raise it, the strongest first. `passes_without`: the
    fewest of them that would have to be as usual for the order to pass; None where it passes as it is, and where no
    few would do."""

    reasons: tuple[str, ...]
    passes_without: tuple[str, ...] | None


def digest_of(content: Content) -> bytes:
    """SHA-256 over the content as JSON, its goods in the order of their names."""
    ordered = msgspec.structs.replace(content, goods=dict(sorted(content.goods.items())))
    return hashlib.sha256(msgspec.json.encode(ordered)).digest()


def read(stored: StoredModel) -> Model:
    """Believe a stored model, or raise ModelBroken: another shape, other features, numbers that are none, or a content
    that is not the one its digest was made of."""
    try:
        content = msgspec.convert(stored.content, Content)
    except msgspec.ValidationError as error:
        raise ModelBroken("shape") from error
    if content.features != FEATURES_VERSION:
        raise ModelBroken("features")
    if {one.name for one in content.numbers} - NAMES:
        raise ModelBroken("features")
    told = [content.intercept, content.threshold, *content.goods.values()]
    told += [value for one in content.numbers for value in (one.mean, one.variance, one.weight)]
    if not all(isfinite(value) for value in told):
        raise ModelBroken("numbers")
    if digest_of(content).hex() != stored.digest:
        raise ModelBroken("digest")
    return Model(stored.id, stored.version, stored.mode, content)


def standing(value: float, mean: float, variance: float) -> float:
    """How far a number stands from the usual, in standard deviations; 0 for a number that never varied."""
    if variance <= 0:
        return 0.0
    return max(-FARTHEST, min(FARTHEST, (value - mean) / sqrt(variance)))


def score(content: Content, facts: Facts) -> float:
    """Between 0 and 1. A category that the model has never met weighs nothing."""
    return _probability(content.intercept + sum(_parts(content, facts).values()))


def finding_of(model: Model, found: float) -> Finding | None:
    """What a model asks for: a person, where the score reaches its threshold; in shadow mode without effect."""
    if model.mode == "off" or found < model.content.threshold:
        return None
    return Finding(
        RULE,
        model.version,
        0,
        "hold",
        is_shadow=model.mode != "on",
        values={"percent": round(100 * found), "from": round(100 * model.content.threshold)},
    )


def explain(content: Content, facts: Facts) -> Explanation:
    """Facts are grouped as a person would: what is said of the address is one reason, however many numbers it has."""
    groups: dict[str, float] = {}
    for name, part in _parts(content, facts).items():
        reason = REASON_OF.get(name, "goods")
        groups[reason] = groups.get(reason, 0.0) + part
    raising = sorted((reason for reason in groups if groups[reason] > 0.1), key=lambda one: -groups[one])
    total = content.intercept + sum(groups.values())
    return Explanation(tuple(raising[:REASONS_MAX]), _passes_without(content, groups, raising, total))


def heaviest(content: Content) -> tuple[str, ...]:
    """The groups of facts that weigh most in any order of this shop, the heaviest first."""
    groups: dict[str, float] = {}
    for name, weight in [(one.name, one.weight) for one in content.numbers] + list(content.goods.items()):
        reason = REASON_OF.get(name, "goods")
        groups[reason] = max(groups.get(reason, 0.0), weight)
    found = [reason for reason in groups if groups[reason] > 0.1]
    return tuple(sorted(found, key=lambda reason: -groups[reason])[:REASONS_SHOWN])


def _passes_without(
    content: Content, groups: dict[str, float], raising: list[str], total: float
) -> tuple[str, ...] | None:
    if _probability(total) < content.threshold:
        return None
    # The strongest first: no smaller set can take more away.
    for count, reason in enumerate(raising[:REASONS_MAX], 1):
        total -= groups[reason]
        if _probability(total) < content.threshold:
            return tuple(raising[:count])
    return None


def _parts(content: Content, facts: Facts) -> dict[str, float]:
    """What each number adds to the score, before it is bent into 0 to 1."""
    found = numbers(facts)
    parts = {
        one.name: one.weight * standing(found[one.name], one.mean, one.variance) for one in content.numbers
    }
    parts |= {name: content.goods.get(name, 0.0) * value for name, value in goods(facts).items()}
    return parts


def _probability(total: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, total))))


def log_loss(probability: float, *, is_bad: bool) -> float:
    """How wrong a score was, for watching drift; at most about 7."""
    sure = min(max(probability, 0.001), 0.999)
    return -log(sure if is_bad else 1 - sure)
