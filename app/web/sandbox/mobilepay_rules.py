"""How MobilePay behaves, for its twin: what a payment, a charge and an agreement may become. Pure.

Written from MobilePay's own documents and not from our adapter, so that the two check each other. An authorised payment
keeps its state whatever is captured, refunded or let go of: the sums alone change.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from app.messages.sandbox_mobilepay import Kept

# How long a person has to approve.
WAITS_S: Final = 600

State = Literal["CREATED", "ABORTED", "EXPIRED", "AUTHORIZED", "TERMINATED", "FAILED"]
Flow = Literal["WEB_REDIRECT", "QR"]
# What becomes of the next call that changes the payment: it is answered, answered late, or done and not answered.
Next = Literal["", "slow", "lost"]
Later = Literal["charged", "declined", "lost", "waits"]
AgreementState = Literal["PENDING", "ACTIVE", "STOPPED", "EXPIRED"]


class Refused(Exception):
    """A call that changes nothing. `status` is HTTP's, `code` the API's own number where it has one."""

    def __init__(self, status: int, title: str, code: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.code = code


class Event(msgspec.Struct, frozen=True):
    """Something that was done. `key` is the call's, empty for what a person did."""

    name: str
    amount_minor: int
    at: datetime
    psp_reference: str
    key: str = ""


class Deal(msgspec.Struct):
    """A payment, or a charge of an agreement. Amounts are minor units of `currency`."""

    reference: str
    amount_minor: int
    currency: str
    description: str
    return_url: str
    key: str
    made_at: datetime
    flow: Flow = "WEB_REDIRECT"
    agreement_id: str = ""
    state: State = "CREATED"
    authorized_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    cancelled_minor: int = 0
    next: Next = ""
    events: list[Event] = msgspec.field(default_factory=list)

    @property
    def expires_at(self) -> datetime:
        return self.made_at + timedelta(seconds=WAITS_S)

    @property
    def left_minor(self) -> int:
        return self.authorized_minor - self.captured_minor - self.cancelled_minor


class Pact(msgspec.Struct):
    """An agreement. `later` is what its person's card does when it is charged again."""

    id: str
    reference: str
    product: str
    currency: str
    return_url: str
    key: str
    made_at: datetime
    status: AgreementState = "PENDING"
    later: Later = "charged"
    is_alone: bool = False
    """No first charge came with it."""


def deal_in(kept: Kept) -> Deal:
    return msgspec.convert(kept, Deal)


def pact_in(kept: Kept, now: datetime) -> Pact:
    """An agreement as it is now: one that nobody answered in time has expired."""
    pact = msgspec.convert(kept, Pact)
    if pact.status == "PENDING" and now >= pact.made_at + timedelta(seconds=WAITS_S):
        pact.status = "EXPIRED"
    return pact


def kept_of(thing: Deal | Pact) -> Kept:
    made: Kept = msgspec.to_builtins(thing)
    return made


def number() -> str:
    """A reference of MobilePay's own."""
    return secrets.token_hex(12)


def let_time_pass(deal: Deal, now: datetime) -> bool:
    """Nobody answered in time. True when this ends it."""
    if deal.state != "CREATED" or deal.agreement_id or now < deal.expires_at:
        return False
    expire(deal, now)
    return True


def approve(deal: Deal, now: datetime) -> None:
    _waiting(deal)
    deal.state = "AUTHORIZED"
    deal.authorized_minor = deal.amount_minor
    _note(deal, "AUTHORIZED", deal.amount_minor, now)


def reject(deal: Deal, now: datetime) -> None:
    _waiting(deal)
    deal.state = "ABORTED"
    _note(deal, "ABORTED", deal.amount_minor, now)


def expire(deal: Deal, now: datetime) -> None:
    _waiting(deal)
    deal.state = "EXPIRED"
    _note(deal, "EXPIRED", deal.amount_minor, now)


def fail(deal: Deal, now: datetime) -> None:
    _waiting(deal)
    deal.state = "FAILED"
    _note(deal, "FAILED", deal.amount_minor, now)


def capture(deal: Deal, amount_minor: int, currency: str, key: str, now: datetime) -> bool:
    """False when this call was made before with the same key. Raises Refused."""
    if _done_before(deal, "CAPTURED", amount_minor, key):
        return False
    _fits(deal, amount_minor, currency)
    if deal.state != "AUTHORIZED":
        raise Refused(400, "Cannot capture before reservation", "6080")
    if amount_minor > deal.left_minor:
        raise Refused(400, "Captured amount exceeds the reserved amount")
    deal.captured_minor += amount_minor
    _note(deal, "CAPTURED", amount_minor, now, key)
    return True


def cancel(deal: Deal, key: str, now: datetime) -> bool:
    """All that is not captured, also of a payment that waits. False as above. Raises Refused."""
    if any(event.key == key for event in deal.events):
        return False
    if deal.state == "CREATED":
        deal.state = "TERMINATED"
        deal.cancelled_minor = deal.amount_minor
        _note(deal, "TERMINATED", deal.amount_minor, now, key)
        return True
    left = deal.left_minor
    if deal.state != "AUTHORIZED" or left == 0:
        raise Refused(400, "Nothing is left to cancel")
    deal.cancelled_minor += left
    _note(deal, "CANCELLED", left, now, key)
    return True


def refund(deal: Deal, amount_minor: int, currency: str, key: str, now: datetime) -> bool:
    """False as above. Raises Refused."""
    if _done_before(deal, "REFUNDED", amount_minor, key):
        return False
    _fits(deal, amount_minor, currency)
    if amount_minor > deal.captured_minor - deal.refunded_minor:
        raise Refused(400, "Refunded amount exceeds the captured amount")
    deal.refunded_minor += amount_minor
    _note(deal, "REFUNDED", amount_minor, now, key)
    return True


def go_through(deal: Deal, now: datetime) -> bool:
    """A later charge that waited is taken. False when it waits no more."""
    if deal.state != "CREATED":
        return False
    approve(deal, now)
    return capture(deal, deal.amount_minor, deal.currency, deal.key, now)


def charge_status(deal: Deal) -> str:
    """A charge's one word, which follows from its sums."""
    if deal.state != "AUTHORIZED":
        return {"CREATED": "PENDING", "FAILED": "FAILED"}.get(deal.state, "CANCELLED")
    if deal.refunded_minor:
        return "REFUNDED" if deal.refunded_minor == deal.captured_minor else "PARTIALLY_REFUNDED"
    if deal.captured_minor:
        return "CHARGED" if deal.left_minor == 0 else "PARTIALLY_CAPTURED"
    return "CANCELLED" if deal.left_minor == 0 else "RESERVED"


def events_told(deal: Deal) -> list[Mapping[str, object]]:
    return [
        {
            "reference": deal.reference,
            "pspReference": event.psp_reference,
            "name": event.name,
            "amount": {"currency": deal.currency, "value": event.amount_minor},
            "timestamp": event.at,
            "idempotencyKey": event.key or None,
            "success": True,
        }
        for event in deal.events
    ]


def _waiting(deal: Deal) -> None:
    if deal.state != "CREATED":
        raise Refused(400, "The payment does not wait for anybody")


def _fits(deal: Deal, amount_minor: int, currency: str) -> None:
    if currency != deal.currency or amount_minor <= 0:
        raise Refused(400, "The amount does not fit the payment")


def _done_before(deal: Deal, name: str, amount_minor: int, key: str) -> bool:
    for event in deal.events:
        if event.key == key:
            if (event.name, event.amount_minor) != (name, amount_minor):
                raise Refused(409, "The key belongs to another call")
            return True
    return False


def _note(deal: Deal, name: str, amount_minor: int, now: datetime, key: str = "") -> None:
    deal.events.append(Event(name, amount_minor, now, number(), key))
