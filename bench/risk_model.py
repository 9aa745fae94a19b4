"""The learnt model beside the rules on simulated years that neither was made with: `python -m bench.risk_model`.

Twenty seeds, three shops each. Every order is scored with what was known at its press, every outcome is learnt when it
is known, 30 to 90 days later. Counted from the ninetieth day on, by what an order really was. At each load both may ask
a person about the same number of each week's orders of each shop; at the last one about as many as the rules hold by
themselves.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import mean, stdev

from app.risk.comparing import BUDGETS, Judged, asked, by_score, by_weight, figures_of, found
from app.risk.learning import judged_of, replay
from app.risk.prior import prior
from bench.simulated_lessons import Year, years
from bench.simulator import BEGIN

SEEDS = range(1, 21)
FROM = BEGIN + timedelta(days=90)
RULES_ALONE = "as they stand"


@dataclass(frozen=True, slots=True)
class Counted:
    """What one of the two found in one world, all shops together."""

    orders: int = 0
    attacks: int = 0
    attacks_minor: int = 0
    asked: int = 0
    caught: int = 0
    caught_minor: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(
            self.orders + other.orders,
            self.attacks + other.attacks,
            self.attacks_minor + other.attacks_minor,
            self.asked + other.asked,
            self.caught + other.caught,
            self.caught_minor + other.caught_minor,
        )

    @property
    def precision(self) -> float:
        return self.caught / self.asked if self.asked else 0.0

    @property
    def recall(self) -> float:
        return self.caught / self.attacks

    @property
    def saved(self) -> float:
        return self.caught_minor / self.attacks_minor

    @property
    def hurt(self) -> float:
        """Of good orders, those that wait for a person."""
        return (self.asked - self.caught) / (self.orders - self.attacks)


Key = tuple[str, str]


def world(seed: int) -> tuple[dict[Key, Counted], int]:
    """What was found in one world by each at each load; and in how many shops the model might be switched on."""
    total: dict[Key, Counted] = {}
    better = 0
    for year in years(seed):
        scored = judged_of(year.examples, replay(year.examples, prior()).scores)
        better += figures_of(scored, drift_at=None, has_prior=True).beats_rules
        for key, counted in _shop(year, scored).items():
            total[key] = total.get(key, Counted()) + counted
    return total, better


def _shop(year: Year, scored: Sequence[Judged]) -> dict[Key, Counted]:
    """By what orders really were, which no model and no rule was told."""
    real = [
        replace(one, is_bad=press.kind != "good")
        for press, one in zip(year.presses, scored, strict=True)
        if press.at >= FROM
    ]
    made = {
        (name, f"{share:.0%}"): _counted(real, asked(real, share, rank))
        for share in BUDGETS
        for name, rank in (("model", by_score), ("rules", by_weight))
    }
    held = frozenset(index for index, one in enumerate(real) if one.is_held)
    return made | {
        ("rules", RULES_ALONE): _counted(real, held),
        ("model", RULES_ALONE): _counted(real, _as_many_a_week(real, held)),
    }


def _as_many_a_week(real: Sequence[Judged], held: frozenset[int]) -> frozenset[int]:
    """Of each week as many as the rules held in it, those of the highest scores."""
    weeks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, one in enumerate(real):
        weeks[one.at.isocalendar()[:2]].append(index)
    chosen: set[int] = set()
    for indices in weeks.values():
        first = sorted(indices, key=lambda index: real[index].score, reverse=True)
        chosen.update(first[: len(held.intersection(indices))])
    return frozenset(chosen)


def _counted(real: Sequence[Judged], chosen: frozenset[int]) -> Counted:
    attacks = [one.amount_minor for one in real if one.is_bad]
    caught = found(real, chosen)
    return Counted(len(real), len(attacks), sum(attacks), caught.asked, caught.bad, caught.bad_minor)


def report(seeds: Sequence[int], processes: int = 1) -> None:
    if processes == 1:
        worlds = [world(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(processes) as pool:
            worlds = list(pool.map(world, seeds))
    print(
        "| load | who asks | precision | recall | money saved | good orders hurt |\n|---|---|---|---|---|---|"
    )
    for share in (*(f"{budget:.0%}" for budget in BUDGETS), RULES_ALONE):
        for name in ("model", "rules"):
            rows = [counted[name, share] for counted, _ in worlds if (name, share) in counted]
            if rows:
                print(f"| {_load(share, rows)} | {name} | {_figures(rows)} |")
    orders, attacks = (sum(getattr(counted["rules", RULES_ALONE], what) for counted, _ in worlds)
                       for what in ("orders", "attacks"))  # fmt: skip
    print(f"\n{len(worlds)} seeds, {orders} orders, {attacks} of them attacks.")
    shops = sum(better for _, better in worlds)
    print(f"The model might be switched on in {shops} of {3 * len(worlds)} shops.")


def _load(share: str, rows: Sequence[Counted]) -> str:
    return share if share != RULES_ALONE else f"{mean(row.asked / row.orders for row in rows):.1%}, {share}"


def _figures(rows: Sequence[Counted]) -> str:
    return " | ".join(
        f"{mean(values):.1%} ± {stdev(values):.1%}"
        for values in (
            [getattr(row, what) for row in rows] for what in ("precision", "recall", "saved", "hurt")
        )
    )


if __name__ == "__main__":
    report(range(int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else SEEDS)
