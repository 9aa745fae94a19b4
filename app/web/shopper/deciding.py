"""Between identification and confirmation: gather the facts, over the network, and have it decided."""

from __future__ import annotations

from app.checkout.actions import decide
from app.checkout.errors import DecisionsSpent, StepNotReached
from app.checkout.facts import gather
from app.checkout.queries import DECISIONS_MAX
from app.web.shopper.visit import Visit


async def decide_if_identified(here: Visit) -> Visit:
    """The visit with a decision for its quote, if somebody is identified and none stands yet. Three a session."""
    flow = here.flow
    if flow.state != "open" or not flow.quote_stands or not flow.identified or flow.decision_stands:
        return here
    return await decide_anew(here)


async def decide_anew(here: Visit) -> Visit:
    """As above, whatever stands: what a customer owes may have grown since."""
    if here.flow.decisions_made >= DECISIONS_MAX:
        # The register is asked about a person only for a decision that will be made.
        return here
    facts = await gather(here.flow, here.house.register)
    try:
        return here.after(await decide(here.flow, facts, lang=here.lang))
    except (DecisionsSpent, StepNotReached):
        # The page that follows tells: the limit of three, or the step that changed under this request.
        return await here.again()
