"""A session as the API tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.checkout.queries import ANSWERED, is_over, reachable
from app.checkout.states import SessionState
from app.kernel import db
from app.links.states import LinkState
from app.orders.states import OrderState


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """A session as the API tells it."""

    id: str
    state: str
    total_minor: int
    currency: str
    expires_at: datetime
    order_id: str
    reference: str


async def session_for_api(merchant_id: UUID, public_id: str, now: datetime) -> SessionAnswer | None:
    """A merchant's session, or None for a foreign or unknown one."""
    row = await db.fetch_one(
        f"""SELECT s.public_id, s.state, s.expires_at, s.held_until, {ANSWERED} AS answered,
                  o.total_minor, o.currency, o.public_id AS order_id, o.reference,
                  o.state AS order_state, l.state AS link_state
           FROM checkout_sessions s JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
           LEFT JOIN payment_links l ON l.merchant_id = s.merchant_id AND l.id = s.link_id
           WHERE s.public_id = $2 AND s.merchant_id = $1""",  # noqa: S608 - a constant is filled in
        merchant_id,
        public_id,
    )
    if row is None:
        return None
    state = SessionState(row["state"])
    if is_over(state, row["expires_at"], row["held_until"], now, answered=row["answered"]):
        state = SessionState.EXPIRED
    link = None if row["link_state"] is None else LinkState(row["link_state"])
    state = reachable(state, OrderState(row["order_state"]), link)
    return SessionAnswer(
        id=row["public_id"],
        state=state.value,
        total_minor=row["total_minor"],
        currency=row["currency"],
        expires_at=row["expires_at"],
        order_id=row["order_id"],
        reference=row["reference"],
    )
