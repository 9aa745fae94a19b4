"""What MobilePay says of a payment, and what that means here. Pure.

The sums are the truth. A state says how far the person came with it: capturing, refunding and letting go of what was
authorised change the sums alone.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from app.kernel.money import MAX_AMOUNT_MINOR, Money
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import Aggregate, SavedMethod, Standing

# What MobilePay settles of what we know. There is no MobilePay in Swedish kronor.
CURRENCIES: Final = frozenset({"DKK", "EUR"})
LABEL: Final = "MobilePay"

_REFERENCE: Final = re.compile(r"[a-zA-Z0-9_]{8,50}")

State = Literal["CREATED", "ABORTED", "EXPIRED", "AUTHORIZED", "TERMINATED"]
ChargeStatus = Literal[
    "PENDING",
    "DUE",
    "RESERVED",
    "CHARGED",
    "PARTIALLY_CAPTURED",
    "FAILED",
    "CANCELLED",
    "PARTIALLY_REFUNDED",
    "REFUNDED",
    "PROCESSING",
]
AgreementStatus = Literal["PENDING", "ACTIVE", "STOPPED", "EXPIRED"]

_STANDINGS: Final[dict[State, Standing]] = {
    "CREATED": Standing.PENDING,
    "AUTHORIZED": Standing.AUTHORISED,
    "ABORTED": Standing.CANCELLED,
    "TERMINATED": Standing.CANCELLED,
    "EXPIRED": Standing.EXPIRED,
}
_CHARGE_STANDINGS: Final[dict[ChargeStatus, Standing]] = {
    "PENDING": Standing.PENDING,
    "DUE": Standing.PENDING,
    "PROCESSING": Standing.PENDING,
    "FAILED": Standing.FAILED,
    "CANCELLED": Standing.CANCELLED,
    "RESERVED": Standing.AUTHORISED,
    "CHARGED": Standing.AUTHORISED,
    "PARTIALLY_CAPTURED": Standing.AUTHORISED,
    "PARTIALLY_REFUNDED": Standing.AUTHORISED,
    "REFUNDED": Standing.AUTHORISED,
}
_AGREEMENT_STANDINGS: Final[dict[AgreementStatus, Standing]] = {
    "PENDING": Standing.PENDING,
    # Its first charge decides how far an active one has come.
    "ACTIVE": Standing.PENDING,
    "STOPPED": Standing.CANCELLED,
    "EXPIRED": Standing.EXPIRED,
}


class Amount(msgspec.Struct, frozen=True):
    currency: str
    value: int


class Sums(msgspec.Struct, frozen=True, rename="camel"):
    authorized_amount: Amount
    captured_amount: Amount
    refunded_amount: Amount
    cancelled_amount: Amount


class Payment(msgspec.Struct, frozen=True, rename="camel"):
    """A payment as it is told by itself, and after each change of it."""

    state: State
    amount: Amount
    aggregate: Sums
    reference: str
    redirect_url: str | None = None


class Created(msgspec.Struct, frozen=True, rename="camel"):
    reference: str
    redirect_url: str


class Draft(msgspec.Struct, frozen=True, rename="camel"):
    """An agreement that waits for its person. `charge_id` is of the first charge."""

    agreement_id: str
    vipps_confirmation_url: str
    charge_id: str | None = None


class Agreement(msgspec.Struct, frozen=True, rename="camel"):
    """`external_id` is the name of its first charge."""

    status: AgreementStatus
    external_id: str | None = None


class NewCharge(msgspec.Struct, frozen=True, rename="camel"):
    charge_id: str


class ChargeSummary(msgspec.Struct, frozen=True):
    captured: int
    refunded: int
    cancelled: int


class Charge(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    amount: int
    currency: str
    status: ChargeStatus
    summary: ChargeSummary
    failure_reason: str | None = None


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """A call from MobilePay: of a payment (`reference`, `name`), or of an agreement or a charge (`event_type`)."""

    reference: str | None = None
    psp_reference: str | None = None
    name: str | None = None
    event_type: str | None = None
    agreement_id: str | None = None
    agreement_external_id: str | None = None
    charge_id: str | None = None


def reference_there(reference: str) -> str:
    """Our reference in MobilePay's letters: it takes no underscore. Raises ProviderRefused for one that cannot be told
    back."""
    if not _REFERENCE.fullmatch(reference):
        raise ProviderRefused("reference")
    return reference.replace("_", "-")


def reference_here(reference: str) -> str:
    return reference.replace("-", "_")


def amount_there(amount: Money) -> dict[str, object]:
    """Raises ProviderRefused for a currency that MobilePay does not settle."""
    return {"currency": currency_there(amount.currency), "value": amount.amount_minor}


def currency_there(currency: str) -> str:
    """Raises ProviderRefused for one that MobilePay does not settle."""
    if currency not in CURRENCIES:
        raise ProviderRefused("currency")
    return currency


def setup_standing(status: AgreementStatus) -> Standing:
    """How far an agreement has come by which nothing is charged yet: it is there once it is active."""
    return Standing.AUTHORISED if status == "ACTIVE" else _AGREEMENT_STANDINGS[status]


def aggregate_of(payment: Payment) -> Aggregate:
    """Raises ProviderUnreachable("garbage") for sums that cannot be true."""
    sums = payment.aggregate
    each = (sums.authorized_amount, sums.captured_amount, sums.refunded_amount, sums.cancelled_amount)
    _check([amount.value for amount in each], {amount.currency for amount in each})
    standing = _STANDINGS[payment.state]
    authorised, captured, cancelled = each[0].value, each[1].value, each[3].value
    if standing is Standing.AUTHORISED and captured == 0 and cancelled >= authorised > 0:
        # All was let go of. MobilePay leaves the state as it was, so the sums say it.
        standing = Standing.CANCELLED
    return Aggregate(
        provider_ref=payment.reference,
        reference=reference_here(payment.reference),
        standing=standing,
        currency=each[0].currency,
        authorised_minor=authorised,
        captured_minor=captured,
        refunded_minor=each[2].value,
        cancelled_minor=cancelled,
    )


def aggregate_of_charge(
    agreement_id: str, charge: Charge, agreement: AgreementStatus | None = None
) -> Aggregate:
    """`agreement` where the charge still waits and the person's answer decides. Raises ProviderUnreachable."""
    summary = charge.summary
    _check([charge.amount, summary.captured, summary.refunded, summary.cancelled], {charge.currency})
    standing = _CHARGE_STANDINGS[charge.status]
    if standing is Standing.PENDING and agreement is not None:
        standing = _AGREEMENT_STANDINGS[agreement]
    was_authorised = standing is Standing.AUTHORISED or summary.captured > 0
    return Aggregate(
        provider_ref=charge_ref(agreement_id, charge.id),
        reference=reference_here(charge.id),
        standing=standing,
        currency=charge.currency,
        authorised_minor=charge.amount if was_authorised else 0,
        captured_minor=summary.captured,
        refunded_minor=summary.refunded,
        cancelled_minor=summary.cancelled,
        failure=_failure(charge) if standing is Standing.FAILED else None,
        saved=SavedMethod(agreement_id, LABEL) if was_authorised else None,
    )


def charge_ref(agreement_id: str, charge_id: str) -> str:
    """What we call a charge: it is reached through its agreement. No payment's reference has a slash."""
    return f"{agreement_id}/{charge_id}"


def _failure(charge: Charge) -> str:
    # MobilePay tells nobody whether the money or the card was at fault: that is between it and its person.
    return "provider_error" if charge.failure_reason == "technical_error" else "declined"


def _check(amounts_minor: list[int], currencies: set[str]) -> None:
    if len(currencies) != 1 or any(not 0 <= amount <= MAX_AMOUNT_MINOR for amount in amounts_minor):
        raise ProviderUnreachable("garbage")
