"""What follows from the facts: weights add up, the strictest outcome wins, and being new is no reason."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.risk.facts import Facts
from app.risk.rules import BUILT_IN, HOLD_AT, NEWNESS, Finding, Outcome, built_in, judge, snooze, strictest

PLAIN = Facts(
    total_minor=12_900, currency="EUR", method="invoice", buyer="consumer", phone_days=0, email_days=0
)
OUTCOMES: tuple[Outcome, ...] = ("approve", "hold", "decline")

a_finding = st.builds(
    Finding,
    rule=st.sampled_from(["velocity_phone", "rule_1"]),
    version=st.just(1),
    weight=st.integers(0, 120),
    outcome=st.sampled_from(OUTCOMES),
    is_shadow=st.booleans(),
    values=st.just({}),
)


def weights(**facts: object) -> dict[str, int]:
    return {found.rule: found.weight for found in built_in(msgspec.structs.replace(PLAIN, **facts))}


def outcome(**facts: object) -> Outcome:
    return judge(built_in(msgspec.structs.replace(PLAIN, **facts)))[0]


def a_rule(outcome: Outcome, *, weight: int = 0, is_shadow: bool = False) -> Finding:
    return Finding("rule_1", 1, weight, outcome, is_shadow, {})


def test_an_ordinary_first_order_gives_no_reason() -> None:
    assert weights() == {}


@pytest.mark.parametrize("currency", ["EUR", "SEK", "DKK"])
def test_being_new_and_spending_much_is_no_reason_to_wait(currency: str) -> None:
    facts = {"total_minor": 9_000_000, "currency": currency, "express": True, "words": ("gift", "cards")}
    assert set(weights(**facts)) == NEWNESS
    assert outcome(**facts) == "approve"


@pytest.mark.parametrize(("before", "expected"), [(0, None), (1, 15), (2, 50), (3, 100), (150, 100)])
def test_the_same_basket_again_weighs_more_each_time(before: int, expected: int | None) -> None:
    assert weights(own_same_1h=before, same_1h=before).get("identical") == expected


CASES: list[tuple[dict[str, object], str]] = [
    ({"own_same_24h": 5}, "identical"),
    ({"same_1h": 30}, "identical_network"),
    ({"bad_before": 1}, "bad_before"),
    ({"phone_1h": 3}, "velocity_phone"),
    ({"phone_24h": 9}, "velocity_phone"),
    ({"phone_30d": 60}, "velocity_phone"),
    ({"email_24h": 9}, "velocity_email"),
    ({"address_24h": 9}, "velocity_address"),
    ({"device_24h": 11}, "velocity_device"),
    ({"network_1h": 100}, "velocity_network"),
    ({"address_people_30d": 3}, "people_at_address"),
    ({"address_people_30d": 150}, "people_at_address"),
    ({"device_people_30d": 2}, "people_on_device"),
    ({"wrong_codes_24h": 4}, "wrong_codes"),
    ({"name_differs": True}, "name_differs"),
    ({"phone_abroad": True}, "phone_abroad"),
    ({"throwaway_email": True}, "throwaway_email"),
    ({"usual_minor": 1_000, "orders_before": 3, "first_order": False}, "over_norm"),
    ({"total_minor": 50_000, "phone_days": 9, "first_order": False, "address": "ab"}, "new_address"),
    ({"postcode_differs": True}, "postcode_differs"),
    ({"words": ("lahjakortti",)}, "resold_goods"),
    ({"total_minor": 50_000}, "new_phone_dear"),
    ({"total_minor": 50_000, "phone_days": 9, "express": True}, "first_dear_express"),
]


@pytest.mark.parametrize(("facts", "rule"), CASES)
def test_each_rule_is_found_by_its_own_facts_alone(facts: dict[str, object], rule: str) -> None:
    assert set(weights(**facts)) == {rule}


def test_every_rule_has_a_case_above() -> None:
    assert {rule for _, rule in CASES} == set(BUILT_IN)


@pytest.mark.parametrize(
    "facts",
    [
        {"same_1h": 2, "own_same_1h": 2},  # an order that a nervous shopper sends three times
        {  # a campaign, bought out of a mobile network whose phones share one address
            "network_1h": 199,
            "network_24h": 199,
            "device_24h": 60,
            "device_30d": 199,
            "device_people_30d": 60,
            "same_1h": 60,
            "same_24h": 150,
            "same_7d": 199,
        },
        {"address_30d": 199, "address_people_30d": 199, "address_24h": 40},  # a parcel point
        {"name_differs": True, "phone_abroad": True},  # a visitor buys a gift
        {  # somebody else pays the link that a shop made for one of its customers
            "name_differs": True,
            "postcode_differs": True,
            "total_minor": 90_000,
        },
        {"wrong_codes_24h": 5, "total_minor": 60_000},  # somebody without their glasses
    ],
)
def test_a_good_person_s_odd_day_is_approved(facts: dict[str, object]) -> None:
    assert outcome(**facts) == "approve"


@pytest.mark.parametrize(
    "facts",
    [
        {"own_same_1h": 3},
        {"bad_before": 2},
        {"name_differs": True, "device_people_30d": 4, "phone_abroad": True},
        {"throwaway_email": True, "phone_1h": 5},
        {"wrong_codes_24h": 15},
        {"total_minor": 160_000, "name_differs": True, "throwaway_email": True, "express": True},
        {"address_people_30d": 5, "name_differs": True, "total_minor": 60_000},
    ],
)
def test_what_looks_wrong_in_several_ways_waits_for_a_person(facts: dict[str, object]) -> None:
    assert outcome(**facts) == "hold"


def test_no_built_in_rule_declines() -> None:
    everything = msgspec.structs.replace(
        PLAIN,
        **{name: 199 for name in Facts.__struct_fields__ if name.endswith(("_1h", "_24h", "_30d", "_7d"))},
        name_differs=True,
        phone_abroad=True,
        throwaway_email=True,
    )
    assert judge(built_in(everything))[0] == "hold"


@given(st.lists(a_finding, max_size=4), st.sampled_from([None, *OUTCOMES]))
@settings(max_examples=25)
def test_a_forced_outcome_can_only_be_stricter(findings: list[Finding], forced: Outcome | None) -> None:
    without, weight = judge(findings)
    assert judge(findings, forced=forced) == (strictest(without, forced or "approve"), weight)


@given(st.lists(a_finding, max_size=4))
@settings(max_examples=25)
def test_the_order_of_findings_never_matters(findings: list[Finding]) -> None:
    assert len({judge(order) for order in permutations(findings)}) == 1


@given(st.lists(a_finding, max_size=4), a_finding)
@settings(max_examples=25)
def test_one_more_finding_never_makes_it_milder(findings: list[Finding], more: Finding) -> None:
    before = judge(findings)[0]
    assert strictest(before, judge([*findings, more])[0]) == judge([*findings, more])[0]


def test_the_strictest_of_what_is_asked_wins() -> None:
    assert strictest() == "approve"
    assert judge([a_rule("hold"), a_rule("decline"), a_rule("approve", weight=500)]) == ("decline", 500)
    assert judge([a_rule("approve", weight=HOLD_AT - 1)]) == ("approve", HOLD_AT - 1)
    assert judge([a_rule("approve", weight=HOLD_AT)]) == ("hold", HOLD_AT)


def test_a_shadow_is_written_down_without_effect() -> None:
    assert judge([a_rule("decline", weight=500, is_shadow=True)]) == ("approve", 0)


def test_a_rule_that_rests_for_a_customer_is_a_shadow_and_the_others_are_not() -> None:
    other = Finding("name_differs", 1, 45, "approve", is_shadow=False, values={})
    resting = snooze([a_rule("decline"), other], {"rule_1"})
    assert [finding.is_shadow for finding in resting] == [True, False]
    assert judge(resting) == ("approve", 45)
