"""A decision about a purchase is written down with its facts and findings, and stays as it was made."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from app.kernel import db
from app.kernel.jobs import Now
from app.merchants.queries import Merchant
from app.privacy.retention import forget_risk_facts
from app.risk.actions import assess_in_tx
from app.risk.conditions import Mode, RuleOutcome, Value
from app.risk.facts import Item, Purchase
from app.risk.queries import decision_of_session, similar
from app.risk.rule_actions import make_rule, switch_rule
from app.risk.rule_checks import WantedRule
from app.risk.rules import Outcome, Verdict
from app.risk.scoring import Content, digest_of
from tests.factories.checkout import a_merchant
from tests.factories.risk import NOON, a_purchase_at, remember
from tests.factories.risk_rules import a_person

CANDLE = Item("C-2", "Candle", "home", 2, 3_000, "item")

pytestmark = pytest.mark.usefixtures("db")


async def assess(purchase: Purchase) -> Verdict:
    return await db.in_tx(lambda: assess_in_tx(purchase))


async def test_an_ordinary_purchase_is_approved_and_the_decision_is_kept() -> None:
    purchase = await a_purchase_at(await a_merchant())
    verdict = await assess(purchase)
    assert (verdict.outcome, verdict.weight, verdict.findings) == ("approve", 0, ())
    decision = await decision_of_session(purchase.merchant_id, purchase.session_id)
    assert decision is not None
    assert (decision.id, decision.outcome, decision.amount_minor) == (verdict.decision_id, "approve", 12_900)
    assert decision.facts is not None
    assert decision.facts.skus == ("B-1",)


async def test_a_forced_hold_holds_an_ordinary_purchase() -> None:
    purchase = await a_purchase_at(await a_merchant(), forced="hold")
    assert (await assess(purchase)).outcome == "hold"
    decision = await decision_of_session(purchase.merchant_id, purchase.session_id)
    assert decision is not None
    assert (decision.outcome, decision.forced) == ("hold", "hold")


async def a_saved_rule(merchant: Merchant, mode: Mode, outcome: RuleOutcome = "hold") -> str:
    wanted = WantedRule("Dear goods", (Value(10_000),), outcome)
    rule = await make_rule(merchant, wanted, form_key=uuid4(), actor="staff:st_1", now=NOON)
    if mode != "shadow":
        await switch_rule(merchant, rule, mode, seen_version=1, actor="staff:st_1", now=NOON)
    return rule


@pytest.mark.parametrize(("mode", "expected"), [("on", "decline"), ("shadow", "approve"), ("off", "approve")])
async def test_a_shops_own_rule_counts_once_it_is_on(mode: Mode, expected: Outcome) -> None:
    merchant = await a_merchant()
    rule = await a_saved_rule(merchant, mode, "decline")
    verdict = await remember(merchant)
    assert verdict.outcome == expected
    assert [finding.rule for finding in verdict.findings] == ([] if mode == "off" else [rule])


async def test_another_shops_rule_says_nothing_here() -> None:
    await a_saved_rule(await a_merchant(), "on")
    assert (await remember(await a_merchant("Next door"))).findings == ()


async def test_a_rule_that_cannot_be_read_stops_nobody() -> None:
    merchant = await a_merchant()
    held = await a_saved_rule(merchant, "on")
    await db.execute_alone(
        'UPDATE risk_rules SET conditions = \'[{"kind": "moon"}]\' WHERE public_id = $1', held
    )
    declining = await a_saved_rule(merchant, "on", "decline")
    assert [finding.rule for finding in (await remember(merchant)).findings] == [declining]


@pytest.mark.parametrize(("until", "expected"), [(NOON + timedelta(days=1), "approve"), (NOON, "hold")])
async def test_a_rule_that_rests_for_a_customer_is_written_down_without_effect_until_then(
    until: datetime, expected: Outcome
) -> None:
    merchant, aino = await a_merchant(), await a_person("Aino")
    rule = await a_saved_rule(merchant, "on")
    await db.execute_alone(
        """INSERT INTO risk_snoozes (merchant_id, id, rule, customer_id, until, by, made_at)
           VALUES ($1, $2, $3, $4, $5, 'staff:st_1', $6)""",
        merchant.id,
        uuid4(),
        rule,
        aino.id,
        until,
        NOON - timedelta(days=9),
    )
    assert (await remember(merchant, customer_id=aino.id, at=NOON)).outcome == expected
    assert (await remember(merchant, customer_id=(await a_person("Eero")).id, at=NOON)).outcome == "hold"


async def a_model(merchant: Merchant, mode: Mode, *, digest: bytes | None = None) -> UUID:
    """One that takes every order for a bad one."""
    content = Content(learnt=1_000, threshold=0.5, intercept=4.0, numbers=(), goods={})
    model_id = uuid4()
    await db.execute_alone(
        """INSERT INTO risk_models (merchant_id, id, version, made_at, content, digest, figures, mode, changed_at,
               changed_by)
           VALUES ($1, $2, 1, $3, $4, $5, '{}', $6, $3, 'system')""",
        merchant.id,
        model_id,
        NOON,
        msgspec.to_builtins(content),
        digest or digest_of(content),
        mode,
    )
    return model_id


@pytest.mark.parametrize(("mode", "expected"), [("on", "hold"), ("shadow", "approve")])
async def test_a_model_asks_for_a_person_once_it_is_on_and_is_named_in_the_decision(
    mode: Mode, expected: Outcome
) -> None:
    merchant = await a_merchant()
    model_id = await a_model(merchant, mode)
    purchase = await a_purchase_at(merchant)
    verdict = await assess(purchase)
    assert verdict.outcome == expected
    assert verdict.model_score == pytest.approx(0.982, abs=0.001)
    decision = await decision_of_session(merchant.id, purchase.session_id)
    assert decision is not None
    assert (decision.model_id, decision.model_score) == (model_id, verdict.model_score)


async def test_a_model_that_is_off_is_not_asked() -> None:
    merchant = await a_merchant()
    await a_model(merchant, "off")
    verdict = await remember(merchant)
    assert (verdict.outcome, verdict.model_score, verdict.findings) == ("approve", None, ())


async def test_the_rules_go_on_where_a_model_is_broken() -> None:
    merchant = await a_merchant()
    await a_model(merchant, "on", digest=bytes(32))
    rule = await a_saved_rule(merchant, "on")
    verdict = await remember(merchant)
    assert (verdict.outcome, verdict.model_score) == ("hold", None)
    assert [finding.rule for finding in verdict.findings] == [rule]


async def test_a_decision_is_never_changed_nor_deleted() -> None:
    await remember(await a_merchant())
    for change in ("UPDATE risk_decisions SET outcome = 'decline'", "UPDATE risk_decisions SET phone = NULL"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.execute_alone(change)
    with pytest.raises(asyncpg.RestrictViolationError):
        await db.execute_alone("DELETE FROM risk_decisions")


async def test_what_it_knew_of_people_goes_after_400_days_and_the_reasons_stay() -> None:
    merchant = await a_merchant()
    purchase = await a_purchase_at(merchant, email="aino@yopmail.com")
    await assess(purchase)
    assert await forget_risk_facts(Now(NOON + timedelta(days=400), NOON)) == 0
    later = NOON + timedelta(days=400, seconds=1)
    assert [await forget_risk_facts(Now(later, NOON)) for _ in range(2)] == [1, 0]
    decision = await decision_of_session(merchant.id, purchase.session_id)
    assert decision is not None
    assert (decision.facts, [finding.rule for finding in decision.findings]) == (None, ["throwaway_email"])
    row = await db.fetch_one("SELECT phone, email, address, device, network, basket FROM risk_decisions")
    assert row is not None
    assert set(row.values()) == {None}


async def test_nothing_readable_of_a_person_is_stored() -> None:
    await remember(await a_merchant())
    row = str(await db.fetch_one("SELECT d::text FROM risk_decisions d"))
    for personal in ("480000101", "aino", "Satamakatu", "Virta", "203.0.113"):
        assert personal not in row


async def test_similar_orders_tell_what_they_share_and_the_same_goods_alone_come_last() -> None:
    merchant = await a_merchant()
    nobody = {"phone": None, "email": None, "street": None, "device": b"", "network": ""}
    goods = await a_purchase_at(merchant, **nobody, at=NOON - timedelta(minutes=1))
    phone = await a_purchase_at(
        merchant, **{**nobody, "phone": "+358480000101"}, items=(CANDLE,), at=NOON - timedelta(days=90)
    )
    all_of_it = await a_purchase_at(merchant, at=NOON - timedelta(days=1))
    elsewhere = await a_purchase_at(await a_merchant("Next door"))
    this = await a_purchase_at(merchant)
    for purchase in (goods, phone, all_of_it, all_of_it, elsewhere, this, this):
        await assess(purchase)
    decision = await decision_of_session(merchant.id, this.session_id)
    assert decision is not None
    found = await similar(merchant.id, decision)
    assert [(each.order_id, set(each.shared)) for each in found] == [
        (all_of_it.order_id, {"phone", "address", "device", "basket"}),
        (phone.order_id, {"phone"}),
        (goods.order_id, {"basket"}),
    ]
