"""Who is shown which ways to pay, and why the others are absent. The lists of the six kinds of buyer are one table."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from app.merchants.rules import MethodTerms
from app.payments.methods import METHODS, Absent, Facts, Reason, Shown, absent, methods_for, shown
from app.payments.ports import ProviderMethod
from app.plans.quote import Method

FI_CONSUMER: Final = Facts(
    country="FI",
    currency="EUR",
    buyer="consumer",
    amount_minor=12_900,
    wallet=True,
    no_plan={},
    providers=("card", "mobilepay"),
)


def names(facts: Facts) -> list[Method]:
    return [each.method for each in shown(methods_for(facts))]


def why(facts: Facts, method: Method) -> Reason | None:
    return next((each.reason for each in absent(methods_for(facts)) if each.method == method), None)


def test_every_way_is_told_once_in_the_order_of_the_law() -> None:
    judged = methods_for(replace(FI_CONSUMER, wallet=False, providers=()))
    assert [each.method for each in judged] == ["wallet", "card", "mobilepay", "invoice", "instalments"]
    assert set(METHODS) == {each.method for each in judged}


def test_a_company_sees_no_mobilepay_and_no_instalments() -> None:
    company = replace(FI_CONSUMER, buyer="business")
    assert names(company) == ["wallet", "card", "invoice"]
    assert why(company, "mobilepay") == "not_for_buyer"
    assert why(company, "instalments") == "not_for_buyer"


@pytest.mark.parametrize(("country", "currency"), [("SE", "SEK"), ("BG", "EUR")])
def test_mobilepay_is_for_finland_and_denmark(country: str, currency: str) -> None:
    assert why(replace(FI_CONSUMER, country=country, currency=currency), "mobilepay") == "not_in_country"


def test_a_sum_in_another_currency_than_the_countrys_can_be_paid_in_no_way() -> None:
    assert names(replace(FI_CONSUMER, currency="DKK")) == []
    assert why(replace(FI_CONSUMER, currency="DKK"), "card") == "not_in_currency"


def test_what_has_nobody_behind_it_is_absent_and_what_is_shaky_is_marked() -> None:
    by_card_alone: tuple[ProviderMethod, ...] = ("card",)
    assert why(replace(FI_CONSUMER, providers=by_card_alone), "mobilepay") == "no_provider"
    down = replace(FI_CONSUMER, health={"card": "down", "mobilepay": "shaky"})
    assert why(down, "card") == "provider_down"
    assert Shown("mobilepay", shaky=True) in methods_for(down)


def test_the_shop_switches_ways_off_and_bounds_them() -> None:
    terms = {
        "card": MethodTerms(is_on=False),
        "invoice": MethodTerms(min_minor=5_000, max_minor=10_000),
    }
    of_shop = replace(FI_CONSUMER, terms=terms)
    assert why(of_shop, "card") == "switched_off"
    assert why(of_shop, "invoice") == "above_maximum"
    assert why(replace(of_shop, amount_minor=4_999), "invoice") == "below_minimum"
    assert why(replace(of_shop, amount_minor=5_000), "invoice") is None
    assert why(replace(of_shop, amount_minor=10_000), "invoice") is None
    assert why(replace(FI_CONSUMER, wallet=False), "wallet") == "switched_off"


def test_a_way_is_not_for_goods_that_the_shop_names() -> None:
    of_shop = replace(FI_CONSUMER, terms={"invoice": MethodTerms(not_for=frozenset({"gift-card"}))})
    assert why(of_shop, "invoice") is None
    assert why(replace(of_shop, categories=frozenset({"gift-card", "books"})), "invoice") == "not_for_goods"


def test_the_least_that_a_card_takes_is_its_providers() -> None:
    assert why(replace(FI_CONSUMER, amount_minor=49), "card") == "below_minimum"
    assert why(replace(FI_CONSUMER, amount_minor=50), "card") is None
    assert (
        why(replace(FI_CONSUMER, country="DK", currency="DKK", amount_minor=249), "card") == "below_minimum"
    )


def test_a_plan_that_does_not_take_the_sum_says_why() -> None:
    judged = methods_for(replace(FI_CONSUMER, no_plan={"instalments": "above_maximum", "invoice": "no_plan"}))
    assert absent(judged) == (Absent("invoice", "no_plan"), Absent("instalments", "above_maximum"))
