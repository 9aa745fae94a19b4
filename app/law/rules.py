"""The law of one country as data: dated figures with source and trust mark, read from `<country>.toml`.

Nothing here decides; features ask for a figure on a day. A figure that is not known is refused by name, never
guessed, but for the interest cap, whose statutory margin stands alone while its reference rate is unknown.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import msgspec

from app.law.errors import CountryNotServed, FigureUnknown

Trust = Literal["primary", "secondary", "unverified"]
Method = Literal["wallet", "card", "mobilepay", "invoice", "instalments"]
IdentificationPolicy = Literal["code_for_returning", "strong_always", "manual"]

COUNTRIES: Final = ("FI", "SE", "DK", "BG")
# The claim that speaks of `Information`.
WORDING: Final = "information"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the law, in force from `since` to `until` (both included; no `until`: still)."""

    key: str
    value: Decimal
    since: date
    source: str
    trust: Trust
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Methods:
    """The order in which methods of payment are shown, and whether one may be chosen beforehand."""

    order: tuple[Method, ...]
    preselected: bool
    since: date
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read what the law asks of identification."""

    policy: IdentificationPolicy
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Identification:
    """The active policy, and up to which amount (minor units of the currency) a code alone suffices."""

    policy: IdentificationPolicy
    code_alone_max_minor: int
    since: date
    source: str
    trust: Trust
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Information:
    """The wording of the standard information sheet and of the credit warning, and the names that it tells.

    Another `version` is another wording. `database` is the credit register that is asked, `complaints` the body that
    settles a dispute without a court; both are names as the country writes them, None while they are not known.
    """

    version: str
    since: date
    source: str
    trust: Trust
    database: str | None = None
    complaints: str | None = None


@dataclass(frozen=True, slots=True)
class InterestCap:
    """The highest nominal rate, percent a year. Without a known reference rate it is the margin alone."""

    percent: Decimal
    reference_known: bool


@dataclass(frozen=True, slots=True)
class LateCost:
    """What paying late costs: late interest (percent a year) above a reference rate, and reminder fees.

    `interest_percent` is the sum of margin and reference, or None while the reference rate is unknown.
    """

    interest_margin_percent: Decimal | None
    interest_percent: Decimal | None
    reminder_fee_minor: int
    reminder_fee_cap_minor: int | None
    reminder_after_days: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Something of the law file that was not read in the text of the law itself: an operator vouches for it before
    live mode offers credit. Another value, or another date, is another claim."""

    country: str
    key: str
    value: str
    since: date
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class Surcharge:
    """Ways to pay for which a consumer may not be charged more, and which rule says so."""

    key: str
    methods: tuple[Method, ...]
    since: date
    source: str
    trust: Trust


@dataclass(frozen=True, slots=True)
class CountryLaw:
    country: str
    currency: str
    credit_warning: str
    methods: Methods
    identification: Identification
    information: Information
    surcharges: tuple[Surcharge, ...]
    figures: tuple[Figure, ...]

    def figure(self, key: str, on: date) -> Figure:
        """The figure in force on that day, the latest of several. Raises FigureUnknown."""
        found = self.find(key, on)
        if found is None:
            raise FigureUnknown(self.country, key, on)
        return found

    def find(self, key: str, on: date) -> Figure | None:
        in_force = [figure for figure in self.figures if figure.key == key and figure.holds_on(on)]
        return max(in_force, key=lambda figure: figure.since, default=None)

    def surcharge_banned(self, method: Method) -> Surcharge | None:
        """The rule that forbids charging a consumer more for this way to pay, if there is one."""
        return next((rule for rule in self.surcharges if method in rule.methods), None)

    def interest_cap(self, on: date) -> InterestCap | None:
        """The cap on the nominal rate, or None where the country caps something else."""
        margin = self.find("interest_cap_margin_percent", on)
        if margin is None:
            return None
        reference = self.find("reference_rate_percent", on)
        percent = margin.value + (reference.value if reference else 0)
        ceiling = self.find("interest_cap_ceiling_percent", on)
        return InterestCap(min(percent, ceiling.value) if ceiling else percent, reference is not None)

    def late_cost(self, on: date) -> LateCost:
        margin = self.find("late_interest_margin_percent", on)
        reference = self.find("reference_rate_percent", on)
        return LateCost(
            interest_margin_percent=margin.value if margin else None,
            interest_percent=margin.value + reference.value if margin and reference else None,
            reminder_fee_minor=int(self.figure("reminder_fee_minor", on).value),
            reminder_fee_cap_minor=self._whole("reminder_fee_cap_minor", on),
            reminder_after_days=self._whole("reminder_after_days", on),
        )

    def late_cost_of_company(self, on: date) -> LateCost:
        """What paying late costs a company: interest by the act on late payments between businesses. The product
        charges companies nothing for reminders."""
        margin = self.find("company_late_interest_margin_percent", on)
        reference = self.find("reference_rate_percent", on)
        return LateCost(
            interest_margin_percent=margin.value if margin else None,
            interest_percent=margin.value + reference.value if margin and reference else None,
            reminder_fee_minor=0,
            reminder_fee_cap_minor=None,
            reminder_after_days=None,
        )

    def claims(self, on: date) -> tuple[Claim, ...]:
        """What is in force on that day and rests on a secondary source or none, in the order of the file."""
        identification = self.identification
        policy = f"{identification.policy} {identification.code_alone_max_minor}"
        said = [
            self._claim("methods", " ".join(self.methods.order), self.methods),
            self._claim("identification", policy, identification),
            self._claim(WORDING, self.information.version, self.information),
        ]
        said += [
            self._claim(figure.key, f"{figure.value:f}", figure)
            for figure in self.figures
            if figure is self.find(figure.key, on)
        ]
        return tuple(claim for claim in said if claim.trust != "primary")

    def is_official(self, confirmed: Collection[str]) -> bool:
        """Whether the wording of the information sheet is the law's: read there, or among those an operator confirmed,
        each written as country and version ("FI 1")."""
        return (
            self.information.trust == "primary" or f"{self.country} {self.information.version}" in confirmed
        )

    def _claim(self, key: str, value: str, origin: Methods | Identification | Information | Figure) -> Claim:
        return Claim(self.country, key, value, origin.since, origin.source, origin.trust)

    def _whole(self, key: str, on: date) -> int | None:
        found = self.find(key, on)
        return int(found.value) if found else None


@lru_cache(maxsize=len(COUNTRIES))
def law_of(country: str) -> CountryLaw:
    """The law file of a served country (two letters). Raises CountryNotServed."""
    if country not in COUNTRIES:
        raise CountryNotServed(country)
    text = (Path(__file__).parent / f"{country.lower()}.toml").read_bytes()
    return msgspec.toml.decode(text, type=CountryLaw)
