"""What a flow is made of, each part read from its columns: the decision, the money aside, the person, their code."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.identity.actions.remembered import Remembered
from app.kernel import db
from app.ledger.states import HoldState
from app.merchants.queries import Merchant

# How a decision's row says that no person made it.
BY_RULES: Final = "rules"


@dataclass(frozen=True, slots=True)
class Decision:
    id: UUID
    outcome: str
    reasons: tuple[str, ...]
    would_pass_minor: int | None
    valid_until: datetime
    quote_id: str
    amount_minor: int
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class Aside:
    """What is set aside in the shopper's wallet for this session: a hold of the ledger's, whatever became of it."""

    id: UUID
    amount_minor: int
    state: HoldState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Customer:
    """Who was identified in this session, with what we know of them, and since when. Shown to the identified browser
    alone."""

    id: UUID
    public_id: str
    name: str = field(repr=False)
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    postcode: str | None = field(repr=False)
    street: str | None = field(repr=False)
    city: str | None = field(repr=False)
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """The session's newest code, when it was asked for in this browser, and the phone and postcode typed for it.
    `approval_digest` is of what it approves (`codes.approves`)."""

    phone: str = field(repr=False)
    postcode: str = field(repr=False)
    state: str
    tries_left: int
    created_at: datetime
    expires_at: datetime
    remember: bool = False
    approval_digest: bytes = field(default=b"", repr=False)


def decision_of(row: db.Record) -> Decision | None:
    if row["decision_id"] is None:
        return None
    return Decision(
        id=row["decision_id"],
        outcome=row["outcome"],
        reasons=tuple(row["reasons"]),
        would_pass_minor=row["would_pass_minor"],
        valid_until=row["valid_until"],
        quote_id=row["decided_quote_id"],
        amount_minor=row["decided_minor"],
        by_person=row["decided_by"] != BY_RULES,
    )


def aside_of(row: db.Record) -> Aside | None:
    if row["hold_id"] is None:
        return None
    return Aside(row["hold_id"], row["aside_minor"], HoldState(row["hold_state"]), row["aside_until"])


def customer_of(row: db.Record) -> Customer | None:
    """From columns named `customer_...`."""
    if row["customer_id"] is None:
        return None
    return Customer(
        id=row["customer_id"],
        public_id=row["customer_public_id"],
        name=row["customer_name"],
        email=row["customer_email"],
        phone=row["customer_phone"],
        postcode=row["customer_postcode"],
        street=row["customer_street"],
        city=row["customer_city"],
        since=row["customer_since"],
    )


def challenge_of(row: db.Record) -> Challenge | None:
    if row["challenge_phone"] is None:
        return None
    return Challenge(
        phone=row["challenge_phone"],
        postcode=row["challenge_postcode"],
        state=row["challenge_state"],
        tries_left=row["tries_left"],
        created_at=row["challenge_created_at"],
        expires_at=row["challenge_expires_at"],
        remember=row["remember"],
        approval_digest=row["approval_digest"],
    )


def remembered_of(row: db.Record, merchant: Merchant) -> Remembered | None:
    """Known here only where a right code would recognise the same person, and while there is a phone to send one to."""
    phone, postcode = row["remembered_phone"], row["remembered_postcode"]
    here = row["remembered_here"] or merchant.creditor == "operator"
    if not (phone and postcode and here and merchant.recognise_returning):
        return None
    return Remembered(row["remembered_id"], row["remembered_customer_id"], phone, postcode)
