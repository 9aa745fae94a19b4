"""Step 1 of a business: which company is buying."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.checkout.errors import SessionEnded
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db
from app.orders.companies import Company, company_of, put_company
from app.orders.errors import OrderLocked

# Who was identified for another company, and what was decided about it, is of no use for this one.
_NAME: Final = """
UPDATE checkout_sessions
SET browser_id = coalesce(browser_id, $3),
    decision_id = CASE WHEN $6 THEN NULL ELSE decision_id END,
    customer_id = CASE WHEN $6 AND identified_by = 'company' THEN NULL ELSE customer_id END,
    identified_at = CASE WHEN $6 AND identified_by = 'company' THEN NULL ELSE identified_at END,
    identified_by = CASE WHEN $6 AND identified_by = 'company' THEN NULL ELSE identified_by END
WHERE merchant_id = $1 AND id = $2 AND state = $4 AND expires_at > $5 AND (customer_id IS NULL OR browser_id = $3)
RETURNING id
"""


# Another tab may have named a company a moment ago: what is named now is looked at once the session is held.
_HOLD: Final = """
SELECT c.company_country, c.company_number, c.company_name, c.purchase_order
FROM checkout_sessions s
JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id
JOIN order_contacts c ON c.merchant_id = s.merchant_id AND c.order_id = s.order_id
WHERE s.merchant_id = $1 AND s.id = $2 FOR UPDATE OF s, o, c
"""


async def hold_company(flow: Flow) -> Company | None:
    """Which company buys, as it is once session and order are held until the transaction ends. In a transaction."""
    row = await db.fetch_one(_HOLD, flow.merchant.id, flow.session_id)
    return None if row is None else company_of(row)


async def name_company(flow: Flow, company: Company, browser: BrowserToken, wall: datetime) -> None:
    """Say which company buys; again with another one in its place. The flow has to be read again. Raises SessionEnded
    when the session is no longer open, or no longer to this browser."""

    async def write() -> None:
        browser_id = await browsers.remember(browser, wall=wall)
        before = await hold_company(flow)
        named = await db.fetch_value(
            _NAME,
            flow.merchant.id,
            flow.session_id,
            browser_id,
            SessionState.OPEN.value,
            flow.now,
            before is not None and before.number != company.number,
        )
        if named is None:
            raise SessionEnded
        try:
            await put_company(flow.merchant.id, flow.order_id, company)
        except OrderLocked:
            raise SessionEnded from None

    await db.in_tx(write)
