"""The verbs on cases: open one, answer it, close it without an answer. Each runs inside its caller's transaction, which
holds the session's row: so a case has one end, and whoever comes second is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.cases.errors import CaseClosed
from app.cases.states import MACHINE, CaseState
from app.kernel import db, ids

CaseKind = Literal["credit", "identity"]
AskedBy = Literal["rules", "shopper"]

MONEY: Final = "late_payment"
REFUND: Final = "refund_refused"

CONTACT_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Reach:
    """How the answer reaches whoever waits for it. Phone in E.164. Personal data: shown in no representation."""

    lang: str
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a person is asked. `decision_id` is the machine's, in a credit case; amounts are minor units."""

    kind: CaseKind
    asked_by: AskedBy
    session_id: UUID
    decision_id: UUID | None
    amount_minor: int
    currency: str
    due_at: datetime
    reach: Reach
    statement: str | None = field(default=None, repr=False)


_OPEN: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, session_id, decision_id, amount_minor, currency,
                   lang, statement, name, phone, email, opened_at, due_at)
VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
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
    )
    await MACHINE.begin(merchant_id, case_id, state=CaseState.OPEN, event="case.opened", actor=actor, at=now)
    return public_id


@dataclass(frozen=True, slots=True)
class NewMoneyCase:
    """Money that came in and pays no order: which recorded payment, or which one through a provider, and its sum; or
    money that the provider would not take back (`payment_refund_id`). Nobody waits outside for an answer; `due_at` is
    by when the shop should know what to do with it."""

    payment_id: UUID | None
    amount_minor: int
    currency: str
    lang: str
    due_at: datetime
    provider_payment_id: UUID | None = None
    payment_refund_id: UUID | None = None


_OPEN_MONEY: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, payment_id, amount_minor, currency, lang,
                   opened_at, due_at, provider_payment_id, payment_refund_id)
VALUES ($1, $2, $3, $4, 'open', $13, $5, $6, $7, $8, $9, $10, $11, $12)
"""


async def open_money_case(merchant_id: UUID, new: NewMoneyCase, *, actor: str, now: datetime) -> str:
    """Open a case about money; answers its public id. In a transaction. One payment has one case."""
    case_id, public_id = ids.internal_id(), ids.public_id("case")
    await db.execute(
        _OPEN_MONEY,
        merchant_id,
        case_id,
        public_id,
        MONEY if new.payment_refund_id is None else REFUND,
        new.payment_id,
        new.amount_minor,
        new.currency,
        new.lang,
        now,
        new.due_at,
        new.provider_payment_id,
        new.payment_refund_id,
        "rules" if new.payment_id is None else "staff",
    )
    await MACHINE.begin(merchant_id, case_id, state=CaseState.OPEN, event="case.opened", actor=actor, at=now)
    return public_id


_LOCK_OPEN: Final = "SELECT state FROM cases WHERE merchant_id = $1 AND id = $2 FOR UPDATE"


async def resolve(
    merchant_id: UUID,
    case_id: UUID,
    to: CaseState,
    *,
    actor: str,
    note: str | None,
    now: datetime,
    kept_for_id: UUID | None = None,
) -> None:
    """End a case; one about money that is kept names the order it is kept for. In a transaction. Raises CaseClosed when
    it has ended already."""
    state = CaseState(await db.fetch_value(_LOCK_OPEN, merchant_id, case_id))
    if state is not CaseState.OPEN:
        raise CaseClosed(state)
    await _end(merchant_id, case_id, to, actor=actor, note=note, now=now, kept_for_id=kept_for_id)


async def close_of_session(
    merchant_id: UUID, session_id: UUID, to: CaseState, *, actor: str, now: datetime
) -> str | None:
    """End the open case of a session without an answer; answers its public id, or None when it has none. In a
    transaction that holds the session."""
    row = await db.fetch_one(
        "SELECT id, public_id FROM cases WHERE merchant_id = $1 AND session_id = $2 AND state = 'open' FOR UPDATE",
        merchant_id,
        session_id,
    )
    if row is None:
        return None
    await _end(merchant_id, row["id"], to, actor=actor, note=None, now=now)
    public_id: str = row["public_id"]
    return public_id


# One statement for what `CHECK`s tie together; the machine's own could not set the rest.
_END: Final = """
WITH moved AS (
    UPDATE cases SET state = $3, resolved_at = $4, resolved_by = $5, note = $6, kept_for_id = $9
    WHERE merchant_id = $1 AND id = $2 AND state = 'open' RETURNING id
)
INSERT INTO case_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT $1, $7, id, 'open', $3, $8, $5, $4, '{}' FROM moved
"""


async def _end(
    merchant_id: UUID,
    case_id: UUID,
    to: CaseState,
    *,
    actor: str,
    note: str | None,
    now: datetime,
    kept_for_id: UUID | None = None,
) -> None:
    event = MACHINE.event(CaseState.OPEN, to)
    status = await db.execute(
        _END, merchant_id, case_id, to.value, now, actor, note, ids.internal_id(), event, kept_for_id
    )
    assert status == "INSERT 0 1", "the caller holds the case"


async def reach_by_email(merchant_id: UUID, session_id: UUID, email: str) -> bool:
    """The shopper says where the answer shall go. In a transaction. False when no case waits."""
    status = await db.execute(
        "UPDATE cases SET email = $3 WHERE merchant_id = $1 AND session_id = $2 AND state = 'open'",
        merchant_id,
        session_id,
        email,
    )
    return status == "UPDATE 1"


# What was said in a case stays as long as the decision's facts; how to reach the person goes sooner.
_FORGET: Final = """
UPDATE cases SET name = NULL, phone = NULL, email = NULL, forgotten_at = $1
WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM cases WHERE resolved_at < $2 AND forgotten_at IS NULL ORDER BY resolved_at LIMIT $3
)
"""


async def forget_reach(now: datetime, at_most: int) -> int:
    """Take away how to reach people whose case ended thirty days ago. In a transaction. Answers how many."""
    status = await db.execute(_FORGET, now, now - CONTACT_KEPT, at_most)
    return int(status.split()[-1])
