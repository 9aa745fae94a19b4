"""Every way to pay with what it can do, and which of them a buyer is shown. Pure.

`methods_for` is the only place that says who sees what: the shop's settings, the buyer, the country, the sum, the
goods and the live health of the providers go in; what is shown, in the order that the country's law asks for, and each
other way with the reason why it is absent come out. Staff read the reasons; a shopper sees only the list.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from app.law.rules import COUNTRIES, law_of
from app.merchants.rules import MethodTerms
from app.payments.ports import METHODS as PROVIDER_METHODS
from app.payments.ports import ProviderMethod
from app.plans.quote import Kind, Method

Buyer = Literal["consumer", "business"]
Health = Literal["up", "shaky", "down"]
# Why a way to pay is not shown, in the words that staff read translated.
Reason = Literal[
    "not_recurring",
    "not_for_buyer",
    "not_in_country",
    "not_in_currency",
    "switched_off",
    "below_minimum",
    "above_maximum",
    "not_for_goods",
    "no_provider",
    "provider_down",
    "no_plan",
    "against_the_law",
    "law_not_confirmed",
]

BOTH: Final[frozenset[Buyer]] = frozenset({"consumer", "business"})
CONSUMERS: Final[frozenset[Buyer]] = frozenset({"consumer"})


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """What a way to pay can do, whoever the shop is. `countries` are those of the shop, whose law holds.

    `lends` says that something is paid later. `holds` that money is authorised first and captured later, `partial` that
    less than what was authorised may be captured, `refunds` that money can go back by the way it came, `recurring` that
    it can be charged again without its owner. `place` is where the shopper pays: on our page, or led to the provider's.
    """

    key: Method
    lends: bool
    holds: bool
    partial: bool
    refunds: bool
    recurring: bool
    place: Literal["page", "redirect"]
    buyers: frozenset[Buyer] = BOTH
    countries: frozenset[str] = frozenset(COUNTRIES)
    currencies: frozenset[str] = frozenset({"EUR", "SEK", "DKK"})
    min_minor: Mapping[str, int] = field(default_factory=dict)


METHODS: Final[Mapping[Method, PaymentMethod]] = {
    each.key: each
    for each in (
        PaymentMethod(
            "wallet",
            lends=False,
            holds=True,
            partial=False,
            refunds=True,
            recurring=False,
            place="page",
        ),
        PaymentMethod(
            "card",
            lends=False,
            holds=True,
            partial=True,
            refunds=True,
            recurring=True,
            place="redirect",
            # The least that the provider charges: docs.stripe.com/currencies, "Minimum and maximum charge amounts".
            min_minor={"EUR": 50, "SEK": 300, "DKK": 250},
        ),
        PaymentMethod(
            "mobilepay",
            lends=False,
            holds=True,
            partial=True,
            refunds=True,
            recurring=True,
            place="redirect",
            buyers=CONSUMERS,
            countries=frozenset({"FI", "DK"}),
            currencies=frozenset({"EUR", "DKK"}),
        ),
        PaymentMethod(
            "invoice",
            lends=True,
            holds=False,
            partial=False,
            refunds=True,
            recurring=True,
            place="page",
        ),
        PaymentMethod(
            "instalments",
            lends=True,
            holds=False,
            partial=False,
            refunds=True,
            recurring=False,
            place="page",
            buyers=CONSUMERS,
        ),
    )
}


UNTOUCHED: Final = MethodTerms()


def least_minor(method: Method, currency: str) -> int:
    """The smallest sum that this way to pay takes, in minor units."""
    return METHODS[method].min_minor.get(currency, 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides which ways to pay are shown. `amount_minor` is what is left to pay; `categories` those of the goods.

    `terms` are the shop's, untouched where missing. `providers` are the methods that have a provider behind them,
    `health` how each is doing, up where nothing is known. `no_plan` says of each kind of credit why no plan of the shop
    takes the sum; a kind that is missing has one that does. `wallet` says that the shop has the module,
    `recurring` that what is paid now is paid again by itself later.
    """

    country: str
    currency: str
    buyer: Buyer
    amount_minor: int
    wallet: bool
    no_plan: Mapping[Kind, Reason]
    providers: Collection[ProviderMethod] = ()
    health: Mapping[ProviderMethod, Health] = field(default_factory=dict)
    terms: Mapping[str, MethodTerms] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()
    recurring: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A way to pay that the buyer sees; `shaky` warns that its provider has trouble right now."""

    method: Method
    shaky: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    method: Method
    reason: Reason


def methods_for(facts: Facts) -> tuple[Shown | Absent, ...]:
    """Every way to pay, in the order that the law of the country asks for. Raises CountryNotServed."""
    return tuple(_judged(METHODS[key], facts) for key in law_of(facts.country).methods.order)


def shown(judged: Collection[Shown | Absent]) -> tuple[Shown, ...]:
    return tuple(each for each in judged if isinstance(each, Shown))


def absent(judged: Collection[Shown | Absent]) -> tuple[Absent, ...]:
    return tuple(each for each in judged if isinstance(each, Absent))


def _judged(method: PaymentMethod, facts: Facts) -> Shown | Absent:
    reason = _nature(method, facts) or _wish(method, facts) or _means(method, facts)
    if reason is not None:
        return Absent(method.key, reason)
    return Shown(method.key, shaky=_health(method.key, facts) == "shaky")


def _nature(method: PaymentMethod, facts: Facts) -> Reason | None:
    """What the way to pay is by itself."""
    if facts.recurring and not method.recurring:
        return "not_recurring"
    if facts.buyer not in method.buyers:
        return "not_for_buyer"
    if facts.country not in method.countries:
        return "not_in_country"
    if facts.currency not in method.currencies or facts.currency != law_of(facts.country).currency:
        return "not_in_currency"
    return None


def _wish(method: PaymentMethod, facts: Facts) -> Reason | None:
    """What the shop has said of it."""
    terms = facts.terms.get(method.key, UNTOUCHED)
    if not terms.is_on or (method.key == "wallet" and not facts.wallet):
        return "switched_off"
    if facts.amount_minor < max(least_minor(method.key, facts.currency), terms.min_minor or 0):
        return "below_minimum"
    if terms.max_minor is not None and facts.amount_minor > terms.max_minor:
        return "above_maximum"
    return "not_for_goods" if facts.categories & terms.not_for else None


def _means(method: PaymentMethod, facts: Facts) -> Reason | None:
    """Whether there is something behind it now: a plan, or a provider that answers."""
    if method.key in PROVIDER_METHODS:
        if method.key not in facts.providers:
            return "no_provider"
        return "provider_down" if _health(method.key, facts) == "down" else None
    if method.key == "invoice" or method.key == "instalments":  # noqa: PLR1714  narrows
        return facts.no_plan.get(method.key)
    return None


def _health(key: Method, facts: Facts) -> Health:
    if key == "card" or key == "mobilepay":  # noqa: PLR1714  narrows
        return facts.health.get(key, "up")
    return "up"
