"""What the facts of a purchase give away, and what follows from all of it together. Pure.

Each finding is one reason with a weight; weights add up, and `HOLD_AT` asks for a person. A finding may also ask for an
outcome by itself, as a merchant's rule does. The strictest outcome wins, whoever asked for it; nothing makes a decision
milder. Being new is no reason: what a first order can gather by that alone stays below `HOLD_AT` (`NEWNESS`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

from app.risk.goods import is_resold, words_of

if TYPE_CHECKING:
    from app.risk.facts import Facts

Outcome = Literal["approve", "hold", "decline"]

# Of the set as a whole; it changes with any rule, weight or bound below, and so does that rule's own version.
RULES_VERSION: Final = "2026-11-22"
HOLD_AT: Final = 100

_STRICTNESS: Final[dict[Outcome, int]] = {"approve": 0, "hold": 1, "decline": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. `rule` is the name of a built-in rule or the public id of a merchant's. `outcome` is what it asks by
    itself, "approve" for its weight alone. A shadow is written down and has no effect. `values` are the figures of the
    reason's sentence: they name nobody."""

    rule: str
    version: int
    weight: int
    outcome: Outcome
    is_shadow: bool
    values: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, as it is stored under `decision_id`. `weight` counts what is no shadow."""

    decision_id: UUID
    outcome: Outcome
    weight: int
    findings: tuple[Finding, ...]
    model_score: float | None


def strictest(*outcomes: Outcome) -> Outcome:
    """The strictest of them; "approve" where nobody asks for anything."""
    return max(outcomes, key=_STRICTNESS.__getitem__, default="approve")


def judge(findings: Iterable[Finding], *, forced: Outcome | None = None) -> tuple[Outcome, int]:
    """What follows from the findings, in any order, and their weight. `forced` can only make it stricter."""
    effective = [finding for finding in findings if not finding.is_shadow]
    weight = sum(finding.weight for finding in effective)
    by_weight: Outcome = "hold" if weight >= HOLD_AT else "approve"
    asked: list[Outcome] = [finding.outcome for finding in effective]
    return strictest(by_weight, forced or "approve", *asked), weight


def snooze(findings: Iterable[Finding], snoozed: Collection[str]) -> tuple[Finding, ...]:
    """The same findings; a rule that a person lets rest for this customer is a shadow."""
    return tuple(
        replace(finding, is_shadow=True) if finding.rule in snoozed else finding for finding in findings
    )


def built_in(facts: Facts) -> tuple[Finding, ...]:
    """What the rules that every shop has find in the facts, each at most once."""
    found = []
    for name, (version, rule) in BUILT_IN.items():
        hit = rule(facts)
        if hit is not None:
            weight, values = hit
            found.append(Finding(name, version, weight, "approve", is_shadow=False, values=values))
    return tuple(found)


# --- the rules ------------------------------------------------------------------------------------------------

# Weights follow how much oftener a finding comes with an attack than with a good order, in simulated years that no
# figure of docs/risk.md is taken from (seeds 101 and 102 of bench/simulator.py): one order of a hundred waits, and
# every second of those is an attack.
Hit = tuple[int, dict[str, str | int]]
"""The weight, and the figures of the reason's sentence. Counts in them are with the order at hand."""

# Sums are in euro, and about as much in the other currencies: minor units for one euro's hundred.
_WORTH: Final = {"EUR": 1, "SEK": 11, "DKK": 7}
_DEAR_EUR_MINOR: Final = 40_000
_VERY_DEAR_EUR_MINOR: Final = 150_000
_CHEAP_EUR_MINOR: Final = 10_000
# So many other people within a month share no home: what they share is a parcel point, or a mobile network.
PARCEL_POINT: Final = 24


def _step(count: int, steps: tuple[tuple[int, int], ...]) -> int:
    """The weight of the highest step (at least so many, weight) that is reached, else 0."""
    return max((weight for at_least, weight in steps if count >= at_least), default=0)


def _heaviest(*hits: Hit) -> Hit | None:
    """One reason of those that say the same over several times."""
    heaviest = max(hits, key=lambda hit: hit[0])
    return heaviest if heaviest[0] else None


def _identical(facts: Facts) -> Hit | None:
    """The very same basket again, from one phone or to one address: nobody needs four by four orders."""
    hour, day = facts.own_same_1h + 1, facts.own_same_24h + 1
    return _heaviest(
        (_step(hour, ((2, 15), (3, 50), (4, HOLD_AT))), {"count": hour, "hours": 1}),
        (_step(day, ((3, 50), (4, 80), (5, HOLD_AT))), {"count": day, "hours": 24}),
    )


def _identical_network(facts: Facts) -> Hit | None:
    """The same basket from one device or network under several names. A campaign, or a shop's own network, looks alike,
    so it weighs and does not hold by itself."""
    if facts.same_1h <= facts.own_same_1h:
        return None
    count = facts.same_1h + 1
    return _heaviest((_step(count, ((4, 15), (8, 25), (20, 40))), {"count": count, "hours": 1}))


def _bad_before(facts: Facts) -> Hit | None:
    """A person has declined such an order, or goods came back as somebody else's: whoever tries again is not waved
    through."""
    return _heaviest((_step(facts.bad_before, ((1, 80), (2, HOLD_AT))), {"count": facts.bad_before}))


def _velocity_phone(facts: Facts) -> Hit | None:
    hour, day, month = facts.phone_1h + 1, facts.phone_24h + 1, facts.phone_30d + 1
    return _heaviest(
        (_step(hour, ((4, 40), (6, 70))), {"count": hour, "hours": 1}),
        (_step(day, ((6, 40), (10, 70))), {"count": day, "hours": 24}),
        (_step(month, ((40, 30),)), {"count": month, "hours": 720}),
    )


def _velocity_email(facts: Facts) -> Hit | None:
    day, month = facts.email_24h + 1, facts.email_30d + 1
    return _heaviest(
        (_step(day, ((6, 30), (10, 60))), {"count": day, "hours": 24}),
        (_step(month, ((40, 20),)), {"count": month, "hours": 720}),
    )


def _velocity_address(facts: Facts) -> Hit | None:
    """A house of many flats orders often too: it never weighs much."""
    if facts.address_people_30d >= PARCEL_POINT:
        return None
    day = facts.address_24h + 1
    return _heaviest((_step(day, ((5, 30), (10, 40))), {"count": day, "hours": 24}))


def _velocity_device(facts: Facts) -> Hit | None:
    """A device is a program at a network address: behind a mobile network's one address, many phones look alike."""
    day = facts.device_24h + 1
    return _heaviest((_step(day, ((6, 15), (12, 25))), {"count": day, "hours": 24}))


def _velocity_network(facts: Facts) -> Hit | None:
    """An office, or a mobile network, puts many people behind one block."""
    hour = facts.network_1h + 1
    return _heaviest((_step(hour, ((15, 10), (40, 15))), {"count": hour, "hours": 1}))


def _people_at_address(facts: Facts) -> Hit | None:
    """Goods for several people go to one place."""
    people = facts.address_people_30d + 1
    weight = 15 if facts.address_people_30d >= PARCEL_POINT else _step(people, ((4, 40),))
    return _heaviest((weight, {"count": people}))


def _people_on_device(facts: Facts) -> Hit | None:
    """As many as at a parcel point are no one's device, but a network's."""
    people = facts.device_people_30d + 1
    weight = 10 if facts.device_people_30d >= PARCEL_POINT else _step(people, ((3, 35), (5, 50)))
    return _heaviest((weight, {"count": people}))


def _wrong_codes(facts: Facts) -> Hit | None:
    tries = facts.wrong_codes_24h
    return _heaviest((_step(tries, ((4, 45), (8, 70), (15, HOLD_AT))), {"count": tries}))


def _name_differs(facts: Facts) -> Hit | None:
    return (50, {}) if facts.name_differs else None


def _phone_abroad(facts: Facts) -> Hit | None:
    return (25, {}) if facts.phone_abroad else None


def _throwaway_email(facts: Facts) -> Hit | None:
    return (60, {}) if facts.throwaway_email else None


def _over_norm(facts: Facts) -> Hit | None:
    """Much more than this customer usually spends here."""
    if facts.usual_minor is None or facts.orders_before < 3 or _euro_minor(facts) < _CHEAP_EUR_MINOR:
        return None
    times = facts.total_minor // max(facts.usual_minor, 1)
    return _heaviest((_step(times, ((5, 15), (10, 25))), {"times": times}))


def _new_address(facts: Facts) -> Hit | None:
    """A customer of this shop has something dear sent where none of their orders went."""
    if facts.first_order or facts.address is None or facts.address_known:
        return None
    return (15, {}) if _euro_minor(facts) >= _DEAR_EUR_MINOR else None


def _postcode_differs(facts: Facts) -> Hit | None:
    return (10, {}) if facts.postcode_differs else None


def _resold_goods(facts: Facts) -> Hit | None:
    return (25, {}) if is_resold((*facts.words, *words_of(facts.categories))) else None


def _new_phone_dear(facts: Facts) -> Hit | None:
    if facts.phone_days is None or facts.phone_days >= 1 or _euro_minor(facts) < _DEAR_EUR_MINOR:
        return None
    return 35 if _euro_minor(facts) < _VERY_DEAR_EUR_MINOR else 40, {}


def _first_dear_express(facts: Facts) -> Hit | None:
    if not facts.first_order or not facts.express or _euro_minor(facts) < _DEAR_EUR_MINOR:
        return None
    return 30, {}


def _euro_minor(facts: Facts) -> int:
    return facts.total_minor // _WORTH.get(facts.currency, 1)


BUILT_IN: Final[Mapping[str, tuple[int, Callable[[Facts], Hit | None]]]] = {
    "identical": (1, _identical),
    "identical_network": (1, _identical_network),
    "bad_before": (1, _bad_before),
    "velocity_phone": (1, _velocity_phone),
    "velocity_email": (1, _velocity_email),
    "velocity_address": (1, _velocity_address),
    "velocity_device": (1, _velocity_device),
    "velocity_network": (1, _velocity_network),
    "people_at_address": (1, _people_at_address),
    "people_on_device": (1, _people_on_device),
    "wrong_codes": (1, _wrong_codes),
    "name_differs": (1, _name_differs),
    "phone_abroad": (1, _phone_abroad),
    "throwaway_email": (1, _throwaway_email),
    "over_norm": (1, _over_norm),
    "new_address": (1, _new_address),
    "postcode_differs": (1, _postcode_differs),
    "resold_goods": (1, _resold_goods),
    "new_phone_dear": (1, _new_phone_dear),
    "first_dear_express": (1, _first_dear_express),
}
# What a person gathers by buying for the first time, whatever they buy.
NEWNESS: Final = frozenset({"resold_goods", "new_phone_dear", "first_dear_express"})
