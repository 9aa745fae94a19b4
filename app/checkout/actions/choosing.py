"""Step 1: the shopper chose a plan, for the order as they saw it, and what they added to it themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.checkout.actions import seeing
from app.checkout.actions.aside import free_in_tx, set_aside_in_tx
from app.checkout.errors import SessionEnded
from app.checkout.flow_parts import Decision
from app.checkout.queries import QUOTE_GRACE, Flow
from app.checkout.states import SessionState
from app.extras import actions as extras
from app.extras.actions import Asked
from app.extras.rules import Choice
from app.identity.actions import browsers
from app.identity.actions.browsers import BrowserToken
from app.kernel import db, ids
from app.kernel.states import LostRace
from app.orders import actions as orders
from app.orders import extras as order_extras
from app.orders.actions import Contact
from app.orders.errors import OrderLocked, VersionConflict
from app.orders.rules import Line, extras_of, lines_of_shop
from app.orders.states import OrderState
from app.plans.errors import StartInThePast
from app.plans.quote import Quote

# The quote is stored by the first POST that uses it. A decision is for one quote: another quote clears it, but for one
# that carries over ($9).
# Once a person is identified, only their browser may choose. Whoever chooses a plan has seen what it is for.
_CHOOSE: Final = f"""
WITH kept AS (
    INSERT INTO quotes (merchant_id, id, content, created_at) VALUES ($1, $3, $4, $5)
    ON CONFLICT (merchant_id, id) DO NOTHING
), seen AS ({seeing.RECORD.format(version="$10", at="$5", id="$11")})
UPDATE checkout_sessions
SET quote_id = $3, seen_version = $10, delivery = $6, browser_id = coalesce(browser_id, $7), payment_failure = NULL,
    choice = coalesce($12, choice),
    typed = CASE WHEN $13::text IS NULL THEN typed
                 ELSE coalesce(typed, '{{}}') || jsonb_build_object('postcode', $13::text) END,
    decision_id = CASE WHEN quote_id IS DISTINCT FROM $3 AND decision_id IS DISTINCT FROM $9 THEN NULL
                       ELSE decision_id END
WHERE merchant_id = $1 AND id = $2 AND state = $8 AND expires_at > $5
  AND (customer_id IS NULL OR browser_id = $7)
RETURNING browser_id, hold_id
"""  # noqa: S608 - the part that is filled in is a constant


@dataclass(frozen=True, slots=True)
class Added:
    """What was chosen beside the way to pay: the lines that it makes, after those of the shop; the postcode that was
    typed to see which ways to deliver there are; and the answer to the question about an insurance."""

    lines: tuple[Line, ...] = ()
    choice: Choice = field(default_factory=Choice)
    postcode: str | None = field(default=None, repr=False)
    asked: Asked | None = None


async def choose_plan(
    flow: Flow, quote: Quote, browser: BrowserToken, wall: datetime, added: Added | None = None
) -> Flow:
    """Fix the quote on the session; the first browser to do so is the one the session is bound to.

    `added` takes the place of what was added to the order before, and the quote is of the sum with it; None leaves that
    as it is. The order gets a version, of which the shopper is not told: it is what they chose. What was set aside in
    the wallet for another choice comes free; what this one takes is set aside where somebody is identified here.
    Answers the flow as it is now. Raises ModuleOff when it takes from the wallet of a shop that has
    none, SessionEnded when the session is no longer open, or no longer to this browser,
    and StartInThePast for a quote whose day is over.
    """
    lines = _lines(flow, added)
    if quote.price_minor != sum(line.total_minor for line in lines):
        raise ValueError("a quote is of the sum with everything that was chosen")
    today = flow.merchant.local_date(flow.now - QUOTE_GRACE)
    if quote.start < today:
        raise StartInThePast(quote.start, today)
    return await db.in_tx(lambda: _choose(flow, quote, browser, wall, added))


def _lines(flow: Flow, added: Added | None) -> tuple[Line, ...]:
    return flow.lines if added is None else (*lines_of_shop(flow.lines), *added.lines)


async def _choose(
    flow: Flow, quote: Quote, browser: BrowserToken, wall: datetime, added: Added | None
) -> Flow:
    browser_id = await browsers.remember(browser, wall=wall)
    if _is_for_another(flow, quote):
        flow = await _leave(flow, browser_id)
    decision = _decision_for(flow, quote)
    chosen = await db.fetch_one(
        _CHOOSE,
        flow.merchant.id,
        flow.session_id,
        quote.id,
        quote.to_json(),
        flow.now,
        quote.delivery,
        browser_id,
        SessionState.OPEN.value,
        decision.id if decision is not None else None,
        flow.version,
        ids.internal_id(),
        None if added is None else added.choice.to_data(),
        None if added is None else added.postcode,
    )
    if chosen is None:
        raise SessionEnded
    if added is not None:
        flow = await _add(flow, added)
    if flow.order_state in {OrderState.DRAFT, OrderState.OPEN}:
        await _payment_begins(flow)
    after = replace(
        flow,
        quote=quote,
        decision=decision,
        browser_id=browser_id,
        bound_browser_id=chosen["browser_id"],
        order_state=OrderState.IN_PAYMENT,
        seen_version=flow.version,
        payment_failure=None,
    )
    return await _with_money(flow, after, chosen["hold_id"])


_PAID_ELSEWHERE: Final = """
SELECT EXISTS (SELECT FROM checkout_sessions
               WHERE merchant_id = $1 AND order_id = $2 AND id <> $3 AND state = 'processing')
"""


async def _add(flow: Flow, added: Added) -> Flow:
    """Put what was chosen on the order where it is something else than before; the flow as it is then."""
    if added.asked is not None:
        await extras.note_answer_in_tx(flow.merchant.id, flow.session_id, added.asked, flow.now)
    typed = (
        flow.typed if added.postcode is None else Contact(**asdict(flow.typed) | {"postcode": added.postcode})
    )
    flow = replace(flow, choice=added.choice, typed=typed)
    chosen_in = flow.session_id if added.lines else None
    if added.lines == extras_of(flow.lines) and chosen_in == flow.extras_by:
        return flow
    if flow.link_id is not None and await db.fetch_value(
        _PAID_ELSEWHERE, flow.merchant.id, flow.order_id, flow.session_id
    ):
        # Somebody else's money is on its way for the order as it is.
        raise SessionEnded
    lines = _lines(flow, added)
    try:
        await order_extras.put_extras(
            flow.merchant.id,
            flow.order_id,
            lines,
            shown_version=flow.version,
            chosen_in=chosen_in,
            now=flow.now,
        )
    except (OrderLocked, VersionConflict):
        # The page it leads to tells how things stand.
        raise SessionEnded from None
    return replace(
        flow, lines=lines, total_minor=sum(line.total_minor for line in lines), extras_by=chosen_in
    )


def _is_for_another(flow: Flow, quote: Quote) -> bool:
    """Whether somebody else has to be identified for this choice: an invoice to a company is owed by the company, and
    a wallet is a person's."""
    if flow.customer is None:
        return False
    if flow.identified_by == "company":
        return quote.wallet_minor > 0
    return quote.for_company


_LEAVE: Final = """
UPDATE checkout_sessions SET customer_id = NULL, identified_by = NULL, identified_at = NULL, decision_id = NULL
WHERE merchant_id = $1 AND id = $2 AND state = $3 AND browser_id = $4
RETURNING id
"""


async def _leave(flow: Flow, browser_id: UUID | None) -> Flow:
    """Nobody is identified in the session any more; it stays this browser's."""
    left = await db.fetch_value(
        _LEAVE, flow.merchant.id, flow.session_id, SessionState.OPEN.value, browser_id
    )
    if left is None:
        raise SessionEnded
    return replace(
        flow,
        customer=None,
        identified_by=None,
        identified_at=None,
        decision=None,
        passkeys=0,
        wallet_minor=0,
    )


async def _with_money(before: Flow, after: Flow, hold_id: UUID | None) -> Flow:
    """What the choice takes from the wallet is set aside once there is somebody whose wallet it is."""
    assert after.quote is not None, "it was chosen just now"
    if after.quote.wallet_minor and after.identified:
        return await set_aside_in_tx(after, before=hold_id)
    await free_in_tx(after.merchant.id, hold_id, actor="shopper", now=before.now)
    return replace(after, aside=None)


def _decision_for(flow: Flow, quote: Quote) -> Decision | None:
    """The present decision, if it holds for this quote too: for the same figures, for a smaller sum on the same plan,
    and while the wallet pays all, so that it is there again when it does not."""
    before, decision = flow.quote, flow.decision
    if before is None or decision is None:
        return None
    if quote.id in {before.id, decision.quote_id} or not quote.is_credit:
        return decision
    if decision.outcome != "approved" or quote.amount_minor > decision.amount_minor:
        return None
    same_day = decision.by_person or before.start == quote.start
    return decision if same_day and _same_plan(before, quote) else None


def _same_plan(one: Quote, other: Quote) -> bool:
    """Whether two quotes differ by their day and their sum alone."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("method", "plan_key", "months", "currency", "nominal_rate", "fees_minor")
    )


async def _payment_begins(flow: Flow) -> None:
    try:
        await orders.move(
            flow.merchant.id,
            flow.order_id,
            expected=flow.order_state,
            to=OrderState.IN_PAYMENT,
            actor="shopper",
            now=flow.now,
        )
    except LostRace:
        # A second tab was a moment faster; the order is where it shall be.
        return
