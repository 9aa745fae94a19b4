"""Simulated years as lessons of the model: what the rules said, and what is learnt of each order when it is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from app.risk.learning import Example, Known
from app.risk.rules import HOLD_AT, built_in
from bench.simulated_facts import with_facts
from bench.simulator import Press, presses


@dataclass(frozen=True, slots=True)
class Year:
    """One shop's year: what was pressed, and the same as examples."""

    presses: tuple[Press, ...]
    examples: tuple[Example, ...]


def years(seed: int) -> tuple[Year, ...]:
    """One for each shop of a simulated world."""
    by_shop: dict[int, list[tuple[Press, Example]]] = defaultdict(list)
    for press, example in _examples(seed):
        by_shop[press.shop].append((press, example))
    return tuple(
        Year(tuple(press for press, _ in rows), tuple(example for _, example in rows))
        for _, rows in sorted(by_shop.items())
    )


def _examples(seed: int) -> Iterable[tuple[Press, Example]]:
    for press, facts in with_facts(presses(seed)):
        weight = sum(finding.weight for finding in built_in(facts))
        known = (Known(press.label_at, press.is_bad),)
        yield press, Example(press.at, facts, weight >= HOLD_AT, weight, known)
