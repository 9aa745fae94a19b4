"""The flow is a table: which page a session may see, and where it is now. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.checkout.states import SessionState


class Page(StrEnum):
    METHOD = "method"
    CHANGED = "changed"
    IDENTIFY = "identify"
    CONFIRM = "confirm"
    PAYING = "paying"
    OUTCOME = "outcome"


class Progress(StrEnum):
    """How far an open session has come in the browser that asks. Elsewhere: somebody is identified in another one.
    Guest: a way to pay is chosen for which nobody need be identified, and nobody is.
    Changed: the shop has edited the order since the shopper last looked at it, wherever they were."""

    NOTHING = "nothing"
    CHOSEN = "chosen"
    GUEST = "guest"
    ELSEWHERE = "elsewhere"
    CHANGED = "changed"
    IDENTIFIED = "identified"
    REFUSED = "refused"


# The first page of a row is where the shopper is led to; the others may be visited (back, reload, a second tab).
OPEN_PAGES: Final[dict[Progress, tuple[Page, ...]]] = {
    Progress.NOTHING: (Page.METHOD,),
    Progress.CHOSEN: (Page.IDENTIFY, Page.METHOD),
    Progress.GUEST: (Page.CONFIRM, Page.METHOD, Page.IDENTIFY),
    Progress.ELSEWHERE: (Page.IDENTIFY,),
    Progress.CHANGED: (Page.CHANGED,),
    Progress.IDENTIFIED: (Page.CONFIRM, Page.METHOD),
    Progress.REFUSED: (Page.OUTCOME, Page.METHOD),
}


def pages(state: SessionState, progress: Progress) -> tuple[Page, ...]:
    """The pages a session may see, the one it is led to first."""
    if state is SessionState.OPEN:
        return OPEN_PAGES[progress]
    # With a provider: where it stands there is all that can be told.
    return (Page.PAYING,) if state is SessionState.PROCESSING else (Page.OUTCOME,)


def where_now(state: SessionState, progress: Progress) -> Page:
    return pages(state, progress)[0]


def may_see(page: Page, state: SessionState, progress: Progress) -> bool:
    return page in pages(state, progress)
