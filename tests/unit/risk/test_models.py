"""A shop's models: learnt at night in a process of their own, kept for ever, switched on only when they are better."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest

from app.doors import WorkerDoors
from app.kernel import db, ids, outbox
from app.kernel.jobs import EndedAlready, Event, GiveUp
from app.merchants.queries import Merchant
from app.outside.mail import SandboxLetterbox
from app.reactions import learn_from_answer
from app.risk import teaching
from app.risk.comparing import Figures
from app.risk.errors import ModelBroken, ModelMissing, ModelNotBetter
from app.risk.labels import label_in_tx
from app.risk.model_actions import LEARN_JOB, OUTCOMES_MIN, ask_for_lessons, switch
from app.risk.model_queries import examples_of, explained, newest_model, trouble_of, versions
from app.risk.queries import decision_of_session
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.checkout import a_merchant
from tests.factories.reviews import an_ended_case
from tests.factories.risk import NOON, a_purchase_at, remember
from tests.factories.risk_models import a_model, some_content, some_figures

pytestmark = pytest.mark.usefixtures("db")

BETTER = some_figures(NOON)
NO_BETTER = msgspec.structs.replace(BETTER, only_model=3, only_rules=3)


async def keep(merchant: Merchant, figures: Figures = BETTER, at: datetime = NOON, **changed: object) -> int:
    return await a_model(merchant, figures, at, **changed)


async def audited() -> list[str]:
    return [
        row["action"]
        for row in await db.fetch_all("SELECT action FROM audit_log WHERE action LIKE 'model.%' ORDER BY id")
    ]


async def turn(merchant: Merchant, version: int, mode: str) -> None:
    await switch(merchant.id, version, mode, actor="staff:st_1", now=NOON)  # type: ignore[arg-type]


async def test_the_first_model_of_a_shop_is_in_the_shadow_and_asks_for_nobody() -> None:
    merchant = await a_merchant()
    assert await newest_model(merchant.id) is None
    assert (await remember(merchant)).model_score is None
    assert await keep(merchant, threshold=0.0001) == 1
    verdict = await remember(merchant)
    assert verdict.outcome == "approve"
    assert verdict.model_score is not None
    assert [(one.rule, one.is_shadow) for one in verdict.findings if one.rule == "model"] == [("model", True)]


async def test_a_model_that_beats_the_rules_is_switched_on_by_a_person_and_then_holds() -> None:
    merchant = await a_merchant()
    version = await keep(merchant, threshold=0.0001)
    await turn(merchant, version, "on")
    assert (await remember(merchant)).outcome == "hold"
    await turn(merchant, version, "off")
    verdict = await remember(merchant)
    assert (verdict.outcome, verdict.model_score) == ("approve", None)
    assert await audited() == ["model.switched", "model.switched"]


async def test_a_model_that_does_not_beat_the_rules_cannot_be_switched_on() -> None:
    merchant = await a_merchant()
    version = await keep(merchant, NO_BETTER)
    with pytest.raises(ModelNotBetter):
        await turn(merchant, version, "on")
    model = await newest_model(merchant.id)
    assert model is not None
    assert model.mode == "shadow"


async def test_nobody_switches_a_model_that_is_no_longer_the_newest_or_another_shops() -> None:
    merchant, other = await a_merchant(), await a_merchant("Next door")
    version = await keep(merchant)
    await keep(merchant, at=NOON + timedelta(days=1))
    for shop in (merchant, other):
        with pytest.raises(ModelMissing):
            await turn(shop, version, "on")


async def test_the_next_version_goes_on_as_switched_and_falls_back_once_it_no_longer_beats_the_rules() -> (
    None
):
    merchant = await a_merchant()
    await turn(merchant, await keep(merchant), "on")
    await keep(merchant, at=NOON + timedelta(days=1))
    assert [model.mode for model in await versions(merchant.id)] == ["on", "on"]
    await keep(merchant, NO_BETTER, NOON + timedelta(days=2))
    newest = await newest_model(merchant.id)
    assert newest is not None
    assert (newest.mode, trouble_of(newest, NOON)) == ("shadow", "fell_back")
    assert "model.fell_back" in await audited()
    # Staff have seen it: it stays in the shadow, and nobody is told any more.
    await turn(merchant, newest.version, "shadow")
    assert trouble_of(await newest_model(merchant.id), NOON) is None


async def test_drift_is_told_once_and_shown_for_two_weeks() -> None:
    merchant = await a_merchant()
    drifted = msgspec.structs.replace(BETTER, drift_at=NOON)
    await keep(merchant, drifted)
    await keep(merchant, drifted, NOON + timedelta(days=1))
    assert (await audited()).count("model.drift") == 1
    model = await newest_model(merchant.id)
    assert trouble_of(model, NOON + timedelta(days=13)) == "drift"
    assert trouble_of(model, NOON + timedelta(days=14)) is None


async def test_a_damaged_model_lets_the_rules_go_on_and_staff_are_told() -> None:
    merchant = await a_merchant()
    await db.execute_alone(
        """INSERT INTO risk_models (merchant_id, id, version, made_at, content, digest, figures, mode, changed_at,
                                    changed_by)
           VALUES ($1, $2, 1, $3, $4, $5, '{}', 'on', $3, 'system')""",
        merchant.id,
        ids.internal_id(),
        NOON,
        msgspec.to_builtins(some_content(threshold=0.0001)),
        bytes(32),
    )
    verdict = await remember(merchant)
    assert (verdict.outcome, verdict.model_score) == ("approve", None)
    model = await newest_model(merchant.id)
    assert model is not None
    assert (model.broken, model.figures, trouble_of(model, NOON)) == ("digest", None, "broken")
    with pytest.raises(ModelBroken):
        await turn(merchant, 1, "on")


async def test_a_model_never_changes_and_is_never_deleted_nor_is_what_came_of_a_decision() -> None:
    merchant = await a_merchant()
    await keep(merchant)
    purchase = await a_purchase_at(merchant)
    await remember(merchant, session_id=purchase.session_id, order_id=purchase.order_id)
    assert await label(purchase.merchant_id, purchase.session_id)
    for statement in (
        "UPDATE risk_models SET content = '{}'",
        "UPDATE risk_models SET figures = '{}'",
        "DELETE FROM risk_models",
        "UPDATE risk_labels SET is_bad = false",
        "DELETE FROM risk_labels",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute_alone(statement)


async def label(merchant_id: UUID, session_id: UUID, *, is_bad: bool = True) -> bool:
    return await db.in_tx(lambda: label_in_tx(merchant_id, session_id, "reviewer", is_bad=is_bad, now=NOON))


async def test_the_first_word_of_a_source_stays() -> None:
    merchant = await a_merchant()
    purchase = await a_purchase_at(merchant)
    await remember(merchant, session_id=purchase.session_id, order_id=purchase.order_id)
    assert await label(merchant.id, purchase.session_id, is_bad=True)
    assert not await label(merchant.id, purchase.session_id, is_bad=False)
    [example] = await examples_of(merchant.id)
    assert [known.is_bad for known in example.known] == [True]


async def test_a_decision_is_explained_by_the_very_version_that_scored_it() -> None:
    merchant = await a_merchant()
    await keep(merchant, threshold=0.0001)
    purchase = await a_purchase_at(merchant, total_minor=190_000)
    await remember(merchant, session_id=purchase.session_id, order_id=purchase.order_id, total_minor=190_000)
    await keep(merchant, at=NOON + timedelta(days=1), threshold=0.9)
    decision = await decision_of_session(merchant.id, purchase.session_id)
    assert decision is not None
    told = await explained(decision)
    assert told is not None
    assert "value" in told.reasons
    assert await explained(replace(decision, model_id=None)) is None


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


# --- lessons --------------------------------------------------------------------------------------------------


async def a_past(merchant: Merchant, orders: int) -> None:
    """Decisions with what came of them, written as rows: one in eight was dear, of a new phone, and bad."""
    rng = random.Random(3)
    seed = await a_purchase_at(merchant)
    for turn_ in range(orders):
        is_bad = turn_ % 8 == 0
        total = 90_000 if is_bad else rng.randrange(1_000, 40_000)
        at = NOON - timedelta(days=40) + timedelta(hours=turn_)
        decision = ids.internal_id()
        facts = {"total_minor": total, "currency": "EUR", "method": "invoice", "buyer": "consumer"}
        await db.execute_alone(
            """INSERT INTO risk_decisions (merchant_id, id, session_id, order_id, at, outcome, weight, amount_minor,
                                           currency, facts, findings, rules_version)
               VALUES ($1, $2, $3, $4, $5, 'approve', 0, $6, 'EUR', $7, '[]', 'test')""",
            merchant.id,
            decision,
            seed.session_id,
            seed.order_id,
            at,
            total,
            facts,
        )
        await db.execute_alone(
            "INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad)"
            " VALUES ($1, $2, $3, $4, 'unpaid', $5)",
            merchant.id,
            ids.internal_id(),
            decision,
            at + timedelta(days=2),
            is_bad,
        )


async def the_job(merchant: Merchant) -> outbox.Job:
    [job] = await outbox.claim(5, 30, now=NOON)
    assert (job.kind, job.merchant_id) == (LEARN_JOB, merchant.id)
    return job


async def test_a_shop_is_taught_at_night_in_a_process_of_its_own_and_once_a_night() -> None:
    merchant = await a_merchant()
    await a_past(merchant, OUTCOMES_MIN + 10)
    assert await ask_for_lessons(NOON, 10) == 1
    assert await ask_for_lessons(NOON, 10) == 0
    assert await Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), ()).run_once() == 1
    model = await newest_model(merchant.id)
    assert model is not None
    assert (model.version, model.mode, model.broken) == (1, "shadow", None)
    assert model.learnt == OUTCOMES_MIN + 10
    assert model.figures is not None
    assert (model.figures.orders, model.figures.beats_rules) == (OUTCOMES_MIN + 10, False)
    # Nothing new is known: the next night has no lesson.
    assert await ask_for_lessons(NOON + timedelta(days=1), 10) == 0


def test_the_worker_looks_for_what_came_of_orders_and_asks_for_lessons_by_itself() -> None:
    assert {"learn_of_payments", "ask_for_lessons"} <= {chore.__name__ for chore in chores()}


async def test_a_shop_with_too_few_outcomes_is_not_taught() -> None:
    merchant = await a_merchant()
    await a_past(merchant, OUTCOMES_MIN - 1)
    assert await ask_for_lessons(NOON, 10) == 0


async def test_a_lesson_that_comes_to_nothing_leaves_the_last_model(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await a_merchant()
    await keep(merchant, at=NOON - timedelta(days=60))
    await a_past(merchant, OUTCOMES_MIN)
    await ask_for_lessons(NOON, 10)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    outcome = await teaching.teach(await the_job(merchant))
    assert not isinstance(outcome, EndedAlready | GiveUp)
    assert [model.version for model in await versions(merchant.id)] == [1]


# --- what people answer ---------------------------------------------------------------------------------------


def answered(merchant: Merchant, case: str, outcome: str) -> Event:
    return Event(merchant.id, "evt_1", "review.resolved", {"case_id": case, "outcome": outcome}, None, NOON)


@pytest.mark.parametrize(
    ("kind", "is_blind", "outcome", "expected"),
    [
        ("risk", False, "declined", [("reviewer", True)]),
        ("risk", False, "approved", [("reviewer", False)]),
        ("risk", True, "declined", [("blind", True)]),
        ("risk", False, "lapsed", []),
        ("identity", False, "declined", []),
    ],
)
async def test_answers_about_risk_are_learnt_from_and_other_answers_are_not(
    kind: str, is_blind: bool, outcome: str, expected: list[tuple[str, bool]]
) -> None:
    merchant = await a_merchant()
    purchase = await a_purchase_at(merchant)
    await remember(merchant, session_id=purchase.session_id, order_id=purchase.order_id)
    case_id = await an_ended_case(merchant, purchase.session_id, NOON, kind=kind, is_blind=is_blind)
    case = await db.fetch_value("SELECT public_id FROM cases WHERE id = $1", case_id)
    await db.in_tx(lambda: learn_from_answer(answered(merchant, case, outcome)))
    rows = await db.fetch_all("SELECT source, is_bad FROM risk_labels")
    assert [(row["source"], row["is_bad"]) for row in rows] == expected
