"""Between identification and confirmation: money of the wallet is set aside, and credit is decided on, whose facts are
gathered over the network."""

from __future__ import annotations

from app.checkout.actions import decide, set_aside
from app.checkout.errors import DecisionsSpent, SessionEnded, StepNotReached
from app.checkout.facts import gather
from app.checkout.queries import DECISIONS_MAX
from app.merchants.errors import ModuleOff
from app.web.shopper.visit import Visit


async def decide_if_identified(here: Visit) -> Visit:
    """The visit with all that step 3 needs, if somebody is identified: what is chosen of the wallet is set aside, and
    what is lent has a decision. Three decisions a session."""
    if not _may_go_on(here):
        return here
    if not here.flow.money_aside:
        here = await _set_aside(here)
    flow = here.flow
    if not _may_go_on(here) or not flow.money_aside or not flow.lends or flow.decision_stands:
        return here
    return await decide_anew(here)


def _may_go_on(here: Visit) -> bool:
    flow = here.flow
    return flow.state == "open" and flow.quote_stands and flow.identified


async def _set_aside(here: Visit) -> Visit:
    """As it was where it cannot be: step 3 tells why, and how to go on."""
    try:
        return here.after(await set_aside(here.flow))
    except ModuleOff:
        return here
    except SessionEnded:
        return await here.again()


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
