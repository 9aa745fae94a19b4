"""What plans refuse by name. Each carries the figures a page needs to word it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import ClassVar, Final

from app.kernel.errors import Refusal


class NoRate(Refusal):
    """The flows have no annual percentage rate: no credit, nothing repaid, or no rate that balances them."""

    code: ClassVar[str] = "no_rate"

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class AmountOutOfRange(Refusal):
    code: ClassVar[str] = "amount_out_of_range"

    def __init__(self, amount_minor: int, min_amount_minor: int, max_amount_minor: int) -> None:
        super().__init__()
        self.amount_minor = amount_minor
        self.min_amount_minor = min_amount_minor
        self.max_amount_minor = max_amount_minor


class MonthsOutOfRange(Refusal):
    code: ClassVar[str] = "months_out_of_range"

    def __init__(self, months: int, min_months: int, max_months: int) -> None:
        super().__init__()
        self.months = months
        self.min_months = min_months
        self.max_months = max_months


class InstalmentTooSmall(Refusal):
    code: ClassVar[str] = "instalment_too_small"

    def __init__(self, months: int, monthly_minor: int, min_instalment_minor: int) -> None:
        super().__init__()
        self.months = months
        self.monthly_minor = monthly_minor
        self.min_instalment_minor = min_instalment_minor


class NoTermPossible(Refusal):
    """No number of months of this plan fits the amount."""

    code: ClassVar[str] = "no_term_possible"

    def __init__(self, plan_key: str, amount_minor: int) -> None:
        super().__init__()
        self.plan_key = plan_key
        self.amount_minor = amount_minor


class CurrencyMismatch(Refusal):
    code: ClassVar[str] = "currency_mismatch"

    def __init__(self, currency: str, expected: str) -> None:
        super().__init__()
        self.currency = currency
        self.expected = expected


class UnknownDelivery(Refusal):
    code: ClassVar[str] = "unknown_delivery"

    def __init__(self, delivery: str, allowed: Sequence[str]) -> None:
        super().__init__()
        self.delivery = delivery
        self.allowed = tuple(allowed)


class WalletPartRefused(Refusal):
    """A sum that no wallet can pay: nothing, less than nothing, or more than any sum."""

    code: ClassVar[str] = "wallet_part_refused"

    def __init__(self, wallet_minor: int) -> None:
        super().__init__()
        self.wallet_minor = wallet_minor


class PlanRefused(Refusal):
    """A field of a plan is out of its bounds."""

    code: ClassVar[str] = "plan_refused"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


_UNITS: Final = {"percent": "%", "minor": "minor units"}


class CapBroken(Refusal):
    """A price above what the country's law allows: which cap, where it stands, and what was found."""

    code: ClassVar[str] = "cap_broken"

    def __init__(self, key: str, limit: Decimal, found: Decimal, unit: str, source: str, trust: str) -> None:
        word = _UNITS[unit]
        super().__init__(
            f"{key}: at most {limit:.2f} {word}, this plan comes to {found:.2f} {word} ({source}; {trust})"
        )
        self.key = key
        self.limit = limit
        self.found = found
        self.unit = unit
        self.source = source
        self.trust = trust


class StartInThePast(Refusal):
    """A quote of a day that is over: its due dates count from that day."""

    code: ClassVar[str] = "start_in_the_past"

    def __init__(self, start: date, today: date) -> None:
        super().__init__()
        self.start = start
        self.today = today


class PlanKeyTaken(Refusal):
    """The merchant has, or had, another plan of this key: what a key meant it goes on to mean."""

    code: ClassVar[str] = "plan_key_taken"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class PlanUnknown(Refusal):
    """The merchant offers no plan of this key."""

    code: ClassVar[str] = "plan_unknown"

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class QuoteDamagedError(ValueError):
    """Stored text that is no quote, or whose figures do not match its id: never to be shown or booked."""
