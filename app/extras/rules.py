"""What may be chosen beside the goods, what it costs, and the line that it becomes. Pure.

Amounts are minor units of the order's currency and include VAT; `rate_points` are hundredths of a percent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from app.extras.errors import AreaRefused, FeeRefused
from app.kernel.money import half_up_ratio
from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.law.rules import law_of
from app.orders.rules import UNIT_PRICE_MAX_MINOR, Line, extras_of, lines_of_shop
from app.payments.methods import Buyer
from app.plans.quote import Method

BUYERS: Final[tuple[Buyer, ...]] = ("consumer", "business")
OPTIONS_MAX: Final = 50
AREAS_MAX: Final = 200
# Ten thousand hundredths of a percent are the whole price.
WHOLE_POINTS: Final = 10_000
# Insurance is exempt from VAT: Directive 2006/112/EC art. 135(1)(a).
INSURANCE_VAT: Final = Decimal(0)


# --- how it comes -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Area:
    """Postcodes from `first` to `last`, both included, in the one written form of their country."""

    first: str
    last: str

    def __contains__(self, postcode: str) -> bool:
        # All postcodes of a country are as long as each other, so that their text is in the order of their numbers.
        return self.first <= postcode <= self.last

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}-{self.last}"


def area_of(text: str, country: str) -> Area:
    """ "00100-00990", or one postcode. Raises AreaRefused."""
    parts = text.replace("\N{EN DASH}", "-").split("-")
    if not 1 <= len(parts) <= 2:
        raise AreaRefused("malformed")
    try:
        ends = [parse_postcode(part, country) for part in parts]
    except PostcodeRefused:
        raise AreaRefused("malformed") from None
    if ends[0] > ends[-1]:
        raise AreaRefused("backwards")
    return Area(ends[0], ends[-1])


@dataclass(frozen=True, slots=True)
class ShippingOption:
    """One way to deliver an order, as its shop named it. Without areas it goes everywhere."""

    id: str
    provider: str
    name: str
    price_minor: int
    vat_percent: Decimal
    areas: tuple[Area, ...] = ()

    def reaches(self, postcode: str | None) -> bool:
        """Whether it delivers there; one with areas reaches nobody whose postcode is unknown."""
        return not self.areas or (postcode is not None and any(postcode in area for area in self.areas))

    @property
    def title(self) -> str:
        """Who brings it and how, once each."""
        return self.name if self.provider in self.name else f"{self.provider}, {self.name}"

    def to_data(self) -> dict[str, object]:
        return {
            "id": self.id,
            "provider": self.provider,
            "name": self.name,
            "price_minor": self.price_minor,
            "vat_percent": f"{self.vat_percent:f}",
            "postcodes": [str(area) for area in self.areas],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> ShippingOption:
        """From what `to_data` made."""
        postcodes = data["postcodes"]
        assert isinstance(postcodes, list)
        ends = [str(text).split("-") for text in postcodes]
        return cls(
            id=str(data["id"]),
            provider=str(data["provider"]),
            name=str(data["name"]),
            price_minor=int(str(data["price_minor"])),
            vat_percent=Decimal(str(data["vat_percent"])),
            areas=tuple(Area(each[0], each[-1]) for each in ends),
        )


def on_offer(options: Sequence[ShippingOption], postcode: str | None) -> tuple[ShippingOption, ...]:
    """Those that reach a postcode, in the shop's own order."""
    return tuple(option for option in options if option.reaches(postcode))


def by_area(options: Sequence[ShippingOption]) -> bool:
    """Whether the postcode decides anything."""
    return any(option.areas for option in options)


def shipping_line(option: ShippingOption) -> Line:
    return Line(
        "shipping", option.title, 1, option.price_minor, option.vat_percent, sku=option.id, origin="shipping"
    )


# --- what a way to pay costs or saves -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MethodFee:
    """What a shop adds for a way to pay, or takes off below zero: a sum, or a part of the price."""

    buyer: Buyer
    method: Method
    fixed_minor: int = 0
    rate_points: int = 0

    @property
    def is_discount(self) -> bool:
        return self.fixed_minor < 0 or self.rate_points < 0

    def amount_minor(self, base_minor: int) -> int:
        """For goods and delivery of `base_minor`, half up. A discount leaves something to pay."""
        amount = self.fixed_minor or half_up_ratio(base_minor * self.rate_points, WHOLE_POINTS)
        return max(amount, 1 - base_minor)


_CREDIT: Final[frozenset[Method]] = frozenset({"invoice", "instalments"})
# What nobody offers to a company.
_CONSUMERS_ALONE: Final[frozenset[Method]] = frozenset({"mobilepay", "instalments"})


def check_fee(fee: MethodFee, country: str) -> MethodFee:
    """What the law and the product leave to the shop. Raises FeeRefused, with the law's source where it is one.

    A consumer pays nothing more for a way to pay: cards and what is treated like them may cost nothing, and what credit
    costs belongs into its plan, where the annual percentage rate shows it. Nor may borrowing be made cheaper than
    paying. The wallet costs nobody anything.
    """
    if abs(fee.fixed_minor) > UNIT_PRICE_MAX_MINOR or abs(fee.rate_points) > WHOLE_POINTS:
        raise FeeRefused(fee.buyer, fee.method, "out_of_range")
    if bool(fee.fixed_minor) == bool(fee.rate_points):
        raise FeeRefused(fee.buyer, fee.method, "out_of_range")
    if fee.buyer == "business" and fee.method in _CONSUMERS_ALONE:
        raise FeeRefused(fee.buyer, fee.method, "not_for_buyer")
    if fee.method == "wallet" and not fee.is_discount:
        raise FeeRefused(fee.buyer, fee.method, "wallet_is_free")
    if fee.buyer == "business":
        return fee
    rule = law_of(country).surcharge_banned(fee.method)
    if rule is not None and (not fee.is_discount or fee.method in _CREDIT):
        if fee.is_discount:
            raise FeeRefused(fee.buyer, fee.method, "credit_discount", rule.source)
        reason: Literal["credit_cost", "card_surcharge"] = (
            "credit_cost" if fee.method in _CREDIT else "card_surcharge"
        )
        raise FeeRefused(fee.buyer, fee.method, reason, rule.source)
    return fee


def main_rate(lines: Sequence[Line]) -> Decimal:
    """The VAT of what most is paid for: the rate with the largest share of the goods, of equal ones the higher one. A
    fee for paying is a part of the sale and follows it (Directive 2006/112/EC art. 78: incidental expenses)."""
    goods = [line for line in lines if line.type == "item"] or list(lines)
    shares: dict[Decimal, int] = {}
    for line in goods:
        shares[line.vat_percent] = shares.get(line.vat_percent, 0) + line.total_minor
    return max(shares, key=lambda percent: (shares[percent], percent))


def fee_line(fee: MethodFee, base: Sequence[Line], name: str) -> Line | None:
    """The line of a fee or a discount on what the shop sells and brings (`base`); None where it comes to nothing.
    `name` is in the shopper's language."""
    amount = fee.amount_minor(sum(line.total_minor for line in base))
    if not amount:
        return None
    return Line("discount" if amount < 0 else "fee", name, 1, amount, main_rate(base), origin="method_fee")


# --- insurance ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InsuranceOffer:
    """An insurance that a shop offers with goods of some categories (none named: all) whose piece costs `from_minor` to
    `to_minor`. It costs `fixed_minor` a piece, or `rate_points` of the goods' value, from `least_minor` to
    `most_minor`. `covers` is one sentence a language. Until `cancel_days` after the purchase it can be given up.
    """

    public_id: str
    name: str
    insurer: str
    covers: Mapping[str, str]
    currency: str
    categories: frozenset[str]
    from_minor: int
    cancel_days: int
    to_minor: int | None = None
    fixed_minor: int | None = None
    rate_points: int | None = None
    least_minor: int | None = None
    most_minor: int | None = None
    terms_url: str | None = None
    terms_text: str | None = field(default=None, repr=False)

    def insures(self, line: Line) -> bool:
        return (
            line.type == "item"
            and self.from_minor <= line.unit_price_minor
            and (self.to_minor is None or line.unit_price_minor <= self.to_minor)
            and (not self.categories or (line.category or "").casefold() in self.categories)
        )

    def insured_of(self, lines: Sequence[Line]) -> tuple[str, ...]:
        """The names of what it insures among the lines of an order."""
        return tuple(line.name for line in lines_of_shop(lines) if self.insures(line))

    def premium_minor(self, lines: Sequence[Line]) -> int | None:
        """What it costs for these goods; None where it insures none of them."""
        goods = [line for line in lines if self.insures(line)]
        if not goods:
            return None
        if self.fixed_minor is not None:
            return min(self.fixed_minor * sum(line.quantity for line in goods), UNIT_PRICE_MAX_MINOR)
        value = sum(line.total_minor for line in goods)
        part = half_up_ratio(value * (self.rate_points or 0), WHOLE_POINTS)
        bounded = min(max(part, self.least_minor or 1), self.most_minor or UNIT_PRICE_MAX_MINOR)
        return min(bounded, UNIT_PRICE_MAX_MINOR)

    def language(self, lang: str, shop_lang: str) -> str:
        """The language in which a reader is told what it covers: theirs where the shop has said it there, else the
        shop's own."""
        return next((each for each in (lang, shop_lang) if each in self.covers), next(iter(self.covers)))

    def covered(self, lang: str, shop_lang: str) -> str:
        """What it covers, in one sentence."""
        return self.covers[self.language(lang, shop_lang)]

    @property
    def title(self) -> str:
        return f"{self.name} ({self.insurer})"


def fitting(
    offers: Sequence[InsuranceOffer], lines: Sequence[Line], currency: str
) -> tuple[InsuranceOffer, int] | None:
    """The first offer for these goods with its price: one question is asked, never two."""
    goods = lines_of_shop(lines)
    for offer in offers:
        premium = offer.premium_minor(goods) if offer.currency == currency else None
        if premium is not None:
            return offer, premium
    return None


def insurance_line(offer: InsuranceOffer, premium_minor: int) -> Line:
    return Line("fee", offer.title, 1, premium_minor, INSURANCE_VAT, sku=offer.public_id, origin="insurance")


# --- all of it ----------------------------------------------------------------------------------------------

Answer = Literal["taken", "declined", "none"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a shopper has chosen beside the way to pay: a way to deliver by its id, and what they answered to which
    insurance."""

    shipping: str | None = None
    offer: str | None = None
    answer: Answer = "none"

    def to_data(self) -> dict[str, object]:
        return {"shipping": self.shipping, "offer": self.offer, "answer": self.answer}

    @classmethod
    def from_data(cls, data: Mapping[str, object] | None) -> Choice:
        if data is None:
            return cls()
        answer = data.get("answer")
        shipping, offer = data.get("shipping"), data.get("offer")
        known: Answer = "taken" if answer == "taken" else "declined" if answer == "declined" else "none"
        return cls(None if shipping is None else str(shipping), None if offer is None else str(offer), known)


def same_extras(one: Sequence[Line], other: Sequence[Line]) -> bool:
    """Whether two orders carry the same choices."""
    return extras_of(one) == extras_of(other)
