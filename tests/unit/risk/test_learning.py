"""The model: learnt in order of time, scored the same by the package and by ourselves, explained, believed or not."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from app.kernel import ids
from app.risk.comparing import NEVER, Found, Judged, at_load, figures_of, threshold_of
from app.risk.errors import ModelBroken
from app.risk.facts import Facts
from app.risk.features import NAMES, numbers
from app.risk.learning import Example, Known, Learner, Lesson, learn, replay
from app.risk.prior import PRIOR_FILE, prior, read_prior
from app.risk.scoring import Content, Mode, Model, StoredModel, digest_of, explain, finding_of, read, score

APP = Path(__file__).resolve().parents[3] / "app"
LEARNING = APP / "risk" / "learning.py"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def some_facts(rng: random.Random, *, odd: bool) -> Facts:
    """Odd ones are dear, new and hurried; some others are too."""
    return Facts(
        total_minor=rng.randrange(50_000, 150_000) if odd else rng.randrange(1_000, 70_000),
        currency="EUR",
        method="invoice",
        buyer="consumer",
        hour=rng.randrange(24),
        categories=("consoles",) if odd else rng.choice((("books",), ("lamps", "books"))),
        express=odd or rng.random() < 0.2,
        first_order=odd or rng.random() < 0.3,
        phone_days=0 if odd else rng.randrange(900),
        wrong_codes_24h=rng.randrange(5) if odd else 0,
        same_24h=rng.choice((0, 1, 3)) if odd else 0,
    )


def a_past(orders: int, *, every: int = 10, late: timedelta = timedelta(days=1)) -> tuple[Example, ...]:
    """One order an hour; every tenth is odd and turns out bad, which is known a day later."""
    rng = random.Random(5)
    made = []
    for turn in range(orders):
        at, odd = START + timedelta(hours=turn), turn % every == 0
        known = (Known(at + late, odd),)
        made.append(Example(at, some_facts(rng, odd=odd), is_held=False, weight=0, known=known))
    return tuple(made)


def stored(content: Content, changed: Mapping[str, object] | None = None) -> StoredModel:
    """As a row of the database gives it."""
    told = msgspec.to_builtins(content) | dict(changed or {})
    return StoredModel(ids.internal_id(), 3, "shadow", told, digest_of(content).hex())


@pytest.fixture(scope="module")
def learnt() -> Content:
    return replay(a_past(600), None).learner.content(threshold=0.5)


def test_our_own_few_lines_score_exactly_as_the_package_does() -> None:
    learner = replay(a_past(300), prior()).learner
    rng = random.Random(9)
    content = learner.content(threshold=0.5)
    for turn in range(100):
        facts = some_facts(rng, odd=bool(turn % 2))
        assert score(content, facts) == pytest.approx(learner.score(facts), abs=1e-9)


def test_a_model_that_has_learnt_tells_odd_orders_from_others(learnt: Content) -> None:
    rng = random.Random(11)
    odd = [score(learnt, some_facts(rng, odd=True)) for _ in range(50)]
    usual = [score(learnt, some_facts(rng, odd=False)) for _ in range(50)]
    assert sorted(odd)[5] > sorted(usual)[45]


def test_nothing_is_learnt_of_an_order_before_it_is_known() -> None:
    # All of it becomes known after the last order: until then every score is of a model that knows nothing.
    late = replay(a_past(200, late=timedelta(days=90)), None)
    assert set(late.scores) == {0.5}
    assert len(set(replay(a_past(200), None).scores)) > 50


def test_a_score_never_depends_on_what_came_later() -> None:
    past = a_past(300)
    assert replay(past[:150], None).scores == replay(past, None).scores[:150]


def test_the_same_lesson_gives_the_same_model() -> None:
    lesson = Lesson(a_past(150), prior())
    assert digest_of(learn(lesson).content) == digest_of(learn(lesson).content)


def test_a_model_goes_on_where_it_stopped_through_a_row_of_the_database(learnt: Content) -> None:
    again = read(stored(msgspec.json.decode(msgspec.json.encode(learnt), type=Content)))
    rng = random.Random(13)
    facts = some_facts(rng, odd=True)
    assert score(again.content, facts) == score(learnt, facts)
    assert Learner(again.content).score(facts) == pytest.approx(score(learnt, facts), abs=1e-9)


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"intercept": -9.0}, "digest"),
        ({"numbers": "none"}, "shape"),
        ({"features": 0}, "features"),
        ({"threshold": float("nan")}, "numbers"),
        ({"numbers": [{"name": "shoe_size", "count": 1, "mean": 0, "variance": 1, "weight": 9}]}, "features"),
    ],
)
def test_a_model_that_is_not_what_it_was_made_is_not_believed(
    learnt: Content, changed: dict[str, object], part: str
) -> None:
    with pytest.raises(ModelBroken) as broken:
        read(stored(learnt, changed))
    assert broken.value.part == part


def test_a_model_in_the_shadow_finds_without_effect_one_that_is_on_asks_for_a_person(learnt: Content) -> None:
    def found(mode: Mode, told: float) -> tuple[str, bool] | None:
        finding = finding_of(Model(ids.internal_id(), 3, mode, learnt), told)
        return None if finding is None else (finding.outcome, finding.is_shadow)

    assert found("shadow", 0.6) == ("hold", True)
    assert found("on", 0.6) == ("hold", False)
    assert found("on", 0.4) is None
    assert found("off", 0.6) is None


def test_an_explanation_names_what_raised_the_score_and_what_would_have_let_the_order_pass(
    learnt: Content,
) -> None:
    content = msgspec.structs.replace(learnt, threshold=score(learnt, some_facts(random.Random(1), odd=True)))
    odd = some_facts(random.Random(1), odd=True)
    told = explain(content, odd)
    assert told.passes_without is not None
    assert told.reasons[0] in {"value", "first_order", "codes", "identical", "express", "goods"}
    assert told.reasons[: len(told.passes_without)] == told.passes_without
    usual = explain(content, some_facts(random.Random(2), odd=False))
    assert usual.passes_without is None


def test_every_number_of_the_facts_belongs_to_a_reason_and_none_is_of_a_place_or_a_person() -> None:
    facts = some_facts(random.Random(3), odd=True)
    assert set(numbers(facts)) == NAMES
    elsewhere = msgspec.structs.replace(facts, postcode="00100", address="ab" * 32, words=("somebody",))
    assert numbers(elsewhere) == numbers(facts)


def test_the_prior_is_the_file_that_was_made_and_a_damaged_or_missing_one_is_told(tmp_path: Path) -> None:
    assert {one.name for one in prior().numbers} == NAMES
    damaged = tmp_path / "prior.json"
    damaged.write_bytes(PRIOR_FILE.read_bytes().replace(b'"intercept": -', b'"intercept": -1'))
    with pytest.raises(ModelBroken, match="digest"):
        read_prior(damaged)
    damaged.write_bytes(b"{")
    with pytest.raises(ModelBroken, match="shape"):
        read_prior(damaged)
    with pytest.raises(ModelBroken, match="file"):
        read_prior(tmp_path / "none.json")


# --- beside the rules -----------------------------------------------------------------------------------------


def judged(
    orders: int, *, model_finds: bool, rules_find: bool, every: int = 25, amount_minor: int = 10_000
) -> list[Judged]:
    """Twenty orders a day; each who finds puts the bad ones first, and the rules hold them."""
    made = []
    for turn in range(orders):
        is_bad = turn % every == 0
        made.append(
            Judged(
                at=START + timedelta(hours=turn),
                score=0.9 if is_bad and model_finds else (turn * 7 % 100) / 200,
                is_held=is_bad and rules_find,
                weight=100 if is_bad and rules_find else turn * 13 % 50,
                amount_minor=amount_minor,
                is_bad=is_bad,
            )
        )
    return made


def figures(rows: list[Judged]) -> bool:
    return figures_of(rows, drift_at=None, has_prior=True).beats_rules


def test_a_model_beats_the_rules_only_where_it_finds_clearly_more_at_the_same_load() -> None:
    assert figures(judged(2_000, model_finds=True, rules_find=False))
    assert not figures(judged(2_000, model_finds=False, rules_find=True))
    assert not figures(judged(2_000, model_finds=True, rules_find=True))


def test_too_few_orders_or_too_few_bad_ones_beat_nothing() -> None:
    assert not figures(judged(400, model_finds=True, rules_find=False))
    assert not figures(judged(2_000, model_finds=True, rules_find=False, every=150))


def test_both_ask_about_the_same_number_of_each_weeks_orders() -> None:
    load = at_load(judged(1_680, model_finds=True, rules_find=True), 0.02)
    assert load.model.asked == load.rules.asked == 41  # begun weeks too: 4 of each 168
    assert load.model == load.rules == Found(41, 41, 410_000, 0)


def test_the_threshold_is_reached_by_as_many_of_the_newest_orders_as_may_wait() -> None:
    rows = judged(1_000, model_finds=False, rules_find=False)
    threshold = threshold_of(rows, 0.02)
    assert 15 <= sum(one.score >= threshold for one in rows) <= 30
    assert threshold_of(rows[:50], 0.02) == NEVER


def test_errors_that_grow_are_noticed_and_a_steady_year_is_not() -> None:
    steady = a_past(1_800)
    assert replay(steady, None).drift_at is None
    turned = [
        msgspec.structs.replace(one, known=tuple(Known(k.at, not k.is_bad) for k in one.known))
        for one in steady[1_200:]
    ]
    drift_at = replay([*steady[:1_200], *turned], None).drift_at
    assert drift_at is not None
    assert drift_at > START + timedelta(hours=1_200)


def test_the_package_is_loaded_by_a_lesson_alone() -> None:
    # Neither the web process nor the worker carries it: it is named in one file, and there inside functions only.
    naming = {
        path for path in APP.rglob("*.py") if re.search(r"(from|import) river\b", path.read_text("utf-8"))
    }
    assert naming == {LEARNING}
    top = ast.parse(LEARNING.read_text("utf-8")).body
    assert not [
        one for one in top if isinstance(one, ast.Import | ast.ImportFrom) and "river" in ast.dump(one)
    ]
