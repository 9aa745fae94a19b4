"""What `shopper/_shipping.html` and `shopper/_insurance.html` are given, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from app.kernel.money import Money


@dataclass(frozen=True, slots=True)
class FeeView:
    """What a way to pay adds to the price, VAT included, or takes off below zero. ``vat_percent`` is percent."""

    name: str
    amount: Money
    vat_percent: Decimal


@dataclass(frozen=True, slots=True)
class AddedLine:
    """What the shopper chose beside the goods, as the line of the order that it is, VAT included. ``vat_percent`` is
    percent; an insurance has none."""

    name: str
    amount: Money
    vat_percent: Decimal
    is_insurance: bool


@dataclass(frozen=True, slots=True)
class ShippingChoice:
    """One way with its price; ``vat_percent`` is what of it is in there, percent."""

    key: str
    title: str
    price: Money
    selected: bool
    vat_percent: Decimal


@dataclass(frozen=True, slots=True)
class ShippingView:
    """The ways to deliver that reach ``postcode``; ``asks_postcode`` says that some go to certain areas alone, and
    ``nowhere`` that none reaches a postcode that is known."""

    options: Sequence[ShippingChoice]
    asks_postcode: bool
    postcode: str
    nowhere: bool


@dataclass(frozen=True, slots=True)
class InsuranceQuestion:
    """One offer with its price for these goods. ``answer`` is taken, declined or none, never one that nobody gave."""

    key: str
    name: str
    insurer: str
    covered: str
    covered_lang: str
    price: Money
    answer: str
    cancel_days: int
    terms_url: str | None
    terms_text: str | None
