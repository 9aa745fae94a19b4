"""What a shop's own rule may ask of an order, and when it holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.risk.conditions import (
    WINDOWS,
    Address,
    Area,
    Condition,
    FirstOrder,
    Goods,
    Identical,
    MerchantRule,
    Value,
    Velocity,
    finding_of,
    matches,
    read,
    written,
)
from app.risk.errors import RuleRefused
from app.risk.facts import Facts
from app.risk.rule_checks import WantedRule, checked

ORDER = Facts(
    total_minor=50_000,
    currency="EUR",
    method="invoice",
    buyer="consumer",
    skus=("GC-1",),
    categories=("Gift cards",),
    words=("big", "gift", "card"),
    postcode="00140",
    address="ab" * 32,
    first_order=True,
    same_1h=1,
    same_24h=2,
    same_7d=4,
    phone_1h=0,
    phone_24h=3,
    phone_30d=9,
    network_1h=7,
)
EVERY_KIND: tuple[Condition, ...] = (
    Goods("skus", ("GC-1",)),
    Value(50_000),
    Identical(3, "24h"),
    Area(("001", "20")),
    Address(("ab" * 32,), "00140"),
    FirstOrder(40_000),
    Velocity("phone", 4, "24h"),
)
RULE = MerchantRule(UUID(int=7), "rule_a", "Gift cards at night", 3, (Value(50_000),), "hold", "on")


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        (Goods("skus", ("gc-1",)), {"skus": ("GC-10",)}),
        (Goods("categories", ("Shoes", "gift cards")), {"categories": ("Gifts",)}),
        (Goods("words", ("gift card",)), {"words": ("gift", "wrap")}),
        (Value(50_000), {"total_minor": 49_999}),
        (Identical(2, "1h"), {"same_1h": 0}),
        (Identical(3, "24h"), {"same_24h": 1}),
        (Identical(5, "7d"), {"same_7d": 3}),
        (Area(("33", "001")), {"postcode": "10014"}),
        (Area(("00140",)), {"postcode": None}),
        (Address(("cd" * 32, "ab" * 32), "00140"), {"address": "ef" * 32}),
        (Address(("ab" * 32,), "00140"), {"address": None}),
        (FirstOrder(50_000), {"first_order": False}),
        (FirstOrder(50_000), {"total_minor": 49_999}),
        (Velocity("phone", 4, "24h"), {"phone_24h": 2}),
        (Velocity("network", 8, "1h"), {"network_1h": 6}),
    ],
)
def test_a_condition_holds_at_its_bound_and_not_below(condition: Condition, other: dict[str, Any]) -> None:
    assert matches((condition,), ORDER)
    assert not matches((condition,), msgspec.structs.replace(ORDER, **other))


def test_a_rule_holds_where_every_condition_does_and_without_any_for_nothing() -> None:
    assert matches(EVERY_KIND, ORDER)
    for index in range(len(EVERY_KIND)):
        broken = (*EVERY_KIND[:index], Value(50_001), *EVERY_KIND[index + 1 :])
        assert not matches(broken, ORDER)
    assert not matches((), ORDER)


def test_an_address_is_known_under_a_newer_key_too() -> None:
    typed_before = Address(("cd" * 32,), "00140")
    assert not matches((typed_before,), ORDER)
    assert matches((typed_before,), ORDER, addresses=("ab" * 32, "cd" * 32))


@pytest.mark.parametrize("subject", sorted(WINDOWS))
def test_every_window_that_a_subject_is_counted_in_is_a_fact(subject: Any) -> None:
    for window in WINDOWS[subject]:
        assert hasattr(ORDER, f"{subject}_{window}")
        assert matches((Velocity(subject, 1, window),), ORDER)


def test_conditions_come_back_from_the_table_as_they_were_written() -> None:
    assert read(written(EVERY_KIND)) == EVERY_KIND
    assert read(msgspec.json.encode(written(EVERY_KIND))) == EVERY_KIND


def test_a_finding_names_rule_and_version_and_in_shadow_has_no_effect() -> None:
    found = finding_of(RULE, ORDER)
    assert found is not None
    assert (found.rule, found.version, found.outcome, found.weight) == ("rule_a", 3, "hold", 0)
    assert not found.is_shadow
    shadow = finding_of(replace(RULE, mode="shadow"), ORDER)
    assert shadow is not None
    assert shadow.is_shadow
    assert finding_of(replace(RULE, mode="off"), ORDER) is None
    assert finding_of(replace(RULE, conditions=(Value(50_001),)), ORDER) is None


@settings(max_examples=25, deadline=None)
@given(st.permutations(EVERY_KIND), st.integers(min_value=1, max_value=7))
def test_the_order_of_conditions_never_matters(conditions: list[Condition], count: int) -> None:
    assert matches(conditions[:count], ORDER)


@pytest.mark.parametrize(
    ("wanted", "errors"),
    [
        (WantedRule("", (Value(1),), "hold"), {"name": "empty"}),
        (WantedRule("a" * 81, (Value(1),), "hold"), {"name": "too_long"}),
        (WantedRule("a", (), "hold"), {"conditions": "empty"}),
        (WantedRule("a", (Value(1),) * 6, "hold"), {"conditions": "too_many"}),
        (WantedRule("a", (Value(0), Area(("1a",))), "hold"), {"value": "out_of_range", "area": "malformed"}),
        (WantedRule("a", (Identical(1, "1h"),), "hold"), {"identical": "out_of_range"}),
        (WantedRule("a", (Velocity("email", 3, "1h"),), "hold"), {"seen": "out_of_range"}),
        (WantedRule("a", (Goods("skus", ("x",) * 51),), "hold"), {"skus": "too_many"}),
        (WantedRule("a", (Goods("words", ("x" * 61,)),), "hold"), {"words": "too_long"}),
    ],
)
def test_every_part_that_is_wrong_is_named(wanted: WantedRule, errors: dict[str, str]) -> None:
    with pytest.raises(RuleRefused) as refused:
        checked(wanted)
    assert refused.value.errors == errors
