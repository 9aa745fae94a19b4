"""A session waits for a person: put there by the rules or by the shopper's own wish, and let go again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.cases import actions as cases
from app.cases import rules
from app.cases.actions import AskedBy, CaseKind, NewCase, Reach
from app.cases.queries import asked_by_shopper, newest_of_session
from app.cases.states import CaseState
from app.checkout.actions.ending import end_others_in_tx
from app.checkout.contacts import Details, known_contact
from app.checkout.errors import HoldEnded, SessionEnded, StepNotReached
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.checkout.states import MACHINE, SessionState
from app.checkout.steps import Progress
from app.credit.queries import last_machine_decision
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, outbox
from app.kernel.states import LostRace
from app.ledger import actions as ledger
from app.ledger import errors as ledger_errors
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact
from app.orders.queries import is_being_paid
from app.orders.states import OrderState

SHOPPER: Final = "shopper"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked about a session. `decision_id` is the machine's decision, in a credit case."""

    kind: CaseKind
    asked_by: AskedBy
    decision_id: UUID | None
    reach: Reach
    statement: str | None = field(default=None, repr=False)


# Shorter than anything that keeps the money of a purchase meanwhile: a card's authorisation lasts seven days.
ABOUT_RISK_AT_MOST: Final = timedelta(days=4)
# What a wallet has set aside outlasts its answer: nobody's money comes free a moment before it would be needed.
_ASIDE_OUTLASTS: Final = timedelta(days=1)


def answer_by(merchant: Merchant, now: datetime, kind: CaseKind = "credit") -> datetime:
    """When whoever asks at `now` has an answer at the latest."""
    due_at = rules.due_at(now, country=merchant.country, time_zone=merchant.time_zone)
    return min(due_at, now + ABOUT_RISK_AT_MOST) if kind == "risk" else due_at


def reach_of(flow: Flow, lang: str, email: str | None = None) -> Reach:
    """How this shopper is reached: by what they proved or typed, or by what the shop passed to this browser."""
    known = known_contact(flow, Details(email=email))
    return Reach(lang, known.name, known.phone, known.email)


# A session that waits outlives its own time: the answer must still find it.
_WAIT: Final = """
UPDATE checkout_sessions SET held_until = $3, expires_at = greatest(expires_at, $3)
WHERE merchant_id = $1 AND id = $2
"""


_LOCK_ORDER: Final = "SELECT id FROM orders WHERE merchant_id = $1 AND id = $2 FOR UPDATE"


async def hold_in_tx(
    flow: Flow, question: Question, *, actor: str, detail: Mapping[str, object] | None = None
) -> Flow:
    """Hold session and order, open the case, tell the shop; `detail` is kept in the session's history. In a
    transaction. Raises StepNotReached when the session moved on meanwhile, and while somebody else is at a provider by
    the same link."""
    merchant, now = flow.merchant, flow.now
    due_at = answer_by(merchant, now, question.kind)
    if flow.link_id is not None and flow.stored_state is SessionState.OPEN:
        await db.fetch_value(_LOCK_ORDER, merchant.id, flow.order_id)
        if await is_being_paid(merchant.id, flow.order_id):
            # A provider is asked for somebody else's money at this moment: a person has nothing to look at.
            raise StepNotReached
    try:
        await MACHINE.move(
            merchant.id,
            flow.session_id,
            expected=flow.stored_state,
            to=SessionState.HELD,
            actor=actor,
            at=now,
            detail={"kind": question.kind, **(detail or {})},
        )
        await orders.move(
            merchant.id,
            flow.order_id,
            expected=OrderState.IN_PAYMENT,
            to=OrderState.HELD,
            actor=actor,
            now=now,
        )
    except LostRace:
        raise StepNotReached from None
    if flow.link_id is not None:
        await end_others_in_tx(merchant.id, flow.order_id, flow.session_id, actor=actor, now=now)
    await db.execute(_WAIT, merchant.id, flow.session_id, due_at)
    new = NewCase(
        kind=question.kind,
        asked_by=question.asked_by,
        session_id=flow.session_id,
        decision_id=question.decision_id,
        amount_minor=flow.total_minor if question.kind == "risk" else _asked_minor(flow),
        currency=flow.currency,
        due_at=due_at,
        reach=question.reach,
        statement=question.statement,
    )
    case_id = await cases.open_case(merchant.id, new, actor=actor, now=now)
    data = {
        "session_id": flow.public_id,
        "order_id": flow.order_public_id,
        "reference": flow.reference,
        "case_id": case_id,
        "kind": question.kind,
        "decide_by": f"{due_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    await outbox.emit(merchant.id, "session.held", data, now=now, about=flow.order_public_id)
    return as_held(flow, question.kind)


# What was typed is kept as it was known at the press: the purchase is made from it, without the shopper.
_KEEP: Final = """
UPDATE checkout_sessions SET typed = coalesce(typed, '{}') || $3::jsonb WHERE merchant_id = $1 AND id = $2
"""


async def hold_purchase_in_tx(flow: Flow, contact: Contact, lang: str) -> Flow:
    """A purchase that was confirmed waits for a person who looks at it; money that the wallet has set aside for it
    waits as long. In a transaction that holds session and order. Raises as `hold_in_tx`, and HoldEnded."""
    merchant_id, now = flow.merchant.id, flow.now
    reach = Reach(lang, contact.name, contact.phone, contact.email)
    detail = {"version": flow.version, "lang": lang}
    held = await hold_in_tx(flow, Question("risk", "rules", None, reach), actor="system", detail=detail)
    known = {name: value for name, value in asdict(contact).items() if value}
    await db.execute(_KEEP, merchant_id, flow.session_id, known)
    if flow.aside is not None and flow.quote is not None and flow.quote.wallet_minor:
        assert held.held_until is not None, "it waits until then"
        try:
            await ledger.outlast(merchant_id, flow.aside.id, until=held.held_until + _ASIDE_OUTLASTS, now=now)
        except ledger_errors.HoldEnded:
            raise HoldEnded from None
    return replace(held, typed=contact.over(flow.typed))


def _asked_minor(flow: Flow) -> int:
    """What a person is asked about: what would be lent, or the price where it is only asked who somebody is."""
    return flow.quote.amount_minor if flow.quote is not None and flow.quote.is_credit else flow.total_minor


def as_held(flow: Flow, kind: CaseKind = "credit") -> Flow:
    """The flow as it is once `hold_in_tx` has held it."""
    due_at = answer_by(flow.merchant, flow.now, kind)
    return replace(
        flow,
        stored_state=SessionState.HELD,
        order_state=OrderState.HELD,
        held_until=due_at,
        expires_at=max(flow.expires_at, due_at),
    )


async def ask_person(
    public_id: str, browser: BrowserToken, statement: str, *, email: str | None, lang: str
) -> Flow:
    """After a refusal the shopper asks for a person, and says why: three times a session at most. A repeat changes
    nothing.

    `email` is asked where nothing else reaches the shopper. Raises TextRefused, SessionEnded, StepNotReached.
    """
    said = rules.text_of(statement, required=False)

    async def ask() -> Flow:
        flow = await read_flow(public_id, browser.digest, lock=True)
        if flow is None:
            raise SessionEnded
        if flow.state is SessionState.HELD and flow.ours:
            return flow
        if flow.state is not SessionState.OPEN:
            raise SessionEnded
        if flow.progress is not Progress.REFUSED:
            raise StepNotReached
        decision_id = await last_machine_decision(flow.merchant.id, flow.session_id)
        asked = await asked_by_shopper(flow.merchant.id, flow.session_id)
        if decision_id is None or asked >= rules.ASKED_BY_SHOPPER_MAX:
            raise StepNotReached
        question = Question("credit", "shopper", decision_id, reach_of(flow, lang, email), said)
        return await hold_in_tx(flow, question, actor=SHOPPER)

    return await db.in_tx(ask)


async def go_on_without(public_id: str, browser: BrowserToken) -> Flow:
    """The shopper does not wait: the case ends unanswered, and another plan may be chosen. A repeat changes nothing.

    Raises SessionEnded, and StepNotReached where a purchase is looked at that the shopper has confirmed: it may be
    cancelled, and not gone around.
    """

    async def go_on() -> Flow:
        flow = await read_flow(public_id, browser.digest, lock=True)
        if flow is None or not flow.ours:
            raise SessionEnded
        if flow.state is SessionState.OPEN:
            return flow
        if flow.state is not SessionState.HELD:
            raise SessionEnded
        case = await newest_of_session(flow.merchant.id, flow.session_id)
        if case is not None and case.kind == "risk":
            raise StepNotReached
        await nothing_to_look_at_in_tx(flow, actor=SHOPPER)
        return replace(
            flow, stored_state=SessionState.OPEN, order_state=OrderState.IN_PAYMENT, held_until=None
        )

    return await db.in_tx(go_on)


async def nothing_to_look_at_in_tx(flow: Flow, *, actor: str) -> None:
    """What was looked at is not bought this way any more: the case ends unanswered, and the session is open again. In a
    transaction that holds session and order."""
    case_id = await cases.close_of_session(
        flow.merchant.id, flow.session_id, CaseState.WITHDRAWN, actor=actor, now=flow.now
    )
    await release_in_tx(flow.merchant.id, flow.session_id, flow.order_id, actor=actor, now=flow.now)
    if case_id is not None:
        await tell_resolved(flow, case_id, "withdrawn")


async def release_in_tx(
    merchant_id: UUID, session_id: UUID, order_id: UUID, *, actor: str, now: datetime
) -> None:
    """Session and order go on from where they were held. In a transaction."""
    await MACHINE.move(
        merchant_id, session_id, expected=SessionState.HELD, to=SessionState.OPEN, actor=actor, at=now
    )
    await orders.move(
        merchant_id, order_id, expected=OrderState.HELD, to=OrderState.IN_PAYMENT, actor=actor, now=now
    )
    await db.execute(
        "UPDATE checkout_sessions SET held_until = NULL WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        session_id,
    )


async def tell_resolved(flow: Flow, case_id: str, outcome: str) -> None:
    """The event that a case has ended, however it ended. In a transaction."""
    data = {
        "session_id": flow.public_id,
        "order_id": flow.order_public_id,
        "reference": flow.reference,
        "case_id": case_id,
        "outcome": outcome,
    }
    await outbox.emit(flow.merchant.id, "review.resolved", data, now=flow.now, about=flow.order_public_id)


async def answer_to(public_id: str, browser: BrowserToken, email: str) -> None:
    """The shopper who waits says where the answer shall go. Raises SessionEnded when nothing is waited for."""

    async def write() -> bool:
        flow = await read_flow(public_id, browser.digest, lock=True)
        if flow is None or not flow.ours or flow.state is not SessionState.HELD:
            raise SessionEnded
        return await cases.reach_by_email(flow.merchant.id, flow.session_id, email)

    if not await db.in_tx(write):
        raise SessionEnded
