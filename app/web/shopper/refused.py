"""What a refusal and a wait say: why, which register was asked, what would pass now, and how a person is asked.

Only the identified browser gets any of it. The choices come from the rules themselves, run over the plans on offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from app.cases.queries import asked_by_shopper, newest_of_session
from app.cases.questions import questions_of
from app.cases.rules import ASKED_BY_SHOPPER_MAX
from app.cases.states import WAITING, CaseState
from app.checkout.actions.holding import answer_by, reach_of
from app.checkout.passing import Basket, Passing, passes, what_passes
from app.checkout.purse import WALLET, purse_of
from app.checkout.queries import DECISIONS_MAX
from app.credit.queries import last_machine_decision, stored_decision
from app.kernel.money import Money
from app.kernel.phone import masked
from app.law.contacts import contacts_of
from app.web.shopper.offers import offers_for
from app.web.shopper.purse import ways_with
from app.web.shopper.views import Choice, RefusalView, WaitView, WayView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.checkout.queries import Flow
    from app.credit.queries import StoredDecision
    from app.plans.quote import Quote
    from app.web.shopper.visit import Visit


async def refusal_of(visit: Visit, refused_for: Sequence[str] = ()) -> RefusalView | None:
    """For a refused plan, or a purchase that a person declined; None in any other browser."""
    flow = visit.flow
    not_accepted = flow.ours and await _not_accepted(flow)
    if not flow.identified and not _unknown_person(flow) and not not_accepted:
        return None
    decision = None if not_accepted else await _machine_decision(visit)
    still_open = flow.state == "open"
    passing = await _passing(visit, decision) if still_open else Passing((), 0)
    with_wallet = await _with_wallet(visit, decision) if still_open else ()
    contacts = contacts_of(flow.merchant.country)
    asked = decision is not None and decision.register_answer is not None
    reach = reach_of(flow, visit.lang)
    return RefusalView(
        reasons=refused_for or _reasons(visit, decision),
        register=contacts.register if asked else None,
        choices=tuple(_choice(visit, quote) for quote in passing.quotes),
        largest=Money(passing.largest_minor, flow.currency) if passing.largest_minor else None,
        advice=contacts.debt_advice,
        explanation_url=_explanation_url(visit) if decision is not None else None,
        ask_url=f"{visit.url}/ask" if still_open and decision is not None and await _may_ask(visit) else None,
        asks_email=reach.phone is None and reach.email is None,
        answer_by=answer_by(flow.merchant, flow.now),
        zone=flow.merchant.time_zone,
        unknown_person=_unknown_person(flow),
        wallet=with_wallet,
        order_not_accepted=not_accepted,
    )


async def _not_accepted(flow: Flow) -> bool:
    """Declined as an order, at the press or by a person, and not for anybody's credit or identity."""
    if flow.state != "declined":
        return False
    case = await newest_of_session(flow.merchant.id, flow.session_id)
    return case is None or case.kind == "risk" or case.state != "declined"


def _unknown_person(flow: Flow) -> bool:
    """Declined before anybody was identified: by a person who could not make sure who it is."""
    return flow.state == "declined" and flow.ours and flow.customer is None


async def _may_ask(visit: Visit) -> bool:
    return await asked_by_shopper(visit.flow.merchant.id, visit.flow.session_id) < ASKED_BY_SHOPPER_MAX


async def has_waited(flow: Flow) -> bool:
    """Of what is over without a purchase: its time ran out, or it was cancelled, while a person was to look at it. A
    case that was left for another plan is no reason for what ran out later."""
    case = await newest_of_session(flow.merchant.id, flow.session_id)
    if case is None:
        return False
    if flow.state == "cancelled":
        return case.state is CaseState.WITHDRAWN
    return case.state is CaseState.LAPSED or case.state in WAITING


async def wait_of(visit: Visit) -> WaitView | None:
    """For a session that is held; None in any other browser, and for one that waits without a case."""
    flow = visit.flow
    if not flow.ours or flow.held_until is None:
        return None
    case = await newest_of_session(flow.merchant.id, flow.session_id)
    if case is None:
        return None
    told = masked(case.phone) if case.phone else masked_email(case.email) if case.email else None
    return WaitView(
        kind=case.kind,
        asked_by=case.asked_by,
        decide_by=case.due_at,
        zone=flow.merchant.time_zone,
        told_by=told,
        statement=case.statement,
        reasons=flow.decision.reasons if flow.decision is not None else (),
        explanation_url=_explanation_url(visit) if flow.decision is not None else None,
        another_plan_url=f"{visit.url}/another-plan",
        email_url=f"{visit.url}/answer-to",
        amount=_paid(flow.quote),
        reserved=_reserved(flow.quote),
        aside=_aside(flow.quote),
        question_url=f"{visit.url}/answer-question",
        questions=await questions_of(flow.merchant.id, case.id),
    )


def _reserved(quote: Quote | None) -> Literal["card", "mobilepay"] | None:
    """The provider with whom money waits."""
    return quote.method if quote is not None and quote.method in ("card", "mobilepay") else None


def _paid(quote: Quote | None) -> Money | None:
    """What a provider keeps for us."""
    return Money(quote.paid_minor, quote.currency) if quote is not None and quote.paid_minor else None


def _aside(quote: Quote | None) -> Money | None:
    return Money(quote.wallet_minor, quote.currency) if quote is not None and quote.wallet_minor else None


def _explanation_url(visit: Visit) -> str | None:
    """How it was decided is a consumer's to know; a company is told the reason, and the rest by a person."""
    return None if visit.flow.owed_by_company else f"{visit.url}/decision"


def masked_email(email: str) -> str:
    """An address that its owner knows again: a•••@example.com."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}•••@{host}"


async def _machine_decision(visit: Visit) -> StoredDecision | None:
    """The decision of the rules that this page is about: the present one, or the last where none stands any more."""
    flow = visit.flow
    if flow.decision is not None and not flow.decision.by_person:
        return await stored_decision(flow.merchant.id, flow.decision.id)
    decision_id = await last_machine_decision(flow.merchant.id, flow.session_id)
    return None if decision_id is None else await stored_decision(flow.merchant.id, decision_id)


def _reasons(visit: Visit, decision: StoredDecision | None) -> Sequence[str]:
    flow = visit.flow
    if flow.decision is not None and (flow.decision_stands or flow.decision.by_person):
        return decision.reasons if decision is not None else ()
    return ("too_many_decisions",) if flow.state == "open" else ()


async def _passing(visit: Visit, decision: StoredDecision | None) -> Passing:
    """Nothing where the rules cannot be run again: no facts, or no decision left in this session."""
    flow = visit.flow
    if decision is None or decision.facts is None or flow.decisions_made >= DECISIONS_MAX:
        return Passing((), 0)
    offers = await offers_for(flow, visit.doors, visit.lang)
    basket = Basket(
        flow.total_minor,
        flow.currency,
        flow.merchant.country,
        flow.merchant.public_id,
        flow.merchant.local_date(flow.now),
    )
    return what_passes(decision.facts, offers.plans, basket)


async def _with_wallet(visit: Visit, decision: StoredDecision | None) -> tuple[WayView, ...]:
    """The wallet for all of it, which is nobody's to refuse; or for what it has, and plans that pass for the rest."""
    flow = visit.flow
    if not flow.merchant.has(WALLET) or not flow.wallet_minor:
        return ()
    free = await purse_of(flow)
    if not free:
        return ()
    if free >= flow.total:
        return (WayView(flow.total, flow.total - flow.total, "wallet"),)
    if decision is None or decision.facts is None or flow.decisions_made >= DECISIONS_MAX:
        return ()
    facts = decision.facts
    return await ways_with(visit, free, takes=lambda quote: passes(facts, quote))


def _choice(visit: Visit, quote: Quote) -> Choice:
    wish: dict[str, str] = {"method": quote.method}
    if quote.months:
        wish["months"] = str(quote.months)
    return Choice(
        url=f"{visit.url}?{urlencode(wish)}",
        method=quote.method,
        months=quote.months,
        monthly=Money(quote.monthly_minor, quote.currency),
        total=Money(quote.total_payable_minor, quote.currency),
    )
