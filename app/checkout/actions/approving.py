"""A person approves a purchase that was confirmed and held: it is made as it was agreed, without the shopper.

Everything that may have changed meanwhile is looked at once more, under the locks of session, order and case. What
cannot be made any more is not approved: whoever answers is told why, and the case stays open.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.cases.queries import CaseView
from app.checkout.actions.confirming import purchase_in_tx
from app.checkout.errors import ApprovalImpossible, CreditRefused, HoldEnded, SessionEnded
from app.checkout.queries import Flow
from app.checkout.queries import flow as read_flow
from app.checkout.states import MACHINE, SessionState
from app.kernel import clock, db
from app.ledger.errors import MoneyFrozen
from app.ledger.queries import frozen
from app.links.states import LinkState
from app.orders import actions as orders
from app.orders.states import OrderState
from app.payments.actions.hurrying import look_at_once
from app.payments.queries import newest_payment_of_session
from app.payments.states import PaymentState
from app.plans.quote import Quote


async def approvable(case: CaseView) -> Flow:
    """The held purchase of a case about risk, if it can still be made. In a transaction that holds session, order and
    case. Raises ApprovalImpossible."""
    flow = await read_flow(case.session_public_id, b"")
    assert flow is not None, "the case's session is held"
    quote = flow.quote
    if quote is None or quote.price_minor != flow.total_minor or flow.changed:
        raise ApprovalImpossible("order_changed")
    if flow.lends and (flow.decision is None or flow.decision.outcome != "approved"):
        raise ApprovalImpossible("not_decided")
    if not flow.money_aside:
        raise ApprovalImpossible("hold_ended")
    if flow.link_state not in {None, LinkState.ACTIVE}:
        raise ApprovalImpossible("link_closed")
    if await frozen() is not None:
        raise ApprovalImpossible("money_frozen")
    if quote.paid_minor:
        await _refuse_ended_payment(flow)
    return flow


async def _refuse_ended_payment(flow: Flow) -> None:
    payment = await newest_payment_of_session(flow.merchant.id, flow.session_id)
    if payment is None or payment.state is not PaymentState.AUTHORISED:
        raise ApprovalImpossible("payment_ended")


async def carry_on_in_tx(flow: Flow, lang: str, *, actor: str) -> None:
    """Make the purchase; what a provider has authorised for it is taken first, by a worker. In the same transaction as
    `approvable`. Raises ApprovalImpossible."""
    quote = flow.quote
    assert quote is not None, "the caller has looked"
    now, merchant_id = flow.now, flow.merchant.id
    await db.execute(_NO_LONGER, merchant_id, flow.session_id)
    await orders.move(
        merchant_id, flow.order_id, expected=OrderState.HELD, to=OrderState.IN_PAYMENT, actor=actor, now=now
    )
    flow = replace(flow, order_state=OrderState.IN_PAYMENT)
    if quote.paid_minor:
        await _have_it_taken(merchant_id, flow.session_id, actor, now)
    else:
        await _make(flow, quote, lang, actor)


_NO_LONGER: Final = """
UPDATE checkout_sessions SET held_until = NULL, review_first = false WHERE merchant_id = $1 AND id = $2
"""


_FORGET_TYPED: Final = "UPDATE checkout_sessions SET typed = NULL WHERE merchant_id = $1 AND id = $2"


async def _have_it_taken(merchant_id: UUID, session_id: UUID, actor: str, now: datetime) -> None:
    await MACHINE.move(
        merchant_id,
        session_id,
        expected=SessionState.HELD,
        to=SessionState.PROCESSING,
        actor=actor,
        at=now,
    )
    await look_at_once(merchant_id, session_id, clock.wall())


async def _make(flow: Flow, quote: Quote, lang: str, actor: str) -> None:
    if flow.customer is None:
        raise ApprovalImpossible("order_changed")
    try:
        # As it was known at the press; nobody's browser is here.
        await purchase_in_tx(flow, flow.customer, quote, flow.typed, lang, actor=actor)
    except CreditRefused:
        raise ApprovalImpossible("limit_reached") from None
    except HoldEnded:
        raise ApprovalImpossible("hold_ended") from None
    except MoneyFrozen:
        raise ApprovalImpossible("money_frozen") from None
    except SessionEnded:
        raise ApprovalImpossible("link_closed") from None
    # Who bought stands on the order now.
    await db.execute(_FORGET_TYPED, flow.merchant.id, flow.session_id)
