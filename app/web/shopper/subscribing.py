"""What step 3 says of the subscription that a purchase begins: the very figures of the agreement that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.subscriptions.agreement import Agreement, agreement_of, beginning
from app.subscriptions.queries import offered_with
from app.subscriptions.rules import METHODS

if TYPE_CHECKING:
    from app.web.shopper.visit import Visit


async def agreement_in(visit: Visit) -> Agreement | None:
    """None where the purchase is a purchase and nothing else. The days are those of the quote that is confirmed."""
    flow = visit.flow
    if not flow.begins_subscription or flow.quote is None:
        return None
    offered = await offered_with(flow.merchant.id, flow.order_id)
    assert offered is not None, "the flow says that there is one"
    method = next((each for each in METHODS if each == flow.quote.method), None)
    return agreement_of(
        beginning(offered.terms, method, flow.quote.start), flow.merchant, visit.lang, flow.quote.start
    )
