"""A quote says what the wallet pays at once, and every other figure is of the rest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.kernel.money import MAX_AMOUNT_MINOR, Money
from app.plans.caps import broken_caps
from app.plans.disclosure import view_of
from app.plans.errors import CurrencyMismatch, QuoteDamagedError, WalletPartRefused
from app.plans.quote import Plan, Quote, beside_wallet, make_quote, wallet_quote

SUNDAY = date(2026, 11, 22)
INVOICE = Plan("invoice-14", "invoice", "EUR", 100, 200_000, due_days=14, paper_fee_minor=195)


def on_invoice(amount_minor: int) -> Quote:
    return make_quote(INVOICE, amount_minor, "EUR", "FI", SUNDAY, merchant="mer_shop")


def by_wallet(amount_minor: int = 12_900, currency: str = "EUR") -> Quote:
    return wallet_quote(amount_minor, currency, "FI", SUNDAY, merchant="mer_shop")


def test_a_wallet_that_pays_all_costs_nothing_and_lends_nothing() -> None:
    quote = by_wallet()
    assert (quote.method, quote.wallet_minor, quote.price_minor) == ("wallet", 12_900, 12_900)
    assert (quote.amount_minor, quote.total_payable_minor, quote.schedule) == (0, 0, ())
    assert not quote.is_credit
    assert quote.first_due == quote.last_due == SUNDAY
    assert broken_caps(quote) == ()


def test_what_is_lent_is_the_rest_and_the_price_is_both() -> None:
    quote = beside_wallet(on_invoice(10_000), 2_900)
    assert (quote.amount_minor, quote.total_payable_minor) == (10_000, 10_000)
    assert (quote.wallet_minor, quote.price_minor, quote.version) == (2_900, 12_900, 2)
    assert [row.amount_minor for row in quote.schedule] == [10_000]


def test_each_wallet_part_makes_another_quote() -> None:
    alone = on_invoice(10_000)
    ids = {alone.id, *(beside_wallet(alone, part).id for part in (1, 2, 2_900))}
    assert len(ids) == 4


def test_without_a_wallet_part_a_quote_is_stored_as_before_there_were_any() -> None:
    quote = on_invoice(12_900)
    assert "wallet_minor" not in json.loads(quote.to_json())
    assert quote.version == 1
    assert Quote.from_json(quote.to_json()) == quote


@pytest.mark.parametrize("quote", [by_wallet(), beside_wallet(on_invoice(10_000), 2_900)])
def test_a_quote_with_a_wallet_part_comes_back_whole(quote: Quote) -> None:
    assert Quote.from_json(quote.to_json()) == quote
    assert Quote.from_data(quote.to_data()).wallet_minor == quote.wallet_minor


def test_a_stored_wallet_part_cannot_be_changed_unseen() -> None:
    stored = beside_wallet(on_invoice(10_000), 2_900).to_data()
    for damage in (
        {**stored, "wallet_minor": 3_000},
        {k: v for k, v in stored.items() if k != "wallet_minor"},
    ):
        with pytest.raises(QuoteDamagedError):
            Quote.from_data(damage)


@pytest.mark.parametrize("wallet_minor", [0, -1, MAX_AMOUNT_MINOR + 1])
def test_a_part_that_no_wallet_can_pay_is_refused_by_name(wallet_minor: int) -> None:
    with pytest.raises(WalletPartRefused):
        beside_wallet(on_invoice(10_000), wallet_minor)
    with pytest.raises(WalletPartRefused):
        by_wallet(wallet_minor)


def test_a_wallet_pays_in_the_currency_of_its_country() -> None:
    with pytest.raises(CurrencyMismatch):
        by_wallet(currency="SEK")


def test_the_view_tells_the_part_and_the_whole() -> None:
    part = view_of(beside_wallet(on_invoice(10_000), 2_900))
    assert (part.wallet, part.price, part.bought) == (
        Money(2_900, "EUR"),
        Money(10_000, "EUR"),
        Money(12_900, "EUR"),
    )
    assert part.is_credit
    alone = view_of(by_wallet())
    assert (alone.is_credit, alone.rows, alone.apr) == (False, (), Decimal("0.0"))
    assert (alone.shares.price_permille, alone.shares.interest_permille, alone.shares.fees_permille) == (
        0,
        0,
        0,
    )


def test_a_plan_asks_its_fees_of_the_rest_alone() -> None:
    paper = make_quote(INVOICE, 10_000, "EUR", "FI", SUNDAY, merchant="mer_shop", delivery="paper")
    quote = beside_wallet(paper, 2_900)
    assert (quote.fees_minor, quote.total_payable_minor) == (195, 10_195)
    assert replace(quote, wallet_minor=0, version=1, id="", hash="") == paper
