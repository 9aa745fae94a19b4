"""What a model sees of the facts: numbers alone, and of goods their categories. Pure.

Counts and sums are put on a logarithmic scale: the step from one to two tells as much as that from ten to twenty. What
is known of a person's name, phone number or address never is a number here; a postcode is none either, because where
somebody lives is no reason.
"""

from __future__ import annotations

from math import log, log1p
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.risk.facts import Facts

# A basket has at most so many categories that count: a long one must not outvote everything else.
CATEGORIES_MAX: Final = 6
GOODS: Final = "goods:"

_NIGHT: Final = range(6)
# Minor units of a euro's worth, roughly: a hundred crowns are no hundred euro.
_A_EURO: Final = {"EUR": 100, "SEK": 1_100, "DKK": 700}
# Changed with every change below: a model of other features is no longer this one's.
FEATURES_VERSION: Final = 1


def numbers(facts: Facts) -> dict[str, float]:
    """The same names for every purchase, in the same order."""
    value = log1p(facts.total_minor / _A_EURO.get(facts.currency, 100))
    is_first = float(facts.first_order)
    elsewhere = float(not facts.first_order and not facts.address_known)
    return {
        "value": value,
        "first_order": is_first,
        "first_order_value": is_first * value,
        "over_usual": _over_usual(facts),
        "orders_before": log1p(facts.orders_before),
        "phone_age": log1p(facts.phone_days or 0),
        "email_age": log1p(facts.email_days or 0),
        "elsewhere": elsewhere,
        "elsewhere_new_device": elsewhere * float(facts.device_30d == 0),
        "same_1h": log1p(facts.same_1h),
        "same_24h": log1p(facts.same_24h),
        "same_7d": log1p(facts.same_7d),
        "phone_24h": log1p(facts.phone_24h),
        "phone_30d": log1p(facts.phone_30d),
        "email_24h": log1p(facts.email_24h),
        "address_24h": log1p(facts.address_24h),
        "address_30d": log1p(facts.address_30d),
        "device_24h": log1p(facts.device_24h),
        "network_1h": log1p(facts.network_1h),
        "network_24h": log1p(facts.network_24h),
        "address_people": log1p(facts.address_people_30d),
        "first_order_address_people": is_first * log1p(facts.address_people_30d),
        "device_people": log1p(facts.device_people_30d),
        "wrong_codes": log1p(facts.wrong_codes_24h),
        "first_order_wrong_codes": is_first * log1p(facts.wrong_codes_24h),
        "name_differs": float(facts.name_differs is True),
        "phone_abroad": float(facts.phone_abroad is True),
        "throwaway_email": float(facts.throwaway_email),
        "express": float(facts.express),
        "first_order_express": is_first * float(facts.express),
        "night": float(facts.hour in _NIGHT),
        "pieces": log1p(facts.pieces),
    }


def _over_usual(facts: Facts) -> float:
    """How many times the usual sum, as a logarithm; nothing where no usual sum is known, or it is not exceeded."""
    if not facts.usual_minor or facts.total_minor <= facts.usual_minor:
        return 0.0
    return log(facts.total_minor / facts.usual_minor)


def goods(facts: Facts) -> dict[str, float]:
    """One for each category of goods in the basket."""
    return {GOODS + category: 1.0 for category in facts.categories[:CATEGORIES_MAX]}


# Which reason a number belongs to, as a person would say it. What is not named here is of the goods.
REASON_OF: Final = {
    name: reason
    for reason, names in {
        "value": ("value", "over_usual", "pieces"),
        "first_order": ("first_order", "first_order_value", "orders_before", "phone_age", "email_age"),
        "identical": ("same_1h", "same_24h", "same_7d"),
        "often": ("phone_24h", "phone_30d", "email_24h"),
        "address": ("address_24h", "address_30d", "address_people", "first_order_address_people"),
        "elsewhere": ("elsewhere", "elsewhere_new_device"),
        "device": ("device_24h", "device_people"),
        "network": ("network_1h", "network_24h"),
        "codes": ("wrong_codes", "first_order_wrong_codes"),
        "name": ("name_differs",),
        "phone_abroad": ("phone_abroad",),
        "throwaway_email": ("throwaway_email",),
        "express": ("express", "first_order_express"),
        "night": ("night",),
    }.items()
    for name in names
}

NAMES: Final = frozenset(REASON_OF)
