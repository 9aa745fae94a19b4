"""What to do about a payment, given what its provider says and what its purchase still wants. Pure: one table.

The provider's sums are the truth. A callback, a page of ours that comes back, the reconciler, a shopper who turns away
and the clock all lead here, so that whoever asks first decides and whoever comes after finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.kernel.money import CURRENCIES, Money
from app.payments.ports import Aggregate, ProviderMethod, Standing
from app.payments.states import PaymentState

# How long the shopper has on the provider's page.
TIME_AT_PROVIDER: Final[Mapping[ProviderMethod, timedelta]] = {
    "card": timedelta(minutes=30),
    "mobilepay": timedelta(minutes=10),
}
# So long after that the provider has surely noticed; then it is told to let go.
GRACE: Final = timedelta(minutes=1)
# Between one look and the next; the last one is for ever.
WAITS_S: Final = (2, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400)

# Words beside those of `ports.FAILURES`.
MISMATCH: Final = "mismatch"
GIVEN_BACK: Final = "given_back"
NOT_TAKEN: Final = "not_taken"


class Wish(StrEnum):
    """Whether the purchase still wants this payment: it waits for it; it waits no longer, but takes what is authorised;
    a person looks at it first, and what is authorised stays so; it is over, or paid in another way, and nobody is to be
    charged."""

    WANTED = "wanted"
    LETTING_GO = "letting_go"
    HELD = "held"
    OVER = "over"


class Do(StrEnum):
    """Wait and ask again. Take the authorised money. Have the provider let go. Make the purchase: the money is there.
    Money is there that pays no purchase. The payment has ended without money."""

    WAIT = "wait"
    CAPTURE = "capture"
    CANCEL = "cancel"
    PAY = "pay"
    LATE = "late"
    END = "end"


@dataclass(frozen=True, slots=True)
class Ours:
    """What our row says. `is_refused` tells that the provider would not let us take what is authorised."""

    state: PaymentState
    reference: str
    amount: Money
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What to do; with an end, the state it is; with a failure, the word for it. `kept_minor` is the money that is
    there, where it pays no purchase."""

    do: Do
    to: PaymentState | None = None
    failure: str | None = None
    kept_minor: int = 0


def next_step(ours: Ours, told: Aggregate, wish: Wish) -> Step:
    """The table. Another amount, currency or name than ours is never a purchase."""
    if told.reference != ours.reference:
        # Whoever's payment this is, it is not for us to touch.
        return Step(Do.END, PaymentState.FAILED, MISMATCH)
    if told.captured_minor:
        return _of_money_there(ours, told, wish)
    match told.standing:
        case Standing.FAILED:
            return Step(Do.END, PaymentState.FAILED, told.failure or "provider_error")
        case Standing.EXPIRED:
            return Step(Do.END, PaymentState.EXPIRED)
        case Standing.CANCELLED:
            return Step(Do.END, PaymentState.CANCELLED)
        case Standing.PENDING:
            wanted = wish in {Wish.WANTED, Wish.HELD} and ours.state is not PaymentState.CANCELLING
            return Step(Do.WAIT if wanted else Do.CANCEL)
        case Standing.AUTHORISED:
            return _of_authorised(ours, told, wish)


def _of_money_there(ours: Ours, told: Aggregate, wish: Wish) -> Step:
    kept_minor = told.captured_minor - told.refunded_minor
    if kept_minor <= 0:
        return Step(Do.END, PaymentState.CANCELLED, GIVEN_BACK)
    if told.currency not in CURRENCIES:
        # Nobody asked for such money, and no account of ours keeps it.
        return Step(Do.END, PaymentState.FAILED, MISMATCH)
    if (kept_minor, told.currency) != (ours.amount.amount_minor, ours.amount.currency):
        # It lies with the provider in its own currency, and a person is asked about it.
        return Step(Do.LATE, failure=MISMATCH, kept_minor=kept_minor)
    if wish is Wish.OVER:
        return Step(Do.LATE, kept_minor=kept_minor)
    return Step(Do.WAIT if wish is Wish.HELD else Do.PAY)


def _of_authorised(ours: Ours, told: Aggregate, wish: Wish) -> Step:
    left_minor = told.authorised_minor - told.cancelled_minor
    if told.cancelled_minor and left_minor <= 0:
        return Step(Do.END, PaymentState.CANCELLED)
    if (left_minor, told.currency) != (ours.amount.amount_minor, ours.amount.currency):
        return Step(Do.CANCEL, failure=MISMATCH)
    if ours.is_refused:
        return Step(Do.CANCEL, failure=NOT_TAKEN)
    # Whoever turned away is not charged for what they approve afterwards.
    if wish is Wish.OVER or ours.state is PaymentState.CANCELLING:
        return Step(Do.CANCEL)
    return Step(Do.WAIT if wish is Wish.HELD else Do.CAPTURE)


def wait_after(checks: int) -> timedelta:
    """Until the next look, after so many."""
    return timedelta(seconds=WAITS_S[min(checks, len(WAITS_S) - 1)])


def ends_at(method: ProviderMethod, wall: datetime, session_left: timedelta) -> datetime:
    """Until when (wall time) the provider may have somebody pay: never beyond the session's own end."""
    return wall + min(TIME_AT_PROVIDER[method], session_left)
