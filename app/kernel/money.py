"""Money as an integer of minor units with its currency, and the only two ways the product rounds it.

Rounding is half up (half away from zero), once, at the last step. Splitting is by largest remainder, so parts
always sum to the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Final, TypeAlias

CURRENCIES: Final = frozenset({"EUR", "SEK", "DKK"})
"""Every currency the product knows. All of them have two decimals."""

POINTS_UNIT: Final = "PTS"
"""What the ledger calls points: a unit beside the currencies, whole, and never money."""

MINOR_PER_MAJOR: Final = 100
MAX_AMOUNT_MINOR: Final = 10**12


class MoneyError(ValueError):
    """Arithmetic that has no meaning: a fault of the program, never of a shopper."""


class UnknownCurrencyError(MoneyError):
    def __init__(self, currency: str) -> None:
        super().__init__(f"unknown currency {currency!r}")
        self.currency = currency


class MixedCurrenciesError(MoneyError):
    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} do not mix")
        self.left = left
        self.right = right


class AmountOutOfBoundsError(MoneyError):
    def __init__(self, amount_minor: int) -> None:
        super().__init__(f"{amount_minor} is beyond {MAX_AMOUNT_MINOR} minor units")
        self.amount_minor = amount_minor


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, öre). Adds, subtracts and compares within one currency only.

    Raises TypeError for anything but a true int (bool and float included), UnknownCurrencyError,
    AmountOutOfBoundsError.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError(f"amount_minor must be int, not {type(self.amount_minor).__name__}")
        if self.currency not in CURRENCIES:
            raise UnknownCurrencyError(self.currency)
        if abs(self.amount_minor) > MAX_AMOUNT_MINOR:
            raise AmountOutOfBoundsError(self.amount_minor)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + _same_currency(self, other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - _same_currency(self, other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount_minor < _same_currency(self, other)

    def __le__(self, other: "Money") -> bool:
        return self.amount_minor <= _same_currency(self, other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount_minor > _same_currency(self, other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount_minor >= _same_currency(self, other)

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    @property
    def major(self) -> Decimal:
        """The amount in whole units with two decimals, for printing only."""
        return Decimal(self.amount_minor).scaleb(-2)


@total_ordering
@dataclass(frozen=True, slots=True)
class Points:
    """A number of loyalty points. Adds, subtracts and compares with points only; money is another type.

    Raises TypeError for anything but a true int (bool and float included), AmountOutOfBoundsError.
    """

    points: int

    def __post_init__(self) -> None:
        if type(self.points) is not int:
            raise TypeError(f"points must be int, not {type(self.points).__name__}")
        if abs(self.points) > MAX_AMOUNT_MINOR:
            raise AmountOutOfBoundsError(self.points)

    @property
    def amount_minor(self) -> int:
        """As the ledger counts: a point is its own smallest unit."""
        return self.points

    @property
    def currency(self) -> str:
        return POINTS_UNIT

    def __add__(self, other: "Points") -> "Points":
        return Points(self.points + _points(other))

    def __sub__(self, other: "Points") -> "Points":
        return Points(self.points - _points(other))

    def __neg__(self) -> "Points":
        return Points(-self.points)

    def __lt__(self, other: "Points") -> bool:
        return self.points < _points(other)

    def __bool__(self) -> bool:
        return self.points != 0


Amount: TypeAlias = Money | Points
"""What the ledger moves."""


def amount_of(amount_minor: int, unit: str) -> Amount:
    """An amount as the ledger stored it: `unit` is a currency or POINTS_UNIT. Raises as the types do."""
    return Points(amount_minor) if unit == POINTS_UNIT else Money(amount_minor, unit)


def _points(other: Points) -> int:
    if not isinstance(other, Points):
        raise TypeError(f"Points and {type(other).__name__} do not mix")
    return other.points


def _same_currency(left: Money, right: Money) -> int:
    if not isinstance(right, Money):
        raise TypeError(f"Money and {type(right).__name__} do not mix")
    if left.currency != right.currency:
        raise MixedCurrenciesError(left.currency, right.currency)
    return right.amount_minor


def half_up(value: Decimal) -> int:
    """The nearest integer; a half goes away from zero: 0.5 -> 1, -0.5 -> -1."""
    if not isinstance(value, Decimal):
        raise TypeError(f"half_up takes Decimal, not {type(value).__name__}")
    return int(value.to_integral_value(rounding=ROUND_HALF_UP))


def half_up_ratio(numerator: int, denominator: int) -> int:
    """`half_up` of a fraction of integers, without leaving the integers. The denominator is positive."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -rounded if numerator < 0 else rounded


def allocate(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights: largest remainder, of equal ones the earlier part takes the extra unit.

    The parts sum to the amount to the minor unit. A negative amount is split as its positive twin. Raises
    ValueError when a weight is negative or none is positive.
    """
    total_weight = sum(weights)
    if total_weight <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative and must hold one above zero")
    if amount_minor < 0:
        return [-part for part in allocate(-amount_minor, weights)]
    parts: list[int] = []
    remainders: list[int] = []
    for weight in weights:
        part, remainder = divmod(amount_minor * weight, total_weight)
        parts.append(part)
        remainders.append(remainder)
    left_over = amount_minor - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: -remainders[index])
    for index in by_remainder[:left_over]:
        parts[index] += 1
    return parts
