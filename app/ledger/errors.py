"""What the ledger refuses, by name."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class MoneyFrozen(Refusal):
    """Money movement is stopped in the whole deployment until somebody has looked; nothing was written."""

    code: ClassVar[str] = "money_frozen"
    # Somebody has to look first: no use in asking every few seconds.
    resets_in_s: ClassVar[int] = 60


class NotPositive(Refusal, ValueError):
    """An amount of nothing, or less."""

    code: ClassVar[str] = "amount_not_positive"

    def __init__(self, amount_minor: int) -> None:
        super().__init__(amount_minor)
        self.amount_minor = amount_minor


class NotForThisAccount(Refusal, ValueError):
    """The account does not keep this unit, or does not move by this verb."""

    code: ClassVar[str] = "not_for_this_account"

    def __init__(self, address: str, asked: str) -> None:
        super().__init__(address, asked)
        self.address = address
        self.asked = asked


class CurrencyMismatch(Refusal, ValueError):
    """The amount is in another currency than the hold or the transfer it speaks of."""

    code: ClassVar[str] = "currency_mismatch"

    def __init__(self, expected: str, given: str) -> None:
        super().__init__(expected, given)
        self.expected = expected
        self.given = given


class InsufficientFunds(Refusal):
    """Less is there for this than was asked: what is set aside, lapsed or not usable yet does not count."""

    code: ClassVar[str] = "insufficient_funds"

    def __init__(self, available_minor: int, asked_minor: int) -> None:
        super().__init__(available_minor, asked_minor)
        self.available_minor = available_minor
        self.asked_minor = asked_minor


class NeverUsable(Refusal, ValueError):
    """A lot, or a hold, that would be over before it could be used."""

    code: ClassVar[str] = "never_usable"


class NoSuchHold(Refusal):
    """This merchant has no such hold."""

    code: ClassVar[str] = "hold_not_found"


class HoldEnded(Refusal):
    """The hold was captured, released or has expired: `state` says which."""

    code: ClassVar[str] = "hold_ended"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class MoreThanHeld(Refusal, ValueError):
    """More was to be captured than the hold set aside."""

    code: ClassVar[str] = "more_than_held"

    def __init__(self, held_minor: int, asked_minor: int) -> None:
        super().__init__(held_minor, asked_minor)
        self.held_minor = held_minor
        self.asked_minor = asked_minor


class KeyUsed(Refusal):
    """The key of a hold was used for another one."""

    code: ClassVar[str] = "ledger_key_used"


class NoSuchTransfer(Refusal):
    """This merchant has no transfer with this key."""

    code: ClassVar[str] = "transfer_not_found"


class AlreadyReversed(Refusal):
    """The transfer was taken back before, under another key."""

    code: ClassVar[str] = "already_reversed"


class NotReversible(Refusal):
    """The transfer is itself one that takes back, or parts of it came back already."""

    code: ClassVar[str] = "not_reversible"


class MoreThanTaken(Refusal, ValueError):
    """More was to be given back than the transfer took, less what came back already."""

    code: ClassVar[str] = "more_than_taken"

    def __init__(self, left_minor: int, asked_minor: int) -> None:
        super().__init__(left_minor, asked_minor)
        self.left_minor = left_minor
        self.asked_minor = asked_minor
