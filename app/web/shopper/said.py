"""Who is asked how it was, and what they have said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.support.queries import said_of
from app.web.shopper.views import FeedbackView

if TYPE_CHECKING:
    from app.checkout.queries import Flow
    from app.web.shopper.visit import Visit

# One that waits for a provider or for a person has not ended.
ENDED: Final = frozenset({"confirmed", "declined", "cancelled", "expired"})


def asks_feedback(flow: Flow) -> bool:
    """Of every purchase that has ended, in the browser that it was made in; where it ended before anybody was known
    in it, whoever has its address."""
    nobodys = flow.bound_browser_id is None and flow.customer is None
    return (flow.ours or nobodys) and flow.state in ENDED


async def said_in(here: Visit) -> FeedbackView | None:
    """What this browser's shopper has said of the purchase; None before, and where nobody is asked."""
    if not asks_feedback(here.flow):
        return None
    said = await said_of(here.flow.merchant.id, here.flow.session_id, here.lang)
    return None if said is None else FeedbackView(said.ease, said.words, said.news)
