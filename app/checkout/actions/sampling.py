"""A random share of the approved orders is looked at by a person who does not know what the machine said.

So a shop learns what its rules let through, and the reviewers' word does not lean on the machine's. The order stays as
it is whatever is found.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from app.cases import actions as cases
from app.cases.actions import NewCase, Reach
from app.cases.queries import settings_of
from app.cases.rules import due_at
from app.kernel import db
from app.merchants.queries import Merchant
from app.risk.queries import decision_of_session

ACTOR: Final = "sample"
MILLION: Final = 1_000_000

_BOUGHT: Final = """
SELECT s.id, o.total_minor, o.currency, coalesce(v.name, t.name) AS name
FROM orders o
JOIN checkout_sessions s ON s.merchant_id = o.merchant_id AND s.order_id = o.id AND s.state = 'confirmed'
LEFT JOIN order_contacts t ON t.merchant_id = o.merchant_id AND t.order_id = o.id
LEFT JOIN verified_identities v ON v.customer_id = s.customer_id
WHERE o.merchant_id = $1 AND o.public_id = $2
  AND NOT EXISTS (SELECT FROM cases c WHERE c.merchant_id = s.merchant_id AND c.session_id = s.id AND c.kind = 'risk')
ORDER BY s.id DESC, v.verified_at DESC LIMIT 1
"""


def is_drawn(sample_ppm: int) -> bool:
    """Whether this order is one of the share."""
    return secrets.randbelow(MILLION) < sample_ppm


async def sample_in_tx(merchant: Merchant, order_public_id: str, now: datetime) -> str | None:
    """Draw whether an order that was just paid is looked at; answers the case, None for most orders. In a transaction.

    One that a person has looked at already, or that nobody assessed, is never drawn.
    """
    if not is_drawn((await settings_of(merchant.id)).sample_ppm):
        return None
    return await open_sample_in_tx(merchant, order_public_id, now)


async def open_sample_in_tx(merchant: Merchant, order_public_id: str, now: datetime) -> str | None:
    """As `sample_in_tx` for an order that was drawn."""
    row = await db.fetch_one(_BOUGHT, merchant.id, order_public_id)
    if row is None:
        return None
    decision = await decision_of_session(merchant.id, row["id"])
    if decision is None or decision.outcome != "approve":
        return None
    new = NewCase(
        kind="risk",
        asked_by="rules",
        session_id=row["id"],
        decision_id=None,
        amount_minor=row["total_minor"],
        currency=row["currency"],
        due_at=due_at(now, country=merchant.country, time_zone=merchant.time_zone),
        reach=Reach(merchant.locale, row["name"]),
        is_blind=True,
    )
    return await cases.open_case(merchant.id, new, actor=ACTOR, now=now)
