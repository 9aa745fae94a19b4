"""What a shop takes back and on which conditions, what a return comes to, and where a refund's money goes. Pure.

The right to withdraw from a sale at a distance is the law's (Directive 2011/83/EU articles 9 to 16): a shop's days are
never fewer for a consumer, they begin with the delivery, and whoever takes back everything in that time pays the
delivery back as well. A fee is what sending back costs; goods that are not what was sold come back without one,
whatever the conditions say (Directive (EU) 2019/771).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from app.invoices.credits import Pieces
from app.kernel.money import MAX_AMOUNT_MINOR, half_up_ratio
from app.law.rules import CountryLaw
from app.returns.errors import ConditionsRefused, ReturnRefused

Destination = Literal["wallet", "original"]
Reason = Literal["changed_mind", "wrong_size", "wrong_item", "damaged", "not_as_described", "other"]

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
# The shop's own fault: no fee, no end of the days by the shop's own conditions, no category that is kept out.
FAULTS: Final = frozenset({"wrong_item", "damaged", "not_as_described"})
DAYS_MAX: Final = 365
DELIVERY_DAYS_MAX: Final = 90
CATEGORIES_MAX: Final = 50
CATEGORY_LENGTH_MAX: Final = 100
STATEMENT_LENGTH_MAX: Final = 2_000
# Where the law file names no figure for a country, the directive's own.
LAW_DAYS: Final = 14
DELIVERY_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Conditions:
    """A shop's own: until how many days after the delivery goods come back (`delivery_days` is what a delivery takes at
    most, since nobody tells us its day), what sending back costs, whether that is free when the money goes to the
    wallet, which categories stay sold, and above which sum (minor units) a second person approves; None for never.
    """

    days: int
    delivery_days: int = DELIVERY_DAYS
    fee_minor: int = 0
    fee_waived_to_wallet: bool = True
    kept_categories: tuple[str, ...] = ()
    approval_above_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What chosen goods come to, in minor units: their price as it was paid, less the fee that each way keeps."""

    value_minor: int
    fee_to_original_minor: int
    fee_to_wallet_minor: int

    @property
    def to_original_minor(self) -> int:
        return self.value_minor - self.fee_to_original_minor

    @property
    def to_wallet_minor(self) -> int:
        return self.value_minor - self.fee_to_wallet_minor

    @property
    def difference_minor(self) -> int:
        """How much more the wallet gets."""
        return self.to_wallet_minor - self.to_original_minor

    def fee_minor(self, to: Destination) -> int:
        return self.fee_to_wallet_minor if to == "wallet" else self.fee_to_original_minor


def law_days(law: CountryLaw, on: date) -> int:
    """For how many days after the delivery a consumer may take back a sale at a distance."""
    figure = law.find("goods_withdrawal_days", on)
    return LAW_DAYS if figure is None else int(figure.value)


def standard(least_days: int) -> Conditions:
    """What holds for a shop that has said nothing: the law's days, and everything else in the shopper's favour."""
    return Conditions(days=least_days)


def checked(wanted: Conditions, least_days: int) -> Conditions:
    """The conditions, tidied.

    Raises ConditionsRefused: "days", "delivery_days", "fee", "kept_categories", "approval_above".
    """
    errors: dict[str, str] = {}
    if not least_days <= wanted.days <= DAYS_MAX:
        errors["days"] = "below_the_law" if 0 < wanted.days < least_days else "out_of_range"
    if not 0 <= wanted.delivery_days <= DELIVERY_DAYS_MAX:
        errors["delivery_days"] = "out_of_range"
    if not 0 <= wanted.fee_minor <= MAX_AMOUNT_MINOR:
        errors["fee"] = "out_of_range"
    above = wanted.approval_above_minor
    if above is not None and not 0 <= above <= MAX_AMOUNT_MINOR:
        errors["approval_above"] = "out_of_range"
    categories = tuple(dict.fromkeys(each.strip() for each in wanted.kept_categories if each.strip()))
    if len(categories) > CATEGORIES_MAX or any(len(each) > CATEGORY_LENGTH_MAX for each in categories):
        errors["kept_categories"] = "out_of_range"
    if errors:
        raise ConditionsRefused(errors)
    return Conditions(
        wanted.days, wanted.delivery_days, wanted.fee_minor, wanted.fee_waived_to_wallet, categories, above
    )


def last_day(conditions: Conditions, purchased_on: date) -> date:
    """The last day on which goods may be announced to come back."""
    return purchased_on + timedelta(days=conditions.delivery_days + conditions.days)


def is_kept(conditions: Conditions, category: str | None, reason: Reason) -> bool:
    """Whether goods of a category stay sold. What is not what was sold always comes back."""
    return reason not in FAULTS and category is not None and category in conditions.kept_categories


def in_time(conditions: Conditions, purchased_on: date, today: date, reason: Reason) -> bool:
    """Whether a return may still be announced. A fault is the shop's for longer than any conditions say."""
    return reason in FAULTS or today <= last_day(conditions, purchased_on)


def offer_of(value_minor: int, conditions: Conditions, reason: Reason) -> Offer:
    """What goods of that value come to. A fee never eats all of it."""
    fee = 0 if reason in FAULTS else min(conditions.fee_minor, value_minor - 1)
    return Offer(value_minor, fee, 0 if conditions.fee_waived_to_wallet else fee)


def checked_pieces(wanted: Sequence[Pieces], left: Mapping[int, int]) -> tuple[Pieces, ...]:
    """The pieces by their line, each of which has so many left. Raises ReturnRefused: "lines"."""
    chosen = tuple(sorted((piece for piece in wanted if piece.quantity), key=lambda piece: piece.position))
    if not chosen or len({piece.position for piece in chosen}) != len(chosen):
        raise ReturnRefused("lines", "none_chosen")
    for piece in chosen:
        if not 1 <= piece.quantity <= left.get(piece.position, 0):
            raise ReturnRefused("lines", "not_left", piece.position)
    return chosen


def are_the_last(chosen: Sequence[Pieces], left: Mapping[int, int]) -> bool:
    """Whether nothing of the goods stays sold after these: `left` is what is neither taken back nor on its way, of each
    line of goods."""
    going = {piece.position: piece.quantity for piece in chosen}
    return all(going.get(position, 0) == count for position, count in left.items())


def statement_of(text: str, *, required: bool = False) -> str | None:
    """What somebody wrote, tidied; None for nothing. Raises ReturnRefused: "statement"."""
    text = text.strip()
    if len(text) > STATEMENT_LENGTH_MAX:
        raise ReturnRefused("statement", "too_long")
    if required and not text:
        raise ReturnRefused("statement", "empty")
    return text or None


def restored_of(
    *, total_minor: int, wallet_minor: int, refunded_minor: int, restored_minor: int, amount_minor: int
) -> int:
    """What of a refund goes back into the wallet lots that paid a part of the price.

    In proportion, rounded half up over all refunds so far: so the last one restores exactly what is left.
    """
    due = half_up_ratio(wallet_minor * (refunded_minor + amount_minor), total_minor)
    return due - restored_minor
