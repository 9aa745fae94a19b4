"""Staff ask the shopper who waits, and the shopper answers on the page on which they wait. Both pages hear of it."""

from __future__ import annotations

from functools import partial
from typing import Final

from app.cases import actions as cases
from app.cases.queries import case_by_public_id
from app.checkout.actions.answering import Desk
from app.checkout.errors import CaseNotFound, SessionEnded
from app.checkout.queries import flow as read_flow
from app.checkout.states import SessionState
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, outbox
from app.merchants.queries import Merchant

# Open pages hear of an order (`web/shared/live.py`); what is asked about it is news to them as well.
_TELL_PAGES: Final = "SELECT pg_notify('order_changed', $1)"


async def ask_shopper(merchant: Merchant, public_id: str, text: str, desk: Desk) -> None:
    """Ask the shopper of a case; a message tells them that a question waits.

    Raises CaseNotFound, TextRefused, CaseClosed, CaseTaken, AskedEnough.
    """
    await db.in_tx(partial(_ask, merchant, public_id, text, desk))


async def _ask(merchant: Merchant, public_id: str, text: str, desk: Desk) -> None:
    question = await cases.ask_in_tx(merchant.id, public_id, desk.actor, text, wall=desk.wall, now=desk.now)
    case = await case_by_public_id(merchant.id, public_id)
    if question is None or case is None:
        raise CaseNotFound
    data = {"case_id": public_id, "question_id": question}
    await outbox.emit(merchant.id, "review.asked", data, now=desk.now, about=case.order_public_id)
    await db.fetch_value(_TELL_PAGES, case.order_public_id)


async def answer_question(public_id: str, browser: BrowserToken, question: str, text: str) -> None:
    """The shopper who waits answers, once. A repeat changes nothing. Raises TextRefused, SessionEnded."""

    async def write() -> None:
        flow = await read_flow(public_id, browser.digest, lock=True)
        if flow is None or not flow.ours or flow.state is not SessionState.HELD:
            raise SessionEnded
        await cases.answer_in_tx(flow.merchant.id, flow.session_id, question, text, now=flow.now)
        await db.fetch_value(_TELL_PAGES, flow.order_public_id)

    await db.in_tx(write)
