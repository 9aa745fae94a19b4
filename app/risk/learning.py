"""An online model learns what turns out bad: logistic regression over scaled numbers, by the package `river`.

One function runs everywhere, in the nightly lesson, in the bench and in tests: `replay` goes through decisions in order
of time, scores each with what was known then, and learns each outcome when it was known. So a figure of the replay is
what the model would have done, and the model that comes out is the one that goes on.

`python -m app.risk.learning` reads a lesson from standard input and writes what came of it: a process of its own, so
that the worker neither waits for arithmetic nor carries the package.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from app.risk.comparing import Figures, Judged, figures_of, threshold_of
from app.risk.facts import Facts
from app.risk.features import goods, numbers
from app.risk.scoring import Content, Number, log_loss, standing

if TYPE_CHECKING:
    from river.linear_model import LogisticRegression
    from river.preprocessing import StandardScaler

# Chosen on simulated years that no figure is told of (docs/decisions/0017).
STEP: Final = 0.003
# A prior counts as so many orders at most: a shop's own usual sums soon say more.
PRIOR_ORDERS: Final = 2_000
# A change has to be as clear as this before staff are told: one false alarm in some years of lessons.
DRIFT_DELTA: Final = 0.0005
# The errors of a beginner are no measure.
WARM_UP: Final = 400


class Known(msgspec.Struct, frozen=True):
    """What was learnt of a decision, and when."""

    at: datetime
    is_bad: bool


class Example(msgspec.Struct, frozen=True):
    """A past decision: its facts, what the rules said, what came of it. `known` is empty while nothing is."""

    at: datetime
    facts: Facts
    is_held: bool
    weight: int
    known: tuple[Known, ...] = ()


class Lesson(msgspec.Struct, frozen=True):
    """What the process is given: examples in order of time."""

    examples: tuple[Example, ...]
    prior: Content | None


class Learnt(msgspec.Struct, frozen=True):
    """What it gives back."""

    content: Content
    figures: Figures


class Learner:
    """A model that goes on learning. `prior` is where it starts."""

    def __init__(self, prior: Content | None) -> None:
        # Heavy, and of no use to any process that does not learn.
        from river import linear_model, optim, preprocessing  # noqa: PLC0415

        self._scaler: StandardScaler = preprocessing.StandardScaler()
        start = {} if prior is None else {one.name: one.weight for one in prior.numbers} | prior.goods
        self._regression: LogisticRegression = linear_model.LogisticRegression(
            optimizer=optim.SGD(STEP),
            intercept_init=0.0 if prior is None else prior.intercept,
            intercept_lr=STEP,
        )
        self._learnt = 0 if prior is None else prior.learnt
        if prior is not None:
            self._regression._weights.update(start)  # noqa: SLF001 - the package has no way to begin with weights
            for one in prior.numbers:
                self._scaler.counts[one.name] = round(min(one.count, PRIOR_ORDERS))
                self._scaler.means[one.name] = one.mean
                self._scaler.vars[one.name] = one.variance

    def learn(self, facts: Facts, *, is_bad: bool) -> None:
        found = numbers(facts)
        self._scaler.learn_one(found)
        self._regression.learn_one(self._seen(found, facts), is_bad)
        self._learnt += 1

    def score(self, facts: Facts) -> float:
        """By the package itself. The web process scores by `scoring.score`; a test holds both to one another."""
        return float(self._regression.predict_proba_one(self._seen(numbers(facts), facts))[True])

    def content(self, threshold: float) -> Content:
        weights = self._regression.weights
        return Content(
            learnt=self._learnt,
            threshold=threshold,
            intercept=float(self._regression.intercept),
            numbers=tuple(
                Number(name, float(count), float(self._scaler.means[name]), float(self._scaler.vars[name]),
                       float(weights.get(name, 0.0)))
                for name, count in self._scaler.counts.items()
            ),
            goods={name: float(weight) for name, weight in weights.items() if name not in self._scaler.counts},
        )  # fmt: skip

    def _seen(self, found: dict[str, float], facts: Facts) -> dict[str, float]:
        """Scaled as `scoring` scales."""
        means, variances = self._scaler.means, self._scaler.vars
        scaled = {name: standing(value, means[name], variances[name]) for name, value in found.items()}
        return scaled | goods(facts)


class _Watch:
    """Tells when a row of errors has begun to be larger than it was."""

    def __init__(self) -> None:
        from river.drift import ADWIN  # noqa: PLC0415

        self._window = ADWIN(delta=DRIFT_DELTA)
        self._seen = 0

    def grew(self, error: float) -> bool:
        self._seen += 1
        before = self._window.estimation
        self._window.update(error)
        return bool(self._seen > WARM_UP and self._window.drift_detected and self._window.estimation > before)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The score of each example in the order given, the learner as it is at the end, and when it last began to be
    wrong more often than before."""

    scores: tuple[float, ...]
    learner: Learner
    drift_at: datetime | None


def replay(examples: Iterable[Example], prior: Content | None) -> Replayed:
    """Go through decisions in order of time. What is known of one is learnt when it became known, never sooner."""
    learner, watch = Learner(prior), _Watch()
    waiting: list[tuple[datetime, int, Example, bool, float]] = []
    scores: list[float] = []
    drift_at: datetime | None = None
    number = 0
    for example in examples:
        while waiting and waiting[0][0] <= example.at:
            drift_at = _learn_next(learner, watch, waiting) or drift_at
        told = learner.score(example.facts)
        scores.append(told)
        for known in example.known:
            heapq.heappush(waiting, (known.at, number, example, known.is_bad, told))
            number += 1
    while waiting:
        drift_at = _learn_next(learner, watch, waiting) or drift_at
    return Replayed(tuple(scores), learner, drift_at)


def _learn_next(
    learner: Learner, watch: _Watch, waiting: list[tuple[datetime, int, Example, bool, float]]
) -> datetime | None:
    """Learn what became known next; when the errors grew just now, when that was."""
    at, _, example, is_bad, told = heapq.heappop(waiting)
    learner.learn(example.facts, is_bad=is_bad)
    return at if watch.grew(log_loss(told, is_bad=is_bad)) else None


def learn(lesson: Lesson) -> Learnt:
    """The lesson of one shop: its replay, what the model is afterwards, and how it did beside the rules."""
    replayed = replay(lesson.examples, lesson.prior)
    judged = judged_of(lesson.examples, replayed.scores)
    figures = figures_of(judged, drift_at=replayed.drift_at, has_prior=lesson.prior is not None)
    threshold = threshold_of(judged, figures.share)
    return Learnt(replayed.learner.content(threshold), figures)


def judged_of(examples: Sequence[Example], scores: Sequence[float]) -> tuple[Judged, ...]:
    """What came of each: bad when anybody has said so."""
    return tuple(
        Judged(
            at=example.at,
            score=told,
            is_held=example.is_held,
            weight=example.weight,
            amount_minor=example.facts.total_minor,
            is_bad=any(known.is_bad for known in example.known) if example.known else None,
        )
        for example, told in zip(examples, scores, strict=True)
    )


def main() -> None:
    lesson = msgspec.json.decode(sys.stdin.buffer.read(), type=Lesson)
    sys.stdout.buffer.write(msgspec.json.encode(learn(lesson)))


if __name__ == "__main__":
    main()
