"""What a rule would have done to the orders of the last 90 days."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from app.kernel import db, ids
from app.merchants.queries import Merchant
from app.risk import replay as replaying
from app.risk.conditions import Condition, RuleOutcome, Value
from app.risk.facts import Facts
from app.risk.replay import Past, Replay, Tried, replay, replayed, tried_instead
from app.risk.rule_actions import make_rule, snooze_rule, switch_rule
from app.risk.rule_checks import WantedRule
from app.risk.rules import Finding, Outcome
from tests.factories.checkout import a_merchant
from tests.factories.risk import NOON, remember
from tests.factories.risk_rules import a_person

DEAR: Final = (Value(50_000),)
NOW: Final = NOON + timedelta(hours=1)


def past(
    outcome: Outcome = "approve", total_minor: int = 60_000, *findings: Finding, **changed: object
) -> Past:
    facts = Facts(total_minor=total_minor, currency="EUR", method="invoice", buyer="consumer")
    made = Past(
        ids.internal_id(), ids.internal_id(), None, NOON, outcome, None, total_minor, "EUR", facts, findings
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def a_finding(rule: str, outcome: Outcome = "hold", *, is_shadow: bool = False) -> Finding:
    return Finding(rule, 1, 0, outcome, is_shadow, {})


def tried(outcome: RuleOutcome = "hold", public_id: str | None = None) -> Tried:
    return Tried(DEAR, outcome, public_id)


def test_a_rule_can_only_make_what_was_decided_stricter() -> None:
    assert replayed(tried(), past()) == "hold"
    assert replayed(tried(), past(total_minor=49_999)) == "approve"
    assert replayed(tried(), past("decline")) == "decline"
    assert replayed(tried("decline"), past("hold")) == "decline"


def test_a_changed_rule_is_tried_in_the_place_of_what_it_said() -> None:
    own, others = a_finding("rule_a"), a_finding("rule_b")
    assert replayed(tried(public_id="rule_a"), past("hold", 40_000, own)) == "approve"
    assert replayed(tried(public_id="rule_a"), past("hold", 40_000, own, others)) == "hold"
    assert replayed(tried(public_id="rule_a"), past("hold", 40_000, own, forced="hold")) == "hold"
    # What a shadow said had no effect, so nothing is thought away with it.
    shadow = a_finding("rule_a", is_shadow=True)
    assert replayed(tried(public_id="rule_a"), past("hold", 40_000, shadow)) == "hold"


def test_whoever_a_rule_is_left_out_for_is_left_out_of_its_replay() -> None:
    customer = UUID(int=5)
    snoozed = replace(tried(), snoozed=frozenset({customer}))
    assert replayed(snoozed, past(customer_id=customer)) == "approve"
    assert replayed(snoozed, past(customer_id=UUID(int=6))) == "hold"


def test_an_order_that_was_confirmed_several_times_counts_once_and_both_ways_apart() -> None:
    result, order, customer = Replay("EUR"), ids.internal_id(), ids.internal_id()
    rule = tried(public_id="rule_a")
    for each in (
        past(order_id=order, customer_id=customer),
        past(order_id=order, customer_id=customer),
        past("hold", 20_000, a_finding("rule_a"), customer_id=customer),
        past(total_minor=70_000, customer_id=ids.internal_id()),
        past(total_minor=100),
    ):
        result.add(rule, each)
    assert (result.orders, result.found, result.customers) == (4, 2, 2)
    assert (result.stricter, result.stricter_minor) == (2, 130_000)
    assert (result.milder, result.milder_minor) == (1, 20_000)
    assert [(each.was, each.would_be) for each in result.shown] == [
        ("approve", "hold"),
        ("hold", "approve"),
        ("approve", "hold"),
    ]


def test_what_a_rule_does_by_itself_is_told_apart_from_what_was_stopped_anyway() -> None:
    result, order = Replay("EUR"), ids.internal_id()
    others, own = a_finding("rule_b"), a_finding("rule_a")
    for each in (
        past(),
        past("hold", 60_000, own),
        past("hold", 60_000, own, others),
        past("decline", order_id=order),
        past("decline", order_id=order),
        past("hold", 100, others),
    ):
        result.add(tried(public_id="rule_a"), each)
    assert (result.found, result.alone, result.anyway) == (4, 2, 2)


def test_money_of_another_currency_is_not_added_up() -> None:
    result = Replay("EUR")
    result.add(tried(), past(currency="SEK"))
    assert (result.stricter, result.stricter_minor) == (1, 0)


async def test_a_rule_that_held_orders_is_tried_again_on_what_it_did(db: str) -> None:
    del db
    merchant = await a_merchant()
    wanted = WantedRule("Dear", DEAR, "hold")
    rule = await make_rule(merchant, wanted, form_key=ids.internal_id(), actor="staff:st_1", now=NOW)
    await switch_rule(merchant, rule, "on", seen_version=1, actor="staff:st_1", now=NOW)
    await bought(merchant, 60_000)
    await bought(merchant, 90_000, 2)
    dearer = await tried_instead(merchant.id, (Value(80_000),), "hold", rule, NOW)
    result = await replay(merchant.id, "EUR", dearer, NOW)
    assert (result.found, result.stricter, result.milder, result.milder_minor) == (1, 0, 1, 60_000)


async def bought(merchant: Merchant, total_minor: int, days_ago: float = 1, **changed: object) -> None:
    await remember(merchant, total_minor=total_minor, at=NOW - timedelta(days=days_ago), **changed)


@pytest.mark.usefixtures("db")
async def test_ninety_days_of_one_shop_are_read_and_no_more() -> None:
    merchant, other = await a_merchant(), await a_merchant()
    for days_ago, total_minor in ((1, 60_000), (89, 80_000), (91, 90_000), (2, 10_000)):
        await bought(merchant, total_minor, days_ago)
    await bought(other, 60_000)
    result = await replay(merchant.id, "EUR", tried(), NOW)
    assert (result.orders, result.stricter, result.stricter_minor) == (3, 2, 140_000)
    assert not result.is_cut
    assert [each.amount_minor for each in result.shown] == [60_000, 80_000]


@pytest.mark.usefixtures("db")
async def test_of_a_busy_shop_the_newest_are_read_page_by_page_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replaying, "_PAGE", 2)
    merchant = await a_merchant()
    for days_ago in range(1, 6):
        await bought(merchant, 60_000 + days_ago, days_ago)
    whole = await replay(merchant.id, "EUR", tried(), NOW)
    assert (whole.orders, whole.is_cut) == (5, False)
    monkeypatch.setattr(replaying, "DECISIONS_MAX", 4)
    cut = await replay(merchant.id, "EUR", tried(), NOW)
    assert (cut.orders, cut.is_cut, cut.since) == (4, True, NOW - timedelta(days=4))


_LABEL: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad) VALUES ($1, $2, $3, $4, $5, $6)
"""


@pytest.mark.usefixtures("db")
async def test_it_is_told_how_many_a_person_looked_at_and_approved() -> None:
    merchant = await a_merchant()
    said = (("reviewer", False), ("blind", False), ("reviewer", True), ("unpaid", True))
    for source, is_bad in said:
        verdict = await remember(merchant, total_minor=60_000, at=NOW - timedelta(days=1))
        label = (merchant.id, ids.internal_id(), verdict.decision_id, NOW, source, is_bad)
        await db.execute_alone(_LABEL, *label)
    result = await replay(merchant.id, "EUR", tried(), NOW)
    assert (result.found, result.looked_at, result.approved) == (4, 3, 2)


@pytest.mark.usefixtures("db")
async def test_a_rule_that_stands_is_tried_with_those_it_is_left_out_for() -> None:
    merchant, person = await a_merchant(), await a_person("Aino Virta")
    await bought(merchant, 60_000, customer_id=person.id)
    conditions: tuple[Condition, ...] = DEAR
    await snooze_rule(
        merchant,
        "velocity_phone",
        person.public_id,
        until=NOW + timedelta(days=7),
        actor="staff:st_1",
        now=NOW,
    )
    instead = await tried_instead(merchant.id, conditions, "hold", "velocity_phone", NOW)
    assert (await replay(merchant.id, "EUR", instead, NOW)).stricter == 0
    anew = await tried_instead(merchant.id, conditions, "hold", None, NOW)
    assert (await replay(merchant.id, "EUR", anew, NOW)).stricter == 1


@pytest.mark.usefixtures("untouched_database", "db")
async def test_the_replay_walks_along_the_index_and_sorts_nothing() -> None:
    async def explained() -> str:
        await db.execute("SET LOCAL enable_seqscan = off")
        rows = await db.fetch_all("EXPLAIN " + replaying._PAST, UUID(int=1), NOW, NOW, UUID(int=9), 250, None)
        return "\n".join(row[0] for row in rows)

    plan = await db.in_tx(explained)
    assert "risk_decisions_newest" in plan
    # Rows of one instant are put in order of their ids; whole pages never are.
    assert re.findall(r"(?<!Incremental )Sort  \(", plan) == []
