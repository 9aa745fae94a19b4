"""A quote: the one object that holds every figure of an offer. Pages, postings and documents read it.

Pure: a plan, an amount and a day of purchase give the same quote everywhere, and its id is the hash of its
content, so two quotes with one id cannot differ by a cent.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

import msgspec

from app.kernel.ids import ALPHABET, PUBLIC_LENGTH
from app.kernel.money import MAX_AMOUNT_MINOR
from app.law.rules import LateCost, law_of
from app.plans.apr import annual_percentage_rate, round_apr, years_between
from app.plans.errors import (
    AmountOutOfRange,
    CurrencyMismatch,
    InstalmentTooSmall,
    MonthsOutOfRange,
    NoTermPossible,
    QuoteDamagedError,
    UnknownDelivery,
    WalletPartRefused,
)
from app.plans.schedule import Instalment, Pricing, Style, instalments, monthly_minor, single_payment

Kind = Literal["invoice", "instalments"]
# Paid by the shopper at once, through a provider.
PaidMethod = Literal["card", "mobilepay"]
Method = Literal["wallet", PaidMethod, Kind]
# An e-file is the invoice as a file that the bookkeeping of a company reads.
Delivery = Literal["email", "paper", "efile"]

DELIVERIES: Final[Mapping[Kind, tuple[Delivery, ...]]] = {
    "invoice": ("email", "paper"),
    "instalments": ("email",),
}
DELIVERIES_TO_COMPANIES: Final[tuple[Delivery, ...]] = ("email", "efile")
APR_DECIMALS: Final = 1
# What a quote without a wallet part was from the start, what one with it is, what one that a provider settles is, and
# what one of a company is.
_VERSION: Final = 1
_VERSION_WITH_WALLET: Final = 2
_VERSION_PAID: Final = 3
_VERSION_OF_COMPANY: Final = 4
# Parts that are left out of the content where they are none: ids from before there were any still hold.
_LATER_PARTS: Final = ("wallet_minor", "paid_minor", "for_company")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a merchant offers. Amounts are minor units of `currency`; `nominal_rate` is percent a year.

    An invoice uses `due_days` and `paper_fee_minor`; instalments use the months, the rate and the other fees.
    `for_company`: consumers are never offered it, and the law on lending to them does not speak of it.
    """

    key: str
    kind: Kind
    currency: str
    min_amount_minor: int
    max_amount_minor: int
    due_days: int = 0
    paper_fee_minor: int = 0
    style: Style = "annuity"
    nominal_rate: Decimal = Decimal(0)
    min_months: int = 0
    max_months: int = 0
    interest_free_months: int = 0
    fee_minor: int = 0
    arrangement_fee_minor: int = 0
    min_instalment_minor: int = 0
    for_company: bool = False

    def __post_init__(self) -> None:
        # 14.9 and 14.9000 are one rate and must give one quote id.
        object.__setattr__(self, "nominal_rate", Decimal(f"{self.nominal_rate.normalize():f}"))

    @property
    def pricing(self) -> Pricing:
        return Pricing(
            style=self.style,
            nominal_rate=self.nominal_rate,
            interest_free_months=self.interest_free_months,
            fee_minor=self.fee_minor,
            arrangement_fee_minor=self.arrangement_fee_minor,
        )

    def takes(self, amount_minor: int) -> bool:
        return self.min_amount_minor <= amount_minor <= self.max_amount_minor


@dataclass(frozen=True, slots=True)
class TermOption:
    """A length to choose: so many months at so much a month (the largest regular instalment, with fee)."""

    months: int
    monthly_minor: int


@dataclass(frozen=True, slots=True)
class Quote:
    """Every figure of one offer. `id` and `hash` follow from the rest and are checked when they are given.

    `months` is 0 for an invoice. `apr` has the printed decimals, `apr_exact` is the same percent unrounded,
    as text. `wallet_minor` is what the shopper's wallet pays at once, `paid_minor` what they pay at once by card or
    MobilePay; every other figure is of the rest, which is lent: `amount_minor` is 0 and the schedule empty where
    nothing is. `for_company` says that a company owes it, so that no law on lending to consumers speaks of it. Raises
    QuoteDamagedError when a given id or hash does not fit the figures.
    """

    merchant: str
    country: str
    currency: str
    method: Method
    delivery: Delivery
    plan_key: str
    style: Style
    months: int
    start: date
    amount_minor: int
    interest_minor: int
    fees_minor: int
    total_payable_minor: int
    monthly_minor: int
    nominal_rate: Decimal
    apr: Decimal
    apr_exact: str
    schedule: tuple[Instalment, ...]
    late: LateCost
    version: int = _VERSION
    id: str = ""
    hash: str = ""
    wallet_minor: int = 0
    paid_minor: int = 0
    for_company: bool = False

    def __post_init__(self) -> None:
        digest = hashlib.sha256(_CANONICAL.encode(self._told(_content_fields()))).digest()
        quote_id = _id_of(digest)
        if self.id not in {"", quote_id} or self.hash not in {"", digest.hex()}:
            raise QuoteDamagedError(f"the figures of {self.id} do not give that id")
        object.__setattr__(self, "id", quote_id)
        object.__setattr__(self, "hash", digest.hex())

    def __hash__(self) -> int:
        """The id says everything; hashing each row of the schedule would say it again."""
        return hash(self.id)

    @property
    def price_minor(self) -> int:
        """What is bought costs this, however it is paid."""
        return self.amount_minor + self.wallet_minor + self.paid_minor

    @property
    def is_credit(self) -> bool:
        """Whether anything is lent; a purchase that is paid at once is none of credit's business."""
        return self.amount_minor > 0

    @property
    def needs_nobody(self) -> bool:
        """Whether nobody need be identified for it: all of it is paid through a provider, who sees to that."""
        return self.paid_minor > 0 and self.paid_minor == self.price_minor

    @property
    def is_consumer_credit(self) -> bool:
        """Whether a consumer owes it: then there is an information sheet, an agreement and a right to withdraw."""
        return self.is_credit and not self.for_company

    @property
    def first_due(self) -> date:
        """The day of the purchase where nothing is paid later."""
        return self.schedule[0].due if self.schedule else self.start

    @property
    def last_due(self) -> date:
        return self.schedule[-1].due if self.schedule else self.start

    def _told(self, names: tuple[str, ...]) -> dict[str, object]:
        """The figures by name, without the parts that are none."""
        told = {name: getattr(self, name) for name in names}
        return {name: value for name, value in told.items() if value or name not in _LATER_PARTS}

    def to_json(self) -> str:
        """Canonical text (sorted keys, no spaces), id and hash included; `from_json` gives an equal quote."""
        return _CANONICAL.encode(self._told(_all_fields())).decode()

    def to_data(self) -> dict[str, object]:
        """The same as plain objects, for a jsonb column."""
        return msgspec.json.decode(self.to_json(), type=dict[str, object])

    @classmethod
    def from_json(cls, text: str | bytes) -> "Quote":
        """Raises QuoteDamagedError when the text is no quote or its figures do not fit its id."""
        try:
            data = msgspec.json.decode(text, type=dict[str, object])
        except msgspec.DecodeError as error:
            raise QuoteDamagedError(str(error)) from error
        return cls.from_data(data)

    @classmethod
    def from_data(cls, data: object) -> "Quote":
        """From what a jsonb column gives back. Raises QuoteDamagedError as `from_json` does."""
        if not isinstance(data, Mapping) or not data.get("id") or not data.get("hash"):
            raise QuoteDamagedError("a quote without its id and hash")
        try:
            return msgspec.convert(data, type=cls)
        except msgspec.ValidationError as error:
            raise QuoteDamagedError(str(error)) from error


# Pure, and asked again by each step for the same basket on the same day.
@lru_cache(maxsize=2048, typed=True)
def make_quote(
    plan: Plan,
    amount_minor: int,
    currency: str,
    country: str,
    start: date,
    months: int = 0,
    *,
    merchant: str,
    delivery: str = "email",
) -> Quote:
    """The quote of a plan for a purchase on `start` (the local day of the merchant's country).

    `months` counts for instalments only, `delivery` is "email", "paper" for an invoice, or "efile" for that of a
    company; `merchant` is the public id. Raises CurrencyMismatch, AmountOutOfRange, MonthsOutOfRange,
    InstalmentTooSmall, UnknownDelivery, CountryNotServed.
    """
    law = law_of(country)
    _check(plan, amount_minor, currency, law.currency)
    chosen = _delivery(plan, delivery)
    if plan.kind == "invoice":
        months, monthly = 0, 0
        fee = plan.paper_fee_minor if chosen == "paper" else 0
        schedule: tuple[Instalment, ...] = (
            single_payment(amount_minor, plan.due_days, fee, start=start, country=country),
        )
    else:
        monthly = _checked_monthly(plan, amount_minor, months)
        schedule = instalments(amount_minor, months, plan.pricing, start=start, country=country)
    interest = sum(row.interest_minor for row in schedule)
    fees = sum(row.fee_minor for row in schedule)
    percent = _apr(plan, schedule, start) if interest + fees else Decimal(0)
    return Quote(
        merchant=merchant,
        country=country,
        currency=currency,
        method=plan.kind,
        delivery=chosen,
        plan_key=plan.key,
        style=plan.style,
        months=months,
        start=start,
        amount_minor=amount_minor,
        interest_minor=interest,
        fees_minor=fees,
        total_payable_minor=amount_minor + interest + fees,
        monthly_minor=monthly or schedule[0].amount_minor,
        nominal_rate=plan.nominal_rate if plan.kind == "instalments" else Decimal(0),
        apr=round_apr(percent, APR_DECIMALS),
        apr_exact=f"{percent:f}",
        schedule=schedule,
        late=law.late_cost_of_company(start) if plan.for_company else law.late_cost(start),
        version=_VERSION_OF_COMPANY if plan.for_company else _VERSION,
        for_company=plan.for_company,
    )


def beside_wallet(quote: Quote, wallet_minor: int) -> Quote:
    """The quote of a plan for what is left of a price once the wallet has paid `wallet_minor` of it. Raises
    WalletPartRefused."""
    _check_wallet(wallet_minor)
    version = max(quote.version, _VERSION_WITH_WALLET)
    return replace(quote, wallet_minor=wallet_minor, version=version, id="", hash="")


@lru_cache(maxsize=2048, typed=True)
def wallet_quote(amount_minor: int, currency: str, country: str, start: date, *, merchant: str) -> Quote:
    """The quote of a purchase that the wallet pays alone: at once, at no cost, and nothing is lent.

    Raises CurrencyMismatch, WalletPartRefused, CountryNotServed.
    """
    _check_wallet(amount_minor)
    return _nothing_lent(
        "wallet", currency, country, start, merchant, version=_VERSION_WITH_WALLET, wallet_minor=amount_minor
    )


@lru_cache(maxsize=2048, typed=True)
def paid_quote(
    method: PaidMethod, amount_minor: int, currency: str, country: str, start: date, *, merchant: str
) -> Quote:
    """The quote of a purchase paid at once through a provider, at no cost of ours. A wallet's part is put beside it by
    `beside_wallet`; `amount_minor` is what is left for the provider.

    Raises CurrencyMismatch, AmountOutOfRange, CountryNotServed.
    """
    if not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise AmountOutOfRange(amount_minor, 1, MAX_AMOUNT_MINOR)
    return _nothing_lent(
        method, currency, country, start, merchant, version=_VERSION_PAID, paid_minor=amount_minor
    )


def _nothing_lent(
    method: Literal["wallet", PaidMethod],
    currency: str,
    country: str,
    start: date,
    merchant: str,
    *,
    version: int,
    wallet_minor: int = 0,
    paid_minor: int = 0,
) -> Quote:
    law = law_of(country)
    if currency != law.currency:
        raise CurrencyMismatch(currency, law.currency)
    return Quote(
        merchant=merchant,
        country=country,
        currency=currency,
        method=method,
        delivery="email",
        plan_key=method,
        style="annuity",
        months=0,
        start=start,
        amount_minor=0,
        interest_minor=0,
        fees_minor=0,
        total_payable_minor=0,
        monthly_minor=0,
        nominal_rate=Decimal(0),
        apr=round_apr(Decimal(0), APR_DECIMALS),
        apr_exact="0",
        schedule=(),
        late=law.late_cost(start),
        version=version,
        wallet_minor=wallet_minor,
        paid_minor=paid_minor,
    )


def terms(plan: Plan, amount_minor: int) -> list[TermOption]:
    """Every number of months that the plan allows for the amount and that meets its smallest instalment.

    Shortest first; empty for an invoice and for an amount that the plan does not take.
    """
    return list(_terms(plan, amount_minor))


def nearest_term(
    plan: Plan,
    amount_minor: int,
    *,
    wished_months: int | None = None,
    wished_monthly_minor: int | None = None,
) -> tuple[TermOption, bool]:
    """The possible term nearest to the wish, and whether the wish had to be moved.

    A wish is a number of months or an amount a month; without either it is the shortest term, not moved.
    Of two equally near terms the shorter one, which costs less. Raises NoTermPossible.
    """
    options = _terms(plan, amount_minor)
    if not options:
        raise NoTermPossible(plan.key, amount_minor)
    if wished_months is not None:
        nearest = min(options, key=lambda option: abs(option.months - wished_months))
        return nearest, nearest.months != wished_months
    if wished_monthly_minor is not None:
        nearest = min(options, key=lambda option: abs(option.monthly_minor - wished_monthly_minor))
        return nearest, nearest.monthly_minor != wished_monthly_minor
    return options[0], False


def is_too_small(plan: Plan, amount_minor: int, months: int, monthly: int) -> bool:
    """Whether instalments of `monthly` are below the plan's smallest, or some of them would be of nothing at all:
    a sum of fewer minor units than months cannot be paid in so many."""
    return monthly < plan.min_instalment_minor or amount_minor < months


@lru_cache(maxsize=1024)
def _terms(plan: Plan, amount_minor: int) -> tuple[TermOption, ...]:
    if plan.kind != "instalments" or not plan.takes(amount_minor):
        return ()
    pricing = plan.pricing
    options: list[TermOption] = []
    for months in range(max(plan.min_months, 1), plan.max_months + 1):
        monthly = monthly_minor(amount_minor, months, pricing)
        if is_too_small(plan, amount_minor, months, monthly):
            break
        options.append(TermOption(months, monthly))
    return tuple(options)


def _check(plan: Plan, amount_minor: int, currency: str, law_currency: str) -> None:
    if currency != plan.currency:
        raise CurrencyMismatch(currency, plan.currency)
    if currency != law_currency:
        raise CurrencyMismatch(currency, law_currency)
    if not plan.takes(amount_minor):
        raise AmountOutOfRange(amount_minor, plan.min_amount_minor, plan.max_amount_minor)


def _check_wallet(wallet_minor: int) -> None:
    if not 0 < wallet_minor <= MAX_AMOUNT_MINOR:
        raise WalletPartRefused(wallet_minor)


def _delivery(plan: Plan, delivery: str) -> Delivery:
    allowed = DELIVERIES_TO_COMPANIES if plan.for_company else DELIVERIES[plan.kind]
    for known in allowed:
        if known == delivery:
            return known
    raise UnknownDelivery(delivery, allowed)


def _checked_monthly(plan: Plan, amount_minor: int, months: int) -> int:
    if not max(plan.min_months, 1) <= months <= plan.max_months:
        raise MonthsOutOfRange(months, max(plan.min_months, 1), plan.max_months)
    monthly = monthly_minor(amount_minor, months, plan.pricing)
    if is_too_small(plan, amount_minor, months, monthly):
        raise InstalmentTooSmall(months, monthly, plan.min_instalment_minor)
    return monthly


def _apr(plan: Plan, schedule: tuple[Instalment, ...], start: date) -> Decimal:
    """From the agreed dates: the move to a business day is a delay without price and only lowers the rate."""
    amount = sum(row.principal_minor for row in schedule)
    if plan.kind == "instalments":
        return annual_percentage_rate(
            [(0, amount)], [(_twelfths(row.number), row.amount_minor) for row in schedule]
        )
    if plan.due_days == 0:
        return Decimal(0)
    years = years_between(start, start + timedelta(days=plan.due_days), "week")
    return annual_percentage_rate([(0, amount)], [(years, schedule[0].amount_minor)])


@lru_cache(maxsize=256)
def _twelfths(months: int) -> float:
    return float(Fraction(months, 12))


_CANONICAL: Final = msgspec.json.Encoder(order="sorted")


@lru_cache(maxsize=1)
def _all_fields() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Quote))


@lru_cache(maxsize=1)
def _content_fields() -> tuple[str, ...]:
    return tuple(name for name in _all_fields() if name not in {"id", "hash"})


def _id_of(digest: bytes) -> str:
    """A public id from the first 128 bits of the hash, in the alphabet of all public ids."""
    number = int.from_bytes(digest[:16], "big")
    characters = [ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(PUBLIC_LENGTH))]
    return "qt_" + "".join(characters)
