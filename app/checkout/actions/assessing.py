"""What risk says of a purchase at the press of "Confirm", and the end of one that it declines."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.checkout.actions.aside import free_in_tx
from app.checkout.actions.ending import give_back_in_tx
from app.checkout.assessing import Press, purchase_of
from app.checkout.queries import Flow
from app.checkout.states import MACHINE, SessionState
from app.kernel import outbox
from app.orders import actions as orders
from app.orders.actions import Contact
from app.orders.states import OrderState
from app.plans.quote import Quote
from app.risk.actions import assess_in_tx
from app.risk.rules import Outcome

ACTOR: Final = "system"


async def assess(flow: Flow, quote: Quote, contact: Contact, press: Press) -> Outcome:
    """What becomes of a purchase that nothing else forbids, written down with its reasons. In a transaction."""
    return (await assess_in_tx(purchase_of(flow, quote, contact, press))).outcome


async def decline_in_tx(flow: Flow) -> Flow:
    """The purchase is over before anything of it was made: as where a person declines, and nobody was asked. In a
    transaction that holds session and order. Raises LostRace."""
    merchant_id, now = flow.merchant.id, flow.now
    await MACHINE.move(
        merchant_id,
        flow.session_id,
        expected=flow.stored_state,
        to=SessionState.DECLINED,
        actor=ACTOR,
        at=now,
    )
    if flow.link_id is None:
        order_state = OrderState.CANCELLED
        await orders.move(
            merchant_id, flow.order_id, expected=flow.order_state, to=order_state, actor=ACTOR, now=now
        )
    else:
        # Somebody else may still pay what a link asks for.
        order_state = OrderState.OPEN
        await give_back_in_tx(merchant_id, flow.order_id, flow.order_state, ACTOR, now)
    told = {"session_id": flow.public_id, "order_id": flow.order_public_id, "reference": flow.reference}
    await outbox.emit(merchant_id, "session.declined", told, now=now, about=flow.order_public_id)
    await free_in_tx(merchant_id, None if flow.aside is None else flow.aside.id, actor=ACTOR, now=now)
    return replace(flow, stored_state=SessionState.DECLINED, order_state=order_state)
