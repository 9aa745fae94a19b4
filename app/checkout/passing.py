"""What would pass now: the rules of credit run over the plans on offer, on the facts of the refusal. Pure, no guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from app.credit.rules import Facts, decide
from app.plans.caps import broken_caps
from app.plans.quote import Kind, Plan, Quote, make_quote, terms


@dataclass(frozen=True, slots=True)
class Basket:
    """What is bought, and where: the sum in minor units, on the local day of the merchant's country."""

    amount_minor: int
    currency: str
    country: str
    merchant: str
    today: date


@dataclass(frozen=True, slots=True)
class Passing:
    """Plans for this very basket that would be approved, the cheapest first; and, where there is none, the largest sum
    that any plan would be approved for (0: none)."""

    quotes: tuple[Quote, ...]
    largest_minor: int


def what_passes(facts: Facts, plans: Mapping[Kind, Plan], basket: Basket) -> Passing:
    """At most the invoice and three lengths of instalments: the shortest that passes, the longest, one between."""
    quotes = []
    invoice = plans.get("invoice")
    if invoice is not None:
        quotes += _approved(facts, [_quote(invoice, basket, basket.amount_minor, 0)])
    by_terms = plans.get("instalments")
    if by_terms is not None:
        quotes += _terms_that_pass(facts, by_terms, basket)
    if quotes:
        return Passing(tuple(quotes), 0)
    return Passing((), max((_largest(facts, plan, basket) for plan in plans.values()), default=0))


def passes(facts: Facts, quote: Quote) -> bool:
    """Whether this very quote would be approved on these facts; what lends nothing needs no approval."""
    return not quote.is_credit or bool(_approved(facts, [quote]))


def _terms_that_pass(facts: Facts, plan: Plan, basket: Basket) -> list[Quote]:
    """A longer plan asks for less a month, so that whatever is longer than the shortest that passes does, too."""
    options = [option.months for option in terms(plan, basket.amount_minor)]
    if not options or not _passes(facts, plan, basket, basket.amount_minor):
        return []
    low, high = 0, len(options) - 1
    while low < high:
        middle = (low + high) // 2
        if _approved(facts, [_quote(plan, basket, basket.amount_minor, options[middle])]):
            high = middle
        else:
            low = middle + 1
    shown = _spread(options[low:])
    return _approved(facts, [_quote(plan, basket, basket.amount_minor, months) for months in shown])


def _spread(options: list[int]) -> list[int]:
    """The first, the last, and one between."""
    return sorted({options[0], options[len(options) // 2], options[-1]})


def _largest(facts: Facts, plan: Plan, basket: Basket) -> int:
    """The largest sum below the basket's that this plan would be approved for, at its longest."""
    low, high = 0, min(basket.amount_minor, plan.max_amount_minor)
    while low < high:
        middle = (low + high + 1) // 2
        if middle >= plan.min_amount_minor and _passes(facts, plan, basket, middle):
            low = middle
        else:
            high = middle - 1
    return low if low < basket.amount_minor else 0


def _passes(facts: Facts, plan: Plan, basket: Basket, amount_minor: int) -> bool:
    months = 0
    if plan.kind == "instalments":
        options = terms(plan, amount_minor)
        if not options:
            return False
        months = options[-1].months
    return bool(_approved(facts, [_quote(plan, basket, amount_minor, months)]))


def _quote(plan: Plan, basket: Basket, amount_minor: int, months: int) -> Quote:
    return make_quote(
        plan,
        amount_minor,
        basket.currency,
        basket.country,
        basket.today,
        months,
        merchant=basket.merchant,
    )


def _approved(facts: Facts, quotes: list[Quote]) -> list[Quote]:
    return [quote for quote in quotes if not broken_caps(quote) and _would_pass(facts, quote)]


def _would_pass(facts: Facts, quote: Quote) -> bool:
    asked = replace(
        facts,
        amount_minor=quote.amount_minor,
        months=quote.months,
        payable_minor=quote.total_payable_minor,
    )
    return decide(asked).outcome == "approved"
