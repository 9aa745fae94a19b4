"""A shop opens a session on a draft order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.checkout.drafts import SessionDraft
from app.checkout.states import MACHINE, SessionState
from app.kernel import db, ids
from app.merchants.queries import Merchant
from app.orders import actions as orders
from app.orders.actions import Contact, NewOrder
from app.orders.states import OrderState


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """Public ids, the sum in minor units, and when it ends (business time)."""

    session_id: str
    order_id: str
    total_minor: int
    currency: str
    expires_at: datetime


_OPEN: Final = """
INSERT INTO checkout_sessions (merchant_id, id, public_id, order_id, state, locale, success_url, cancel_url, created_at,
                               expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def open_session(merchant: Merchant, draft: SessionDraft, now: datetime) -> OpenedSession:
    """Create the order and the session on it. Raises LineRefused, TotalRefused."""
    return await db.in_tx(lambda: open_session_in_tx(merchant, draft, now))


async def open_session_in_tx(merchant: Merchant, draft: SessionDraft, now: datetime) -> OpenedSession:
    """As `open_session`, inside the caller's transaction."""
    person = draft.customer
    contact = (
        Contact()
        if person is None
        else Contact(person.name, person.email, person.phone, person.postcode, person.street, person.city)
    )
    new = NewOrder(draft.reference, draft.country, draft.currency, draft.buyer, draft.lines, contact)
    actor = "merchant"
    order = await orders.create(merchant.id, new, state=OrderState.DRAFT, actor=actor, now=now)
    session_id, public_id = ids.internal_id(), ids.public_id("cs")
    expires_at = now + timedelta(seconds=draft.expires_in_s)
    await db.execute(
        _OPEN,
        merchant.id,
        session_id,
        public_id,
        order.id,
        SessionState.OPEN.value,
        draft.locale,
        draft.success_url,
        draft.cancel_url,
        now,
        expires_at,
    )
    await MACHINE.begin(
        merchant.id, session_id, state=SessionState.OPEN, event="session.opened", actor=actor, at=now
    )
    return OpenedSession(public_id, order.public_id, order.total_minor, draft.currency, expires_at)
