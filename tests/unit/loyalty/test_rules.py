"""What an order earns, what a refund takes back, and what points are worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loyalty.checks import checked
from app.loyalty.errors import BelowMinimum, NotAStep, ProgrammeRefused
from app.loyalty.rules import (
    CategoryRate,
    Period,
    Programme,
    Rate,
    Sale,
    SaleLine,
    Tier,
    Turning,
    a_year_before,
    earn,
    expires_at,
    months_later,
    taken_back,
    turned_minor,
    usable_from,
)
from tests.factories.loyalty import PLAIN

DAY = date(2026, 11, 22)
GOLD = Tier("Gold", 1_000, 1_50)


def item(price_minor: int, category: str | None = None, name: str = "Blanket") -> SaleLine:
    return SaleLine("item", name, category, price_minor)


def discount(off_minor: int, category: str | None = None) -> SaleLine:
    return SaleLine("discount", "Less", category, -off_minor)


def sale(*lines: SaleLine, wallet_minor: int = 0, day: date = DAY) -> Sale:
    return Sale(lines, day, wallet_minor)


def points(programme: Programme, *lines: SaleLine, tier: Tier | None = None, **more: int) -> int:
    return earn(programme, sale(*lines, **more), tier).points  # type: ignore[arg-type]  # figures alone


def test_an_order_earns_a_point_for_each_whole_euro() -> None:
    assert points(PLAIN, item(49_90)) == 49
    assert points(replace(PLAIN, rounding="half_up"), item(49_90)) == 50
    assert points(replace(PLAIN, rate=Rate.per_unit(1_50)), item(10_00)) == 15


def test_it_is_rounded_once_and_not_line_by_line() -> None:
    assert points(PLAIN, item(60), item(60), item(80)) == 2


def test_fees_never_earn_and_shipping_where_the_programme_says_so() -> None:
    lines = (item(10_00), SaleLine("shipping", "Post", None, 5_00), SaleLine("fee", "Wrapping", None, 7_00))
    assert points(PLAIN, *lines) == 10
    assert points(replace(PLAIN, shipping_earns=True), *lines) == 15


def test_a_category_has_a_rate_of_its_own_or_none() -> None:
    programme = replace(
        PLAIN, categories=(CategoryRate("Home", Rate.per_unit(3_00)), CategoryRate("Gift cards", None))
    )
    earned = earn(programme, sale(item(10_00, " home "), item(20_00, "gift CARDS"), item(5_00, "Camp")), None)
    assert earned.points == 35
    assert [(line.why, line.points) for line in earned.lines] == [
        ("category", 30),
        ("category_none", 0),
        ("basic", 5),
    ]


def test_a_discount_lowers_the_items_of_its_category_or_else_all_in_proportion() -> None:
    programme = replace(PLAIN, categories=(CategoryRate("Home", Rate.per_unit(2_00)),))
    lines = (item(30_00, "Home"), item(10_00, "Camp"))
    assert points(programme, *lines) == 70
    assert points(programme, *lines, discount(10_00, "home")) == 50
    assert points(programme, *lines, discount(4_00)) == 63
    assert points(programme, *lines, discount(4_00, "Kitchen")) == 63


def test_a_discount_beyond_the_items_leaves_nothing_to_earn_on() -> None:
    lines = (item(10_00), discount(15_00), SaleLine("shipping", "Post", None, 20_00))
    assert points(replace(PLAIN, shipping_earns=True), *lines) == 20
    assert points(PLAIN, *lines) == 0


def test_of_the_periods_on_a_day_the_largest_multiplier_holds_from_the_first_day_to_the_last() -> None:
    weekend = Period("Double weekend", date(2026, 11, 21), date(2026, 11, 22), 2_00)
    month = Period("November", date(2026, 11, 1), date(2026, 11, 30), 1_10)
    programme = replace(PLAIN, periods=(month, weekend))
    on = {day: earn(programme, sale(item(100_00), day=date(2026, 11, day)), None) for day in (20, 21, 22, 23)}
    assert {day: earned.points for day, earned in on.items()} == {20: 110, 21: 200, 22: 200, 23: 110}
    assert on[21].period == weekend


def test_tier_and_period_multiply_before_the_one_rounding() -> None:
    programme = replace(PLAIN, periods=(Period("P", DAY, DAY, 1_25),))
    earned = earn(programme, sale(item(99_90)), GOLD)
    assert earned.points == 187  # 99.90 x 1.25 x 1.5 = 187.3125
    assert earned.basic_points == 99


def test_what_was_paid_from_the_wallet_earns_where_the_programme_says_so() -> None:
    assert points(PLAIN, item(80_00), item(20_00), wallet_minor=25_00) == 75
    assert points(replace(PLAIN, wallet_part_earns=True), item(100_00), wallet_minor=25_00) == 100
    assert points(PLAIN, item(100_00), wallet_minor=100_00) == 0


def test_the_example_of_the_documents() -> None:
    programme = replace(PLAIN, periods=(Period("Double weekend", DAY, DAY, 2_00),))
    shipping = SaleLine("shipping", "Post", None, 5_90)
    earned = earn(programme, sale(item(129_00), shipping, wallet_minor=20_00), GOLD)
    assert (earned.points, earned.basic_points, earned.not_earning_minor) == (329, 129, 20_00)


def test_tiers_begin_at_their_threshold() -> None:
    silver = Tier("Silver", 500, 1_20)
    programme = replace(PLAIN, tiers=(GOLD, silver))
    assert [programme.tier_at(earned) for earned in (0, 499, 500, 999, 1_000)] == [
        None,
        None,
        silver,
        silver,
        GOLD,
    ]
    assert [programme.tier_after(earned) for earned in (0, 500, 1_000)] == [silver, GOLD, None]


def test_turning_knows_minimum_and_step() -> None:
    turning = Turning(points_per_unit=50, minimum_points=200, step_points=100)
    assert turned_minor(turning, 300) == 6_00
    with pytest.raises(BelowMinimum):
        turned_minor(turning, 100)
    with pytest.raises(NotAStep):
        turned_minor(turning, 250)
    assert [turning.turnable(usable) for usable in (-50, 0, 199, 200, 399)] == [0, 0, 0, 200, 300]


def test_points_become_usable_on_the_morning_after_the_window_where_the_shop_is() -> None:
    late = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)  # 00:30 on the 23rd in Helsinki
    assert usable_from(PLAIN, late, "Europe/Helsinki") == datetime(2026, 12, 7, 22, tzinfo=UTC)
    assert usable_from(PLAIN, late, "Europe/Stockholm") == datetime(2026, 12, 6, 23, tzinfo=UTC)
    assert usable_from(replace(PLAIN, pending_days=0), late, "Europe/Helsinki") is None


def test_points_lapse_so_many_months_after_they_became_usable() -> None:
    paid = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert expires_at(PLAIN, paid, "Europe/Helsinki") == datetime(2028, 12, 7, 22, tzinfo=UTC)
    assert expires_at(replace(PLAIN, expiry_months=None), paid, "Europe/Helsinki") is None


def test_a_month_later_is_the_last_day_where_the_month_is_shorter() -> None:
    assert months_later(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert months_later(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert months_later(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert a_year_before(datetime(2028, 2, 29, 12, tzinfo=UTC)) == datetime(2027, 2, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("programme", "errors"),
    [
        (replace(PLAIN, rate=Rate.per_unit(100_01)), {"rate": "out_of_range"}),
        (
            replace(PLAIN, pending_days=121, expiry_months=0),
            {"pending": "out_of_range", "expiry": "out_of_range"},
        ),
        (replace(PLAIN, categories=(CategoryRate(" ", None),)), {"category-0": "empty"}),
        (
            replace(PLAIN, categories=(CategoryRate("Home", None), CategoryRate("home ", None))),
            {"category-1": "twice"},
        ),
        (
            replace(PLAIN, periods=(Period("P", DAY, date(2026, 11, 21), 2_00),)),
            {"period-0-last": "ends_before"},
        ),
        (replace(PLAIN, tiers=(GOLD, Tier("Better", 1_000, 2_00))), {"tier-1-from": "twice"}),
        (replace(PLAIN, tiers=(Tier("Gold", 1, 10_01),)), {"tier-0-times": "out_of_range"}),
        (replace(PLAIN, turning=Turning(0, 100, 100)), {"per-unit": "out_of_range"}),
        (replace(PLAIN, turning=Turning(300, 100, 100)), {"step": "not_whole"}),
        (replace(PLAIN, turning=Turning(100, 150, 100)), {"minimum": "not_a_step"}),
    ],
)
def test_a_programme_that_cannot_be_is_refused_with_the_part_that_is_wrong(
    programme: Programme, errors: dict[str, str]
) -> None:
    with pytest.raises(ProgrammeRefused) as refused:
        checked(programme)
    assert refused.value.errors == errors


# --- properties -----------------------------------------------------------------------------------------------

CATEGORIES = st.sampled_from([None, "home", "camp", "gift"])
ITEMS = st.builds(SaleLine, st.just("item"), st.just("Thing"), CATEGORIES, st.integers(0, 10**6))
OTHERS = st.builds(
    SaleLine, st.sampled_from(["shipping", "fee"]), st.just("Thing"), st.none(), st.integers(0, 10**4)
)
DISCOUNTS = st.builds(discount, st.integers(0, 10**5), CATEGORIES)
LINES = st.lists(st.one_of(ITEMS, OTHERS, DISCOUNTS), min_size=1, max_size=8)
RATES = st.builds(Rate.per_unit, st.integers(0, 100_00))
PROGRAMMES = st.builds(
    replace,
    st.just(PLAIN),
    rate=RATES,
    categories=st.just((CategoryRate("home", Rate.per_unit(2_50)), CategoryRate("gift", None))),
    periods=st.sampled_from([(), (Period("P", DAY, DAY, 3_33),)]),
    rounding=st.sampled_from(["down", "half_up"]),
    shipping_earns=st.booleans(),
    wallet_part_earns=st.booleans(),
)
TIERS = st.sampled_from([None, GOLD, Tier("None", 0, 0)])


@given(PROGRAMMES, LINES, TIERS, st.integers(0, 10**6))
def test_what_is_earned_is_never_negative_and_the_sum_of_its_lines(
    programme: Programme, lines: list[SaleLine], tier: Tier | None, wallet_minor: int
) -> None:
    earned = earn(programme, sale(*lines, wallet_minor=wallet_minor), tier)
    assert earned.points >= 0
    assert sum(line.points for line in earned.lines) == earned.points
    assert all(line.points >= 0 and 0 <= line.base_minor <= max(line.total_minor, 0) for line in earned.lines)


@given(PROGRAMMES, LINES, TIERS)
def test_lines_without_discounts_earn_the_same_in_any_order_and_however_they_are_split(
    programme: Programme, lines: list[SaleLine], tier: Tier | None
) -> None:
    plain = [line for line in lines if line.kind != "discount"]
    halves = [
        replace(line, total_minor=part)
        for line in plain
        for part in (line.total_minor // 2, line.total_minor - line.total_minor // 2)
    ]
    whole = earn(programme, sale(*plain), tier).points
    assert earn(programme, sale(*reversed(plain)), tier).points == whole
    assert earn(programme, sale(*halves), tier).points == whole


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=12))
def test_refunds_in_any_parts_take_back_exactly_what_was_earned(earned: int, parts: list[int]) -> None:
    total, refunded, taken = sum(parts), 0, 0
    for part in parts:
        refunded += part
        now = taken_back(earned, total, refunded)
        assert taken <= now <= earned
        taken = now
    assert taken == earned


@given(st.integers(1, 1000), st.integers(1, 1000), st.integers(1, 50), st.integers(0, 50))
def test_turning_in_parts_is_worth_as_much_as_at_once(per_unit: int, step: int, one: int, other: int) -> None:
    turning = Turning(per_unit, step, step)
    try:
        checked(replace(PLAIN, turning=turning))
    except ProgrammeRefused:
        return
    parts = turning.worth_minor(one * step) + turning.worth_minor(other * step)
    assert turning.worth_minor((one + other) * step) == parts
    assert parts * per_unit == (one + other) * step * 100
