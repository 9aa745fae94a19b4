"""What may be chosen beside the goods: where it goes, what it costs, and the line that it becomes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from app.extras.errors import AreaRefused, FeeRefused
from app.extras.rules import (
    BUYERS,
    Area,
    Choice,
    InsuranceOffer,
    MethodFee,
    ShippingOption,
    area_of,
    by_area,
    check_fee,
    fee_line,
    fitting,
    insurance_line,
    main_rate,
    on_offer,
    shipping_line,
)
from app.law.rules import COUNTRIES
from app.law.rules import Method as LawMethod
from app.orders.rules import Line, total_minor, vat_groups

GENERAL, FOOD = Decimal("25.5"), Decimal(14)
PARCEL = ShippingOption(
    "parcel", "Posti", "Parcel locker", 490, GENERAL, (Area("00100", "00990"), Area("02100", "02100"))
)
PICKUP = ShippingOption("pickup", "Havu & Kivi", "Pick-up in the shop", 0, GENERAL)
COVER = InsuranceOffer(
    public_id="ins_1",
    name="Accident and theft",
    insurer="Turva",
    covers={"en": "It pays for a new one.", "fi": "Saat uuden."},
    currency="EUR",
    categories=frozenset({"phones"}),
    from_minor=10_000,
    to_minor=200_000,
    rate_points=850,
    least_minor=1_500,
    most_minor=9_900,
    cancel_days=30,
)


def item(price_minor: int, quantity: int = 1, vat: Decimal = GENERAL, category: str | None = None) -> Line:
    return Line("item", "Thing", quantity, price_minor, vat, category=category)


# --- where it goes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "country", "first", "last"),
    [
        ("00100-00990", "FI", "00100", "00990"),
        ("00100 \N{EN DASH} 00990", "FI", "00100", "00990"),
        ("00100", "FI", "00100", "00100"),
        ("114 55-114 60", "SE", "11455", "11460"),
        ("2100-2199", "DK", "2100", "2199"),
        ("1000-1999", "BG", "1000", "1999"),
    ],
)
def test_a_range_is_read_in_the_form_of_its_country(text: str, country: str, first: str, last: str) -> None:
    assert area_of(text, country) == Area(first, last)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("00990-00100", "backwards"),
        ("0010-0099", "malformed"),
        ("00100-00200-00300", "malformed"),
        ("", "malformed"),
        ("Helsinki", "malformed"),
    ],
)
def test_what_is_no_range_is_refused(text: str, reason: str) -> None:
    with pytest.raises(AreaRefused) as refused:
        area_of(text, "FI")
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("postcode", "found"),
    [
        ("00100", ["parcel", "pickup"]),
        ("00990", ["parcel", "pickup"]),
        ("02100", ["parcel", "pickup"]),
        ("00991", ["pickup"]),
        ("99999", ["pickup"]),
        (None, ["pickup"]),
    ],
)
def test_only_ways_that_reach_the_postcode_are_offered(postcode: str | None, found: list[str]) -> None:
    assert [option.id for option in on_offer((PARCEL, PICKUP), postcode)] == found


def test_the_postcode_matters_only_where_some_way_has_an_area() -> None:
    assert by_area((PARCEL, PICKUP))
    assert not by_area((PICKUP,))


def test_an_option_is_stored_and_read_again_unchanged() -> None:
    assert ShippingOption.from_data(PARCEL.to_data()) == PARCEL


def test_a_way_to_deliver_becomes_a_shipping_line_that_names_who_brings_it() -> None:
    line = shipping_line(PARCEL)
    assert (line.type, line.origin, line.name, line.total_minor) == (
        "shipping",
        "shipping",
        "Posti, Parcel locker",
        490,
    )
    assert shipping_line(replace(PARCEL, name="Posti to the door")).name == "Posti to the door"


# --- what a way to pay costs, and what the law leaves of it ------------------------------------------------


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("method", ["card", "mobilepay"])
def test_no_consumer_pays_more_for_a_card_or_what_is_like_one(country: str, method: LawMethod) -> None:
    with pytest.raises(FeeRefused) as refused:
        check_fee(MethodFee("consumer", method, fixed_minor=1), country)
    assert refused.value.reason == "card_surcharge"
    assert "2015/2366" in (refused.value.source or "")
    assert "2015/751" in (refused.value.source or "")


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("method", ["invoice", "instalments"])
def test_what_credit_costs_a_consumer_belongs_into_its_plan(country: str, method: LawMethod) -> None:
    with pytest.raises(FeeRefused) as refused:
        check_fee(MethodFee("consumer", method, rate_points=100), country)
    assert (refused.value.reason, "2023/2225" in (refused.value.source or "")) == ("credit_cost", True)
    with pytest.raises(FeeRefused) as refused:
        check_fee(MethodFee("consumer", method, fixed_minor=-100), country)
    assert refused.value.reason == "credit_discount"


@pytest.mark.parametrize(
    "fee",
    [
        MethodFee("business", "card", fixed_minor=250),
        MethodFee("business", "invoice", fixed_minor=500),
        MethodFee("consumer", "card", rate_points=-100),
        MethodFee("consumer", "mobilepay", fixed_minor=-50),
        MethodFee("consumer", "wallet", rate_points=-200),
    ],
)
def test_a_company_may_be_charged_and_anybody_may_get_a_discount_for_paying(fee: MethodFee) -> None:
    assert check_fee(fee, "FI") == fee


@pytest.mark.parametrize(
    ("fee", "reason"),
    [
        (MethodFee("consumer", "wallet", fixed_minor=10), "wallet_is_free"),
        (MethodFee("business", "wallet", fixed_minor=10), "wallet_is_free"),
        (MethodFee("business", "instalments", fixed_minor=10), "not_for_buyer"),
        (MethodFee("business", "mobilepay", fixed_minor=10), "not_for_buyer"),
        (MethodFee("business", "card"), "out_of_range"),
        (MethodFee("business", "card", fixed_minor=1, rate_points=1), "out_of_range"),
        (MethodFee("business", "card", rate_points=10_001), "out_of_range"),
    ],
)
def test_what_makes_no_sense_is_refused(fee: MethodFee, reason: str) -> None:
    assert fee.buyer in BUYERS
    with pytest.raises(FeeRefused) as refused:
        check_fee(fee, "FI")
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("points", "base_minor", "amount_minor"),
    [
        (150, 10_000, 150),
        (150, 9_999, 150),
        (150, 33, 0),
        (-150, 33, 0),
        (-50, 100, -1),
        (-10_000, 500, -499),
    ],
)
def test_a_part_of_the_price_is_rounded_half_up_and_leaves_something_to_pay(
    points: int, base_minor: int, amount_minor: int
) -> None:
    assert MethodFee("consumer", "card", rate_points=points).amount_minor(base_minor) == amount_minor


def test_a_fixed_discount_never_takes_the_whole_price() -> None:
    assert MethodFee("consumer", "card", fixed_minor=-500).amount_minor(300) == -299


@pytest.mark.parametrize(
    ("lines", "rate"),
    [
        ((item(1_000), item(5_000, vat=FOOD)), FOOD),
        ((item(5_000), item(1_000, vat=FOOD)), GENERAL),
        ((item(1_000), item(1_000, vat=FOOD)), GENERAL),
        ((item(1_000, vat=FOOD), shipping_line(replace(PARCEL, price_minor=9_000))), FOOD),
    ],
)
def test_the_vat_of_a_fee_follows_the_rate_of_most_of_the_goods(
    lines: tuple[Line, ...], rate: Decimal
) -> None:
    assert main_rate(lines) == rate


def test_a_fee_is_a_line_of_its_own_with_vat_and_a_discount_one_below_zero() -> None:
    base = (item(10_000), shipping_line(PARCEL))
    fee = fee_line(MethodFee("business", "card", rate_points=100), base, "Fee for paying by card")
    assert fee == Line("fee", "Fee for paying by card", 1, 105, GENERAL, origin="method_fee")
    less = fee_line(MethodFee("consumer", "card", fixed_minor=-200), base, "Discount")
    assert less == Line("discount", "Discount", 1, -200, GENERAL, origin="method_fee")
    assert fee_line(MethodFee("consumer", "card", rate_points=-1), (item(10),), "Discount") is None
    assert total_minor((*base, less)) == 10_290


# --- insurance ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "insured"),
    [
        (item(10_000, category="phones"), True),
        (item(200_000, category="Phones"), True),
        (item(9_999, category="phones"), False),
        (item(200_001, category="phones"), False),
        (item(50_000, category="lamps"), False),
        (item(50_000), False),
        (replace(item(50_000, category="phones"), type="fee"), False),
    ],
)
def test_an_offer_is_for_goods_of_its_categories_and_value(line: Line, insured: bool) -> None:
    assert COVER.insures(line) is insured


@pytest.mark.parametrize(
    ("lines", "premium_minor"),
    [
        ((item(50_000, category="phones"),), 4_250),
        ((item(50_000, 2, category="phones"), item(7_000)), 8_500),
        ((item(10_000, category="phones"),), 1_500),
        ((item(200_000, category="phones"),), 9_900),
        ((item(33_333, category="phones"),), 2_833),
        ((item(33_300),), None),
    ],
)
def test_a_premium_is_a_part_of_what_is_insured_within_its_bounds(
    lines: tuple[Line, ...], premium_minor: int | None
) -> None:
    assert COVER.premium_minor(lines) == premium_minor


def test_a_fixed_premium_is_asked_for_each_piece() -> None:
    fixed = replace(COVER, rate_points=None, least_minor=None, most_minor=None, fixed_minor=1_290)
    assert fixed.premium_minor((item(20_000, 3, category="phones"),)) == 3_870


def test_the_first_offer_that_fits_is_the_one_question() -> None:
    anything = replace(COVER, public_id="ins_2", categories=frozenset(), fixed_minor=500, rate_points=None)
    phone = (item(50_000, category="phones"),)
    assert fitting((COVER, anything), phone, "EUR") == (COVER, 4_250)
    assert fitting((COVER, anything), (item(50_000),), "EUR") == (anything, 500)
    assert fitting((COVER,), phone, "SEK") is None


def test_what_was_chosen_before_is_never_insured_itself() -> None:
    anything = replace(COVER, categories=frozenset(), from_minor=1)
    bare = (item(50_000),)
    assert fitting((anything,), (*bare, shipping_line(PARCEL)), "EUR") == fitting((anything,), bare, "EUR")


def test_insurance_is_exempt_from_vat() -> None:
    lines = (item(50_000, category="phones"), insurance_line(COVER, 4_250))
    groups = {group.percent: (group.gross_minor, group.vat_minor) for group in vat_groups(lines)}
    assert groups[Decimal(0)] == (4_250, 0)
    assert groups[GENERAL][0] == 50_000


def test_what_it_covers_is_told_in_the_readers_language_else_in_the_shops() -> None:
    assert COVER.covered("fi", "en") == "Saat uuden."
    assert COVER.covered("sv", "fi") == "Saat uuden."
    assert COVER.covered("sv", "da") == "It pays for a new one."


@pytest.mark.parametrize(
    "choice", [Choice(), Choice("parcel", "ins_1", "declined"), Choice(None, "ins_1", "taken")]
)
def test_a_choice_is_stored_and_read_again_unchanged(choice: Choice) -> None:
    assert Choice.from_data(choice.to_data()) == choice
