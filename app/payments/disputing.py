"""What a provider's word on a dispute means for our books. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.kernel.money import CURRENCIES, Money
from app.ledger.rules import Account, Creditor, disputed_of, lost_to, psp_of
from app.payments.ports import Dispute, DisputeStanding
from app.payments.states import DisputeState

# So often is asked without a reason: a callback may be lost for good.
LOOK_EVERY: Final = timedelta(hours=1)
# A dispute comes within four months of the payment as a rule, and is over two or three months after that.
LOOK_BACK: Final = timedelta(days=180)
# Between one look that got no answer and the next; the last one is for ever.
WAITS_S: Final = (60, 300, 900, 3_600)

_S = DisputeState

# Somebody can still do something about it.
GOES_ON: Final = frozenset({_S.ASKED, _S.WITHDRAWN})
# The provider does not have the money any more.
AWAY: Final = frozenset({_S.WITHDRAWN, _S.LOST})


def state_of(told: Dispute) -> DisputeState:
    """Where the money is goes before what the dispute is called: won is what is won once the money is back, and whoever
    lost nothing has not lost."""
    if told.is_away:
        is_for_good = told.standing in {DisputeStanding.LOST, DisputeStanding.DROPPED}
        return _S.LOST if is_for_good else _S.WITHDRAWN
    match told.standing:
        case DisputeStanding.OPEN:
            return _S.ASKED
        case DisputeStanding.WON:
            return _S.WON
        case _:
            return _S.CLOSED


def account_of(state: DisputeState, creditor: Creditor) -> Account:
    """Where money lies of which this much is known."""
    match state:
        case _S.WITHDRAWN:
            return disputed_of(creditor)
        case _S.LOST:
            return lost_to(creditor)
        case _:
            return psp_of(creditor)


def sum_of(
    told: Dispute, captured: Money, *, is_taking: bool, away_minor: int, back_minor: int
) -> Money | None:
    """What is disputed of a payment that took `captured`; None where nothing is left to be disputed, since as much is
    away already (`away_minor`).

    A bank may tell the sum in the card's own currency: what the provider then takes is the payment, without what went
    back to the card before (`back_minor`), unless that is all of it. Money that pays no order (`is_taking` is false)
    may have come in another currency than was asked for.
    """
    in_currency = captured.currency
    if not is_taking and told.currency in CURRENCIES:
        in_currency = told.currency
    left_minor = captured.amount_minor - away_minor
    if told.currency == in_currency:
        amount_minor = min(told.amount_minor, left_minor)
    else:
        amount_minor = left_minor - back_minor if left_minor > back_minor else left_minor
    return Money(amount_minor, in_currency) if amount_minor > 0 else None
