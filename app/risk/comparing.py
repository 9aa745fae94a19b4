"""A model beside the rules, at the same load: of each week's orders both may ask a person about the same number. Pure.

The rules take what they would hold first, then by weight, then by sum; the model by its score. Only orders of which it
is known what came of them are counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, comb
from typing import Final

import msgspec

BUDGETS: Final = (0.01, 0.02, 0.05)
# A model asks about no smaller and no larger share of orders than this, whatever the rules do.
SHARE_MIN: Final = 0.01
SHARE_MAX: Final = 0.05
# With less than this nobody can tell which of the two is better.
ORDERS_MIN: Final = 500
BAD_MIN: Final = 20
CHANCE_MAX: Final = 0.05
# The threshold follows the scores of so many days.
RECENT: Final = timedelta(days=60)
RECENT_MIN: Final = 100
NEVER: Final = 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A past decision, scored. `is_bad` is None while nothing is known."""

    at: datetime
    score: float
    is_held: bool
    weight: int
    amount_minor: int
    is_bad: bool | None


class Found(msgspec.Struct, frozen=True):
    """What a person would have been asked about: how many orders, how many of them bad ones, and how much money."""

    asked: int
    bad: int
    bad_minor: int
    good_minor: int

    @property
    def good(self) -> int:
        return self.asked - self.bad

    @property
    def precision(self) -> float:
        return self.bad / self.asked if self.asked else 0.0


class AtLoad(msgspec.Struct, frozen=True):
    """Both at one load: that share of each week's orders."""

    share: float
    model: Found
    rules: Found


class Figures(msgspec.Struct, frozen=True):
    """How a model did in its replay. `share` is the load of the rules, and `loads` begin with it. `only_model` and
    `only_rules` count bad orders that only one of both would have asked about."""

    orders: int
    bad: int
    from_at: datetime | None
    to_at: datetime | None
    share: float
    loads: tuple[AtLoad, ...]
    only_model: int
    only_rules: int
    drift_at: datetime | None
    has_prior: bool

    @property
    def is_enough(self) -> bool:
        return self.orders >= ORDERS_MIN and self.bad >= BAD_MIN

    @property
    def beats_rules(self) -> bool:
        """More bad orders found at the same load than chance explains, and no less money."""
        if not self.is_enough or not self.loads:
            return False
        own = self.loads[0]
        is_clear = _chance(self.only_model, self.only_rules) < CHANCE_MAX
        return is_clear and own.model.bad_minor >= own.rules.bad_minor


def _chance(wins: int, losses: int) -> float:
    """How likely a coin would have won so often or more."""
    rounds = wins + losses
    return float(sum(comb(rounds, won) for won in range(wins, rounds + 1)) / 2**rounds)


def figures_of(judged: Sequence[Judged], *, drift_at: datetime | None, has_prior: bool) -> Figures:
    """What the replay tells, over the orders of which it is known what came of them."""
    known = [one for one in judged if one.is_bad is not None]
    held = sum(one.is_held for one in judged) / len(judged) if judged else 0.0
    share = min(max(held, SHARE_MIN), SHARE_MAX)
    by_model, by_rules = asked(known, share, by_score), asked(known, share, by_weight)
    return Figures(
        orders=len(known),
        bad=sum(one.is_bad is True for one in known),
        from_at=known[0].at if known else None,
        to_at=known[-1].at if known else None,
        share=share,
        loads=tuple(at_load(known, budget) for budget in (share, *BUDGETS)) if known else (),
        only_model=sum(known[index].is_bad is True for index in by_model - by_rules),
        only_rules=sum(known[index].is_bad is True for index in by_rules - by_model),
        drift_at=drift_at,
        has_prior=has_prior,
    )


def by_score(one: Judged) -> tuple[float, ...]:
    return (one.score,)


def by_weight(one: Judged) -> tuple[float, ...]:
    return (one.is_held, one.weight, one.amount_minor)


def at_load(known: Sequence[Judged], share: float) -> AtLoad:
    return AtLoad(
        share,
        found(known, asked(known, share, by_score)),
        found(known, asked(known, share, by_weight)),
    )


def asked(
    known: Sequence[Judged], share: float, rank: Callable[[Judged], tuple[float, ...]]
) -> frozenset[int]:
    """Which of them a person is asked about: the first of each week's orders by `rank`."""
    weeks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, one in enumerate(known):
        year, week, _ = one.at.isocalendar()
        weeks[year, week].append(index)
    chosen: set[int] = set()
    for indices in weeks.values():
        first = sorted(indices, key=lambda index: rank(known[index]), reverse=True)
        chosen.update(first[: ceil(len(indices) * share)])
    return frozenset(chosen)


def found(known: Sequence[Judged], chosen: frozenset[int]) -> Found:
    bad = [index for index in chosen if known[index].is_bad]
    total = sum(known[index].amount_minor for index in chosen)
    bad_minor = sum(known[index].amount_minor for index in bad)
    return Found(len(chosen), len(bad), bad_minor, total - bad_minor)


def threshold_of(judged: Sequence[Judged], share: float) -> float:
    """The score that `share` of the newest orders reached. With too few orders nobody is asked about."""
    if not judged:
        return NEVER
    since = judged[-1].at - RECENT
    scores = sorted((one.score for one in judged if one.at >= since), reverse=True)
    if len(scores) < RECENT_MIN:
        return NEVER
    return scores[ceil(len(scores) * share) - 1]
