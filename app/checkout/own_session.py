"""What one browser has on its way by a payment link."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.checkout.queries import ANSWERED, is_over, reachable
from app.checkout.states import SessionState
from app.identity.actions.browsers import BrowserToken
from app.kernel import db
from app.links.queries import LinkView

_OWN: Final = f"""
SELECT s.public_id, s.state, s.expires_at, s.held_until, {ANSWERED} AS answered
FROM browsers b JOIN checkout_sessions s ON s.browser_id = b.id
WHERE b.token_digest = $3 AND s.merchant_id = $1 AND s.link_id = $2 AND s.state IN ('open', 'held')
ORDER BY s.id DESC LIMIT 1
"""  # noqa: S608 - a constant is filled in


async def own_session(link: LinkView, browser: BrowserToken, now: datetime) -> str | None:
    """The session that this browser has on its way by this link; None where it has none, or may not go on now."""
    row = await db.fetch_one(_OWN, link.merchant_id, link.id, browser.digest)
    if row is None:
        return None
    state = SessionState(row["state"])
    over = is_over(state, row["expires_at"], row["held_until"], now, answered=row["answered"])
    reached = reachable(state, link.order_state, link.stored_state)
    return None if over or reached is SessionState.CANCELLED else str(row["public_id"])
