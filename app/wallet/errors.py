"""What a wallet refuses, beside what the ledger does (`ledger.errors`: InsufficientFunds, HoldEnded, MoneyFrozen)."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from app.kernel.errors import Refusal


class NoSuchWallet(Refusal):
    """Nobody with this id has ever been a customer of this shop."""

    code: ClassVar[str] = "wallet_not_found"


class WalletCurrencyMismatch(Refusal):
    """A wallet keeps the currency of its shop."""

    code: ClassVar[str] = "wallet_currency_mismatch"

    def __init__(self, expected: str, given: str) -> None:
        super().__init__(expected, given)
        self.expected = expected
        self.given = given


class MayNotLapse(Refusal):
    """Money of this cause never lapses in the shop's country, or not before `not_before`."""

    code: ClassVar[str] = "may_not_lapse"

    def __init__(self, not_before: date | None) -> None:
        super().__init__(not_before)
        self.not_before = not_before


class RoleRefused(Refusal):
    """This is another role's to do."""

    code: ClassVar[str] = "role_refused"


class AdjustmentRefused(Refusal):
    """A change that staff may not make. `field` is amount, cause or note; reasons: malformed, empty, too_long, and
    only_gives for a cause by which a wallet loses nothing."""

    code: ClassVar[str] = "adjustment_refused"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class BalanceChanged(Refusal):
    """The wallet holds another sum by now than whoever changes it has seen."""

    code: ClassVar[str] = "balance_changed"

    def __init__(self, balance_minor: int) -> None:
        super().__init__(balance_minor)
        self.balance_minor = balance_minor


class KeyOfAnother(Refusal):
    """The key was used before, for something else."""

    code: ClassVar[str] = "wallet_key_used"


class PayoutRefused(Refusal):
    """A payout that cannot be asked for. `field` is amount, iban or holder; reasons: malformed, empty, too_long."""

    code: ClassVar[str] = "payout_refused"

    def __init__(self, field: Literal["amount", "iban", "holder"], reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class OwesTheShop(Refusal):
    """Of what is in the wallet `owed_minor` is still owed to this shop, so at most `payable_minor` is paid out now."""

    code: ClassVar[str] = "owes_the_shop"

    def __init__(self, owed_minor: int, payable_minor: int) -> None:
        super().__init__(owed_minor, payable_minor)
        self.owed_minor = owed_minor
        self.payable_minor = payable_minor


class NoSuchPayout(Refusal):
    """This shop has no such payout."""

    code: ClassVar[str] = "payout_not_found"


class NoSuchAdjustment(Refusal):
    """This shop has no such change of a wallet."""

    code: ClassVar[str] = "adjustment_not_found"


class AdjustmentDecided(Refusal):
    """Somebody has decided it, or it never waited: `state` says how it stands."""

    code: ClassVar[str] = "adjustment_decided"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class PayoutWaits(Refusal):
    """It is above the shop's limit, and nobody but who asked has said yes yet."""

    code: ClassVar[str] = "payout_waits"


class PayoutEnded(Refusal):
    """It was paid or cancelled before, or approved: `state` says how it stands."""

    code: ClassVar[str] = "payout_ended"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class StaysInTheShop(Refusal):
    """The wallet can be paid with here, so its money is paid out by the shop alone."""

    code: ClassVar[str] = "wallet_in_use"
