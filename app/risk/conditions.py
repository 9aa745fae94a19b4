"""What a shop's own rule asks of an order: one to five conditions, and all of them must hold. Pure.

A rule is stored as a list of tagged objects (`{"kind": "value", ...}`), read back by `read` and shown in words by
the admin. Counts name how many orders there are with this one: "5 identical orders" holds at the fifth.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import msgspec

from app.risk.facts import Facts
from app.risk.rules import Finding

CONDITIONS_MAX: Final = 5

RuleOutcome = Literal["hold", "decline"]
Mode = Literal["shadow", "on", "off", "removed"]
# A rule in one of these looks at no order.
ASKED_NOTHING: Final[frozenset[Mode]] = frozenset({"off", "removed"})
GoodsBy = Literal["skus", "categories", "words"]
Subject = Literal["phone", "email", "address", "device", "network"]
Window = Literal["1h", "24h", "30d"]
SameWithin = Literal["1h", "24h", "7d"]


class Goods(msgspec.Struct, frozen=True, tag_field="kind", tag="goods"):
    """A line with one of these article numbers or categories, or lines whose names hold all words of one of these."""

    by: GoodsBy
    any_of: tuple[str, ...]


class Value(msgspec.Struct, frozen=True, tag_field="kind", tag="value"):
    """The order costs this much or more, in minor units of the order's currency."""

    at_least_minor: int


class Identical(msgspec.Struct, frozen=True, tag_field="kind", tag="identical"):
    """So many orders of the very same goods by one phone, address, device or network, with this one."""

    count: int
    within: SameWithin


class Area(msgspec.Struct, frozen=True, tag_field="kind", tag="area"):
    """The postcode of the delivery begins with one of these digits."""

    prefixes: tuple[str, ...]


class Address(msgspec.Struct, frozen=True, tag_field="kind", tag="address"):
    """One delivery address, known by its keyed digests in hex, one for each key that was in use when it was typed; the
    postcode is kept for people to read."""

    digests: tuple[str, ...]
    postcode: str


class FirstOrder(msgspec.Struct, frozen=True, tag_field="kind", tag="first_order"):
    """The first order of this customer here, and it costs this much or more in minor units."""

    at_least_minor: int


class Velocity(msgspec.Struct, frozen=True, tag_field="kind", tag="velocity"):
    """So many orders with the same phone, e-mail, address, device or network, with this one. See `WINDOWS`."""

    subject: Subject
    count: int
    within: Window


Condition = Goods | Value | Identical | Area | Address | FirstOrder | Velocity

# What is counted of each subject: other pairs are known to nobody.
WINDOWS: Final[dict[Subject, tuple[Window, ...]]] = {
    "phone": ("1h", "24h", "30d"),
    "email": ("24h", "30d"),
    "address": ("24h", "30d"),
    "device": ("24h", "30d"),
    "network": ("1h", "24h"),
}


@dataclass(frozen=True, slots=True)
class MerchantRule:
    """A rule as it stands now. A rule that is `off` or `removed` is asked of nothing; one in `shadow` is written down
    alone."""

    id: UUID
    public_id: str
    name: str
    version: int
    conditions: tuple[Condition, ...]
    outcome: RuleOutcome
    mode: Mode


def read(stored: object) -> tuple[Condition, ...]:
    """Conditions from the table's JSON: text, bytes or what the driver has decoded. Raises msgspec's own error where
    they are none of ours: the database holds what `written` wrote."""
    if isinstance(stored, str | bytes):
        return msgspec.json.decode(stored, type=tuple[Condition, ...])
    return msgspec.convert(stored, tuple[Condition, ...])


def written(conditions: Iterable[Condition]) -> list[dict[str, object]]:
    """For the table's JSON."""
    return [msgspec.to_builtins(condition) for condition in conditions]


def matches(conditions: Sequence[Condition], facts: Facts, addresses: Collection[str] = ()) -> bool:
    """Whether every condition holds. A rule without conditions asks nothing and holds for nothing.

    `addresses`: the delivery address under every key of the keyring, in hex, so that a rule outlives a new key; the
    facts have it under one.
    """
    return bool(conditions) and all(_holds(condition, facts, addresses) for condition in conditions)


def finding_of(rule: MerchantRule, facts: Facts, addresses: Collection[str] = ()) -> Finding | None:
    """What the rule says of these facts: its outcome, or in shadow what it would have been. None where it says
    nothing."""
    if rule.mode in ASKED_NOTHING or not matches(rule.conditions, facts, addresses):
        return None
    return Finding(
        rule=rule.public_id,
        version=rule.version,
        weight=0,
        outcome=rule.outcome,
        is_shadow=rule.mode == "shadow",
        values={"name": rule.name},
    )


def _holds(condition: Condition, facts: Facts, addresses: Collection[str]) -> bool:
    """Whether one condition holds. What is not known of an order never holds."""
    match condition:
        case Goods():
            return _has_goods(condition, facts)
        case Value(at_least_minor):
            return facts.total_minor >= at_least_minor
        case Identical(count, within):
            return same_before(facts, within) + 1 >= count
        case Area(prefixes):
            return facts.postcode is not None and facts.postcode.startswith(prefixes)
        case Address(digests):
            return facts.address in digests or not set(digests).isdisjoint(addresses)
        case FirstOrder(at_least_minor):
            return facts.first_order and facts.total_minor >= at_least_minor
        case Velocity(subject, count, within):
            return seen_before(facts, subject, within) + 1 >= count


def _has_goods(goods: Goods, facts: Facts) -> bool:
    known = {"skus": facts.skus, "categories": facts.categories, "words": facts.words}[goods.by]
    there = {text.casefold() for text in known}
    if goods.by == "words":  # "gift card" asks for both words
        return any(there.issuperset(text.casefold().split()) for text in goods.any_of)
    return any(text.casefold() in there for text in goods.any_of)


def same_before(facts: Facts, within: SameWithin) -> int:
    """Identical orders before this one."""
    return {"1h": facts.same_1h, "24h": facts.same_24h, "7d": facts.same_7d}[within]


def seen_before(facts: Facts, subject: Subject, within: Window) -> int:
    """Orders with the same subject before this one; 0 for a window in which it is not counted."""
    if within not in WINDOWS[subject]:
        return 0
    return int(getattr(facts, f"{subject}_{within}"))
