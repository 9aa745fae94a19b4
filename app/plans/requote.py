"""The quote of what is left of a purchase after a refund: another object with another id, made from the same terms.

Pure. It restates the whole plan as if less had been lent from the first day: each payment with what it asks for by now,
those that were paid before included. So its figures are comparable with the quote that was signed, which stays stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from app.plans.apr import annual_percentage_rate, round_apr, years_between
from app.plans.errors import NoRate
from app.plans.quote import APR_DECIMALS, Quote
from app.plans.schedule import Instalment

_VERSION: Final = 1
_VERSION_WITH_WALLET: Final = 2


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment as it is asked for now, in minor units; `number` and `due` are those of the first quote."""

    number: int
    due: date
    amount_minor: int
    interest_minor: int
    fee_minor: int


def requote(signed: Quote, payments: Sequence[Payment], wallet_minor: int) -> Quote | None:
    """The plan with these payments; `wallet_minor` is what is left of the wallet's part. None where nothing is lent
    any more."""
    rows = _rows([payment for payment in payments if payment.amount_minor])
    if not rows:
        return None
    amount = sum(row.principal_minor for row in rows)
    interest, fees = sum(row.interest_minor for row in rows), sum(row.fee_minor for row in rows)
    percent = _apr(signed, rows, amount) if interest + fees else Decimal(0)
    return replace(
        signed,
        months=len(rows) if signed.months else 0,
        amount_minor=amount,
        interest_minor=interest,
        fees_minor=fees,
        total_payable_minor=amount + interest + fees,
        monthly_minor=max(row.amount_minor for row in rows),
        apr=round_apr(percent, APR_DECIMALS),
        apr_exact=f"{percent:f}",
        schedule=tuple(rows),
        wallet_minor=wallet_minor,
        version=_VERSION_WITH_WALLET if wallet_minor else _VERSION,
        id="",
        hash="",
    )


def _rows(payments: Sequence[Payment]) -> list[Instalment]:
    """Costs that are in the books are facts: where a payment asks for less than them, they are all it asks for."""
    parts = []
    for payment in payments:
        fee = min(payment.fee_minor, payment.amount_minor)
        interest = min(payment.interest_minor, payment.amount_minor - fee)
        parts.append((payment, payment.amount_minor - fee - interest, interest, fee))
    balance = sum(principal for _, principal, _, _ in parts)
    rows = []
    for payment, principal, interest, fee in parts:
        balance -= principal
        rows.append(
            Instalment(payment.number, payment.due, payment.amount_minor, principal, interest, fee, balance)
        )
    return rows


def _apr(signed: Quote, rows: Sequence[Instalment], amount_minor: int) -> Decimal:
    """From the agreed months, as the signed quote's; of a single payment from its day."""
    if signed.months:
        repaid = [(float(Fraction(row.number, 12)), row.amount_minor) for row in rows]
    else:
        repaid = [(float(years_between(signed.start, row.due, "week")), row.amount_minor) for row in rows]
    try:
        return annual_percentage_rate([(0, amount_minor)], repaid)
    except NoRate:
        # Nothing but costs is left to pay: a rate of them means nothing.
        return signed.apr
