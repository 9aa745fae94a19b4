"""A case is opened. Each verb runs inside its caller's transaction, which holds the session's row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from app.cases.rules import rank_at
from app.cases.states import MACHINE, CaseState
from app.kernel import db, ids

CaseKind = Literal["credit", "identity", "risk"]
AskedBy = Literal["rules", "shopper"]

MONEY: Final = "late_payment"
REFUND: Final = "refund_refused"
DISPUTE: Final = "disputed_payment"


@dataclass(frozen=True, slots=True)
class Reach:
    """How the answer reaches whoever waits for it. Phone in E.164. Personal data: shown in no representation."""

    lang: str
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a person is asked. `decision_id` is the machine's, in a credit case; amounts are minor units.

    `is_blind`: a sample of what was approved already. Nobody waits for its answer, and nothing is held by it.
    """

    kind: CaseKind
    asked_by: AskedBy
    session_id: UUID
    decision_id: UUID | None
    amount_minor: int
    currency: str
    due_at: datetime
    reach: Reach
    statement: str | None = field(default=None, repr=False)
    is_blind: bool = False


_OPEN: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, session_id, decision_id, amount_minor, currency,
                   lang, statement, name, phone, email, opened_at, due_at, rank_at, is_blind)
VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
"""


async def open_case(merchant_id: UUID, new: NewCase, *, actor: str, now: datetime) -> str:
    """Open a case; answers its public id. In a transaction."""
    case_id, public_id = ids.internal_id(), ids.public_id("case")
    await db.execute(
        _OPEN,
        merchant_id,
        case_id,
        public_id,
        new.kind,
        new.asked_by,
        new.session_id,
        new.decision_id,
        new.amount_minor,
        new.currency,
        new.reach.lang,
        new.statement,
        new.reach.name,
        new.reach.phone,
        new.reach.email,
        now,
        new.due_at,
        rank_at(new.due_at, new.amount_minor, new.currency),
        new.is_blind,
    )
    await MACHINE.begin(merchant_id, case_id, state=CaseState.OPEN, event="case.opened", actor=actor, at=now)
    return public_id


@dataclass(frozen=True, slots=True)
class NewMoneyCase:
    """Money that came in and pays no order: which recorded payment, or which one through a provider, and its sum; or
    money that the provider would not take back (`payment_refund_id`), or has taken back itself because it is disputed
    (`dispute_id`). Nobody waits outside for an answer; `due_at` is by when the shop should know what to do with it."""

    payment_id: UUID | None
    amount_minor: int
    currency: str
    lang: str
    due_at: datetime
    provider_payment_id: UUID | None = None
    payment_refund_id: UUID | None = None
    dispute_id: UUID | None = None

    @property
    def kind(self) -> str:
        if self.dispute_id is not None:
            return DISPUTE
        return MONEY if self.payment_refund_id is None else REFUND


_OPEN_MONEY: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, payment_id, amount_minor, currency, lang,
                   opened_at, due_at, rank_at, provider_payment_id, payment_refund_id, dispute_id)
VALUES ($1, $2, $3, $4, 'open', $13, $5, $6, $7, $8, $9, $10, $10, $11, $12, $14)
"""


async def open_money_case(merchant_id: UUID, new: NewMoneyCase, *, actor: str, now: datetime) -> str:
    """Open a case about money; answers its public id. In a transaction. One payment has one case, and
    a dispute one that is open."""
    case_id, public_id = ids.internal_id(), ids.public_id("case")
    await db.execute(
        _OPEN_MONEY,
        merchant_id,
        case_id,
        public_id,
        new.kind,
        new.payment_id,
        new.amount_minor,
        new.currency,
        new.lang,
        now,
        new.due_at,
        new.provider_payment_id,
        new.payment_refund_id,
        "rules" if new.payment_id is None else "staff",
        new.dispute_id,
    )
    await MACHINE.begin(merchant_id, case_id, state=CaseState.OPEN, event="case.opened", actor=actor, at=now)
    return public_id
