"""A shop's own rules as they are kept: versions, modes, two people at once, and customers whom one leaves out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.checkout.states import SessionState
from app.kernel import db, ids
from app.merchants.queries import Merchant
from app.risk import rule_actions
from app.risk.conditions import Address, FirstOrder, Goods, Mode, Value
from app.risk.errors import CustomerUnknown, RuleChanged, RuleRefused, RuleUnknown, SnoozeRefused
from app.risk.queries import decision_of_session
from app.risk.rule_actions import (
    SNOOZES_KEPT,
    change_rule,
    end_snooze,
    forget_snoozes,
    make_rule,
    snooze_rule,
    switch_rule,
)
from app.risk.rule_checks import WantedRule
from app.risk.rule_queries import rule_of, rules_of, running_snoozes, snoozed_customers, versions_of_rule
from tests.factories.checkout import a_merchant
from tests.factories.held_purchases import a_shopper_who_may_confirm, press
from tests.factories.risk import remember
from tests.factories.risk_rules import a_person

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
OWNER = "staff:st_1"
GIFT_CARDS = WantedRule("Gift cards", (Goods("words", ("gift card",)), Value(20_000)), "hold")
DEAR = WantedRule("Dear orders", (Value(10_000),), "hold")

pytestmark = pytest.mark.usefixtures("db")


async def made(merchant: Merchant, wanted: WantedRule = GIFT_CARDS, key: UUID | None = None) -> str:
    return await make_rule(merchant, wanted, form_key=key or ids.internal_id(), actor=OWNER, now=NOW)


async def audited(merchant: Merchant) -> list[str]:
    rows = await db.fetch_all(
        "SELECT action FROM audit_log WHERE merchant_id = $1 AND action LIKE 'risk_rule%' ORDER BY id",
        merchant.id,
    )
    return [row["action"] for row in rows]


async def test_a_new_rule_is_in_shadow_and_read_as_it_was_made() -> None:
    merchant = await a_merchant()
    public_id = await made(merchant)
    found = await rule_of(merchant.id, public_id)
    assert found is not None
    assert (found.rule.mode, found.rule.version, found.rule.name) == ("shadow", 1, "Gift cards")
    assert (found.rule.conditions, found.rule.outcome) == (GIFT_CARDS.conditions, "hold")
    assert await audited(merchant) == ["risk_rule.made"]


async def test_a_form_that_is_sent_twice_makes_one_rule() -> None:
    merchant, key = await a_merchant(), ids.internal_id()
    first, second = await asyncio.gather(made(merchant, key=key), made(merchant, key=key))
    assert first == second
    assert len(await rules_of(merchant.id)) == 1


async def test_every_change_and_every_switch_is_a_version() -> None:
    merchant = await a_merchant()
    public_id = await made(merchant)
    dearer = replace(
        GIFT_CARDS, conditions=(FirstOrder(90_000), Address(("ab" * 32,), "00100")), outcome="decline"
    )
    assert await change_rule(merchant, public_id, dearer, seen_version=1, actor=OWNER, now=NOW) == 2
    assert await change_rule(merchant, public_id, dearer, seen_version=2, actor=OWNER, now=NOW) == 2
    assert await switch_rule(merchant, public_id, "on", seen_version=2, actor=OWNER, now=NOW) == 3
    found = await rule_of(merchant.id, public_id)
    assert found is not None
    assert (found.rule.conditions, found.rule.mode, found.rule.version) == (dearer.conditions, "on", 3)
    versions = await versions_of_rule(merchant.id, found.rule.id)
    assert [(each.version, each.mode, each.conditions) for each in versions] == [
        (3, "on", dearer.conditions),
        (2, "shadow", dearer.conditions),
        (1, "shadow", GIFT_CARDS.conditions),
    ]
    assert await audited(merchant) == ["risk_rule.made", "risk_rule.changed", "risk_rule.switched"]


async def test_of_two_people_who_change_a_rule_at_once_one_is_told() -> None:
    merchant = await a_merchant()
    public_id = await made(merchant)
    answers = await asyncio.gather(
        switch_rule(merchant, public_id, "on", seen_version=1, actor=OWNER, now=NOW),
        switch_rule(merchant, public_id, "off", seen_version=1, actor="staff:st_2", now=NOW),
        return_exceptions=True,
    )
    [told] = [each for each in answers if isinstance(each, RuleChanged)]
    assert told.version == 2
    assert 2 in answers


async def test_what_a_rule_said_before_is_never_changed() -> None:
    merchant = await a_merchant()
    await made(merchant)
    with pytest.raises(asyncpg.PostgresError):
        await db.execute_alone("UPDATE risk_rule_versions SET name = 'x' WHERE merchant_id = $1", merchant.id)


async def test_another_shop_knows_nothing_of_a_rule() -> None:
    merchant, other = await a_merchant(), await a_merchant()
    public_id = await made(merchant)
    assert await rule_of(other.id, public_id) is None
    for refused in (
        change_rule(other, public_id, GIFT_CARDS, seen_version=1, actor=OWNER, now=NOW),
        switch_rule(other, public_id, "off", seen_version=1, actor=OWNER, now=NOW),
    ):
        with pytest.raises(RuleUnknown):
            await refused


async def test_more_rules_than_anybody_reads_are_refused_until_one_is_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_actions, "RULES_MAX", 2)
    merchant = await a_merchant()
    first, _ = [await made(merchant) for _ in range(2)]
    with pytest.raises(RuleRefused) as refused:
        await made(merchant)
    assert refused.value.errors == {"name": "too_many"}
    await switch_rule(merchant, first, "off", seen_version=1, actor=OWNER, now=NOW)
    await made(merchant)
    with pytest.raises(RuleRefused):
        await switch_rule(merchant, first, "on", seen_version=2, actor=OWNER, now=NOW)


async def test_a_removed_rule_is_asked_of_nothing_and_still_read_and_comes_back_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule_actions, "RULES_MAX", 1)
    merchant = await a_merchant()
    rule = await made(merchant, DEAR)

    async def switched(mode: Mode, seen_version: int) -> int:
        return await switch_rule(merchant, rule, mode, seen_version=seen_version, actor=OWNER, now=NOW)

    await switched("on", 1)
    assert (await outcome_of(merchant))[0] == "hold"
    assert await switched("removed", 2) == 3
    assert rule not in dict((await outcome_of(merchant))[1])
    assert [(each.rule.name, each.rule.mode) for each in await rules_of(merchant.id)] == [
        ("Dear orders", "removed")
    ]
    for refused in (
        switched("on", 3),
        change_rule(merchant, rule, GIFT_CARDS, seen_version=3, actor=OWNER, now=NOW),
    ):
        with pytest.raises(RuleRefused):
            await refused
    second = await made(merchant)
    assert await switched("off", 3) == 4
    with pytest.raises(RuleRefused):
        await switched("on", 4)
    await switch_rule(merchant, second, "removed", seen_version=1, actor=OWNER, now=NOW)
    assert await switched("on", 4) == 5
    found_rule = await rule_of(merchant.id, rule)
    assert found_rule is not None
    versions = await versions_of_rule(merchant.id, found_rule.rule.id)
    assert [each.mode for each in versions] == ["on", "off", "removed", "on", "shadow"]


async def test_a_rule_is_left_out_for_one_customer_until_its_day_or_until_somebody_ends_it() -> None:
    merchant = await a_merchant()
    person = await a_person("Aino Virta")
    await remember(merchant, customer_id=person.id)
    rule = await made(merchant)
    until = NOW + timedelta(days=30)
    await snooze_rule(merchant, rule, person.public_id, until=until, actor=OWNER, now=NOW)
    await snooze_rule(
        merchant,
        rule,
        person.public_id,
        until=until + timedelta(days=1),
        actor=OWNER,
        now=NOW + timedelta(hours=1),
    )
    [snooze] = await running_snoozes(merchant.id, NOW + timedelta(hours=2))
    assert (snooze.rule, snooze.rule_name, snooze.customer_name) == (rule, "Gift cards", "Aino Virta")
    assert snooze.until == until + timedelta(days=1)
    assert await snoozed_customers(merchant.id, rule, NOW + timedelta(days=30)) == {person.id}
    assert await snoozed_customers(merchant.id, rule, NOW + timedelta(days=32)) == frozenset()
    assert await end_snooze(merchant, snooze.id, actor=OWNER, now=NOW + timedelta(days=2))
    assert not await end_snooze(merchant, snooze.id, actor=OWNER, now=NOW + timedelta(days=2))
    assert await running_snoozes(merchant.id, NOW + timedelta(days=2)) == ()
    assert await audited(merchant) == [
        "risk_rule.made",
        "risk_rule.snoozed",
        "risk_rule.snoozed",
        "risk_rule.snooze_ended",
    ]


async def test_a_rule_of_the_house_can_be_left_out_too() -> None:
    merchant, person = await a_merchant(), await a_person("Aino Virta")
    await remember(merchant, customer_id=person.id)
    await snooze_rule(
        merchant, "velocity_phone", person.public_id, until=NOW + timedelta(days=7), actor=OWNER, now=NOW
    )
    [snooze] = await running_snoozes(merchant.id, NOW)
    assert (snooze.rule, snooze.rule_name) == ("velocity_phone", None)


async def test_nobody_elses_customer_rule_or_snooze_is_touched() -> None:
    merchant, other = await a_merchant(), await a_merchant()
    person = await a_person("Aino Virta")
    await remember(merchant, customer_id=person.id)
    rule, foreign = await made(merchant), await made(other)
    week = NOW + timedelta(days=7)
    with pytest.raises(CustomerUnknown):
        await snooze_rule(other, foreign, person.public_id, until=week, actor=OWNER, now=NOW)
    for unknown in (foreign, "no_such_rule"):
        with pytest.raises(RuleUnknown):
            await snooze_rule(merchant, unknown, person.public_id, until=week, actor=OWNER, now=NOW)
    for until in (NOW, NOW + timedelta(days=367)):
        with pytest.raises(SnoozeRefused):
            await snooze_rule(merchant, rule, person.public_id, until=until, actor=OWNER, now=NOW)
    await snooze_rule(merchant, rule, person.public_id, until=week, actor=OWNER, now=NOW)
    [snooze] = await running_snoozes(merchant.id, NOW)
    assert not await end_snooze(other, snooze.id, actor=OWNER, now=NOW)


async def test_whom_a_rule_left_out_is_forgotten_a_year_after_it_ended() -> None:
    merchant, person = await a_merchant(), await a_person("Aino Virta")
    await remember(merchant, customer_id=person.id)
    for rule, days in (("wrong_codes", 7), ("velocity_phone", 300)):
        until = NOW + timedelta(days=days)
        await snooze_rule(merchant, rule, person.public_id, until=until, actor=OWNER, now=NOW)
    then = NOW + timedelta(days=380)
    assert await db.in_tx(lambda: forget_snoozes(then - SNOOZES_KEPT, 100)) == 1
    assert await db.in_tx(lambda: forget_snoozes(then - SNOOZES_KEPT, 100)) == 0
    rows = await db.fetch_all("SELECT rule FROM risk_snoozes WHERE merchant_id = $1", merchant.id)
    assert [row["rule"] for row in rows] == ["velocity_phone"]


async def outcome_of(
    merchant: Merchant, customer_id: UUID | None = None
) -> tuple[str, list[tuple[str, bool]]]:
    """What is decided about an order of 129 euro, and what was found."""
    verdict = await remember(merchant, customer_id=customer_id)
    return verdict.outcome, [(each.rule, each.is_shadow) for each in verdict.findings]


async def test_a_rule_in_shadow_is_written_down_and_nothing_follows_until_it_is_on() -> None:
    merchant, other = await a_merchant(), await a_merchant()
    rule = await made(merchant, DEAR)
    assert await outcome_of(merchant) == ("approve", [(rule, True)])
    await switch_rule(merchant, rule, "on", seen_version=1, actor=OWNER, now=NOW)
    outcome, found = await outcome_of(merchant)
    assert (outcome, (rule, False) in found) == ("hold", True)
    await switch_rule(merchant, rule, "off", seen_version=2, actor=OWNER, now=NOW)
    outcome, found = await outcome_of(merchant)
    assert rule not in dict(found)
    assert (await outcome_of(other))[1] == []


async def test_an_order_that_a_rule_fits_waits_for_a_person_once_the_rule_is_on() -> None:
    merchant = await a_merchant()
    await switch_rule(merchant, await made(merchant, DEAR), "on", seen_version=1, actor=OWNER, now=NOW)
    held = await press(await a_shopper_who_may_confirm(merchant, email="aino@example.test"))
    assert held.state is SessionState.HELD
    decision = await decision_of_session(merchant.id, held.session_id)
    assert decision is not None
    assert [each.values["name"] for each in decision.findings if each.outcome == "hold"] == ["Dear orders"]


async def test_while_it_is_in_shadow_the_order_goes_on() -> None:
    merchant = await a_merchant()
    await made(merchant, DEAR)
    bought = await press(await a_shopper_who_may_confirm(merchant, email="aino@example.test"))
    assert bought.state is SessionState.CONFIRMED


async def left_out_by_two_at_once() -> int:
    """How many rows run after it."""
    merchant, person = await a_merchant(), await a_person("Aino Virta")
    await remember(merchant, customer_id=person.id)

    async def by(actor: str, days: int) -> None:
        until = NOW + timedelta(days=days)
        await snooze_rule(merchant, "wrong_codes", person.public_id, until=until, actor=actor, now=NOW)

    await asyncio.gather(by("staff:st_1", 7), by("staff:st_2", 30))
    return len(await running_snoozes(merchant.id, NOW + timedelta(seconds=1)))


async def test_two_people_who_leave_a_rule_out_at_once_leave_one_row_that_runs() -> None:
    assert await left_out_by_two_at_once() == 1


async def test_without_the_lock_both_would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: with the lock taken away, and neither committed before both have written."""
    both, note = asyncio.Barrier(2), rule_actions._note

    async def written_together(*told: Any, **named: Any) -> None:
        async with asyncio.timeout(20):
            await both.wait()
        await note(*told, **named)

    monkeypatch.setattr(rule_actions, "_LOCK_SHOP", "SELECT id FROM merchants WHERE id = $1")
    monkeypatch.setattr(rule_actions, "_note", written_together)
    assert await left_out_by_two_at_once() == 2


async def test_a_rule_that_is_left_out_for_a_customer_holds_for_everybody_else() -> None:
    merchant, aino, eino = await a_merchant(), await a_person("Aino Virta"), await a_person("Eino Virta")
    rule = await made(merchant, replace(DEAR, outcome="decline"))
    await switch_rule(merchant, rule, "on", seen_version=1, actor=OWNER, now=NOW)
    assert (await outcome_of(merchant, aino.id))[0] == "decline"
    until = NOW + timedelta(days=7)
    await snooze_rule(merchant, rule, aino.public_id, until=until, actor=OWNER, now=NOW - timedelta(hours=1))
    assert (await outcome_of(merchant, aino.id))[0] == "approve"
    assert (await outcome_of(merchant, eino.id))[0] == "decline"
