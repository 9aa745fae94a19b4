"""The form of a shop's rule: what was typed as conditions, and conditions as somebody would type them.

Each condition has its own fields, and an empty one asks nothing: so the form needs no script to grow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast, get_args

from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.kernel.typed import amount_minor, amount_text, one_line
from app.merchants.queries import Merchant
from app.risk.conditions import (
    WINDOWS,
    Address,
    Area,
    Condition,
    FirstOrder,
    Goods,
    GoodsBy,
    Identical,
    MerchantRule,
    RuleOutcome,
    SameWithin,
    Subject,
    Value,
    Velocity,
    Window,
)
from app.risk.digests import address_of
from app.risk.rule_checks import WantedRule
from app.web.shared.forms import FieldError, Form

# Every pair that is counted, as the one list of the form names it: "phone_1h", "phone_24h", ...
SEEN: Final = tuple(f"{subject}_{window}" for subject, windows in WINDOWS.items() for window in windows)
IDENTICAL_WITHIN: Final[tuple[SameWithin, ...]] = get_args(SameWithin)
GOODS: Final[tuple[GoodsBy, ...]] = get_args(GoodsBy)
# Beside the lines of categories: a list to choose from needs fields of one line.
CATEGORY_CHOICES: Final = ("category_1", "category_2", "category_3")
_DIGITS_MAX: Final = 6


def empty_form() -> Form:
    return Form({"outcome": "hold"})


def form_of(rule: MerchantRule) -> Form:
    """The rule as somebody would type it. An address is not known here any more: it can be kept or typed anew."""
    values = {"name": rule.name, "outcome": rule.outcome, "version": str(rule.version)}
    for condition in rule.conditions:
        values |= _values(condition)
    return Form(values)


def _values(condition: Condition) -> dict[str, str]:
    match condition:
        case Goods(by, any_of):
            return {by: "\n".join(any_of)}
        case Value(at_least_minor):
            return {"value": amount_text(at_least_minor)}
        case Identical(count, within):
            return {"identical": str(count), "identical_within": within}
        case Area(prefixes):
            return {"area": ", ".join(prefixes)}
        case Address():
            return {"address_kept": "1"}
        case FirstOrder(at_least_minor):
            return {"first_order": amount_text(at_least_minor)}
        case Velocity(subject, count, within):
            return {"seen": str(count), "seen_what": f"{subject}_{within}"}


def kept_address(rule: MerchantRule | None) -> Address | None:
    """The address that a rule has, for whoever changes the rest of it."""
    found = [] if rule is None else [each for each in rule.conditions if isinstance(each, Address)]
    return found[0] if found else None


def read(form: Form, merchant: Merchant, before: MerchantRule | None) -> WantedRule | Form:
    """The rule as typed, or the form with what cannot be read. Whether it can be is for the rules to say."""
    errors: dict[str, FieldError] = {}
    conditions: list[Condition] = [*_goods(form)]
    conditions += _sums(form, errors)
    conditions += _repeats(form, errors)
    conditions += _places(form, merchant, before, errors)
    if errors:
        return form.refused(**errors)
    outcome: RuleOutcome = "decline" if form.value("outcome") == "decline" else "hold"
    return WantedRule(one_line(form.value("name")), tuple(conditions), outcome)


def _goods(form: Form) -> Sequence[Condition]:
    chosen = "\n".join(form.value(name) for name in CATEGORY_CHOICES)
    typed = [(by, _entries(form.value(by) + (f"\n{chosen}" if by == "categories" else ""))) for by in GOODS]
    return [Goods(by, entries) for by, entries in typed if entries]


def _entries(text: str) -> tuple[str, ...]:
    """One a line; each once."""
    lines = (one_line(line) for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


def _sums(form: Form, errors: dict[str, FieldError]) -> Sequence[Condition]:
    found: list[Condition] = []
    for field, make in (("value", Value), ("first_order", FirstOrder)):
        text = form.value(field)
        if not text:
            continue
        minor = amount_minor(text)
        if minor is None:
            errors[field] = FieldError("malformed")
        else:
            found.append(make(minor))
    return found


def _repeats(form: Form, errors: dict[str, FieldError]) -> Sequence[Condition]:
    found: list[Condition] = []
    if form.value("identical"):
        chosen = [each for each in IDENTICAL_WITHIN if each == form.value("identical_within")]
        found += [Identical(_count(form.value("identical")), within) for within in chosen]
        if not chosen:
            errors["identical"] = FieldError("choose")
    if form.value("seen"):
        what = form.value("seen_what")
        if what in SEEN:
            subject, _, window = what.partition("_")
            count = _count(form.value("seen"))
            found.append(Velocity(cast(Subject, subject), count, cast(Window, window)))
        else:
            errors["seen"] = FieldError("choose")
    return found


def _count(text: str) -> int:
    """Whole orders; what is none is out of every range, and the rule of the field says so at its place."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else 0


def _places(
    form: Form, merchant: Merchant, before: MerchantRule | None, errors: dict[str, FieldError]
) -> Sequence[Condition]:
    parts = (re.sub(r"\s+", "", part) for part in re.split(r"[,;\n]", form.value("area")))
    prefixes = tuple(dict.fromkeys(part for part in parts if part))
    found: list[Condition] = [Area(prefixes)] if prefixes else []
    street, postcode = one_line(form.value("street")), form.value("postcode")
    if not street and not postcode:
        kept = kept_address(before) if form.value("address_kept") else None
        return [*found, kept] if kept else found
    address = _address(street, postcode, merchant, errors)
    return [*found, address] if address else found


def _address(street: str, postcode: str, merchant: Merchant, errors: dict[str, FieldError]) -> Address | None:
    try:
        postcode = parse_postcode(postcode, merchant.country)
    except PostcodeRefused as refused:
        errors["postcode"] = FieldError("empty" if refused.reason == "empty" else "malformed")
    digests = address_of(merchant.id, street, postcode, merchant.country)
    if not street:
        errors["street"] = FieldError("empty")
    elif not digests and "postcode" not in errors:
        errors["street"] = FieldError("malformed")
    if "street" in errors or "postcode" in errors:
        return None
    return Address(tuple(digest.hex() for digest in digests), postcode)
