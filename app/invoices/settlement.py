"""What is asked for less when a credit ends before its time. Pure.

Early repayment is directive (EU) 2023/2225 article 29: whoever repays early pays no cost of the time that is left.
Costs of an instalment accrue day by day from the due date before it (the first from the day of purchase) to its own;
what has not accrued on the day of repayment is dropped, interest and fees alike. No compensation is asked for it.

Goods that go back end their part of the credit as if it had never been lent: interest that is not in the books yet is
dropped in the share that the credited sum has in the balance of each period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment that still asks for money. `open_minor` holds `interest_minor` and `fee_minor` when those are not
    in the books yet (`is_posted`); otherwise they are facts, and nothing of them is dropped."""

    starts_on: date
    due_on: date
    open_minor: int
    interest_minor: int
    fee_minor: int
    is_posted: bool

    @property
    def principal_minor(self) -> int:
        """What is open of the sum itself, with costs that are in the books."""
        return self.open_minor if self.is_posted else self.open_minor - self.interest_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class Less:
    """By how much less a part asks: what is credited of it, and what is dropped of its costs."""

    credited_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0

    @property
    def sum_minor(self) -> int:
        return self.credited_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Settlement:
    """What pays everything on a day: `figure_minor`, which is `remaining_minor` less what is dropped, part by part."""

    figure_minor: int
    remaining_minor: int
    less: tuple[Less, ...]

    @property
    def saved_minor(self) -> int:
        return self.remaining_minor - self.figure_minor


def settle(parts: Sequence[Part], on: date) -> Settlement:
    """The figure that ends the credit on a day."""
    less = tuple(_not_accrued(part, on) for part in parts)
    remaining = sum(part.open_minor for part in parts)
    return Settlement(remaining - sum(each.sum_minor for each in less), remaining, less)


def credit(parts: Sequence[Part], amount_minor: int) -> tuple[Less, ...]:
    """How a credited sum lowers what the parts ask for, the last ones first, and which costs fall away with it.

    What is more than all of them ask for without those costs is not theirs: see the sum of `credited_minor`.
    """
    taken = _from_the_last(parts, amount_minor)
    return tuple(
        _credited(parts[at:], share, amount_minor) if not part.is_posted else Less(credited_minor=share)
        for at, (part, share) in enumerate(zip(parts, taken, strict=True))
    )


def _not_accrued(part: Part, on: date) -> Less:
    if part.is_posted:
        return Less()
    return Less(
        interest_minor=part.interest_minor - _accrued(part, part.interest_minor, on),
        fee_minor=part.fee_minor - _accrued(part, part.fee_minor, on),
    )


def _accrued(part: Part, cost_minor: int, on: date) -> int:
    """The cost of the days so far, half up."""
    days = (part.due_on - part.starts_on).days
    gone = (on - part.starts_on).days
    if gone >= days:
        return cost_minor
    return _half_up(cost_minor * max(0, gone), days)


def _from_the_last(parts: Sequence[Part], amount_minor: int) -> tuple[int, ...]:
    taken = []
    for part in reversed(parts):
        share = min(amount_minor, part.principal_minor)
        amount_minor -= share
        taken.append(share)
    return tuple(reversed(taken))


def _credited(parts: Sequence[Part], share_minor: int, amount_minor: int) -> Less:
    """The first of `parts`, whose balance is the principal of itself and of all after it."""
    part = parts[0]
    balance = sum(each.principal_minor for each in parts)
    if balance <= amount_minor:
        return Less(share_minor, part.interest_minor, part.fee_minor)
    return Less(share_minor, _half_up(part.interest_minor * amount_minor, balance))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
