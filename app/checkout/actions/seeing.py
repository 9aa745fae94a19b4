"""Which version of the order the shopper has looked at: noted when they go on from a page that showed it.

A page that is only opened notes nothing (a GET never writes); its form says what it showed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.checkout.errors import SessionEnded, ShownTotalChanged
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.kernel import db, ids

# A row for the shop, unless the session went on from this very version just before. $1 and $2 are the session.
RECORD: Final = """
    INSERT INTO order_views (merchant_id, id, order_id, session_id, version, at)
    SELECT merchant_id, {id}, order_id, id, {version}, {at} FROM checkout_sessions
    WHERE merchant_id = $1 AND id = $2 AND seen_version IS DISTINCT FROM {version}
"""

# Once a person is identified, only their browser says what was seen.
_SEE: Final = f"""
WITH seen AS ({RECORD.format(version="$3", at="$4", id="$5")})
UPDATE checkout_sessions SET seen_version = $3
WHERE merchant_id = $1 AND id = $2 AND state = $6 AND expires_at > $4 AND (customer_id IS NULL OR browser_id = $7)
RETURNING true
"""  # noqa: S608 - the part that is filled in is a constant


async def saw(flow: Flow, version: int) -> Flow:
    """The shopper goes on from a page that showed this version: the present one, or one before it, which leads to the
    page that tells what has changed since. Answers the flow as it is now. Raises SessionEnded.
    """
    if not 1 <= version <= flow.version:
        raise ShownTotalChanged
    return await db.in_tx(lambda: _saw(flow, version))


async def _saw(flow: Flow, version: int) -> Flow:
    noted = await db.fetch_value(
        _SEE,
        flow.merchant.id,
        flow.session_id,
        version,
        flow.now,
        ids.internal_id(),
        SessionState.OPEN.value,
        flow.browser_id,
    )
    if noted is None:
        raise SessionEnded
    return replace(flow, seen_version=version)
