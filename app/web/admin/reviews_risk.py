"""A case about risk on its page: what was found, who it is, where it goes, and what it is like.

While an approved order is looked at blind, nothing of what the machine said is read here at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from app.cases.queue import open_cases_of
from app.cases.states import WAITING, CaseState
from app.checkout.behind import Address, history_of, orders_like
from app.checkout.queries import flow as read_flow
from app.kernel.money import Money
from app.risk.model_queries import explained
from app.risk.queries import decision_of_session, similar
from app.risk.rule_queries import rules_of, snoozes_of_customer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from app.cases.queries import CaseView
    from app.checkout.behind import EarlierAddress, History, LikeOrder
    from app.checkout.queries import Flow
    from app.orders.rules import Line
    from app.risk.queries import SimilarDecision
    from app.risk.rule_queries import Snooze
    from app.risk.rules import Finding
from app.risk.scoring import RULE as MODEL
from app.risk.scoring import Explanation

# So many orders are answered at once at most.
IDENTICAL_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One place in the comparison: `source` is `typed`, `passed` (by the shop), `known` (of the customer) or `earlier`.
    What differs from the one goods go to is named in `differs`."""

    source: str
    address: Address = field(repr=False)
    differs: frozenset[str]
    orders: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who buys, as far as known. `verified_by` says how they were identified in this purchase."""

    name: str | None = field(repr=False)
    verified_name: str | None = field(repr=False)
    verified_by: str | None
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    since: datetime | None
    customer_public_id: str | None
    is_business: bool


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of the order; `about` is its category and number in the shop."""

    name: str
    quantity: int
    total: Money
    about: str


@dataclass(frozen=True, slots=True)
class LikeRow:
    """An order like this one; `shared` says in what. `can_answer` that the same answer may go to it as well."""

    order: LikeOrder
    shared: Sequence[str]
    can_answer: bool


@dataclass(frozen=True, slots=True)
class RiskView:
    """`is_hidden`: what the machine said is not told before the answer. `is_forced`: the sandbox asked for it.
    `rule_names`: the shop's own rules by id.
    `learnt`: why the model said what it said, where it said anything. `left_out`: what is not asked of this customer
    now, whoever left it out."""

    is_hidden: bool
    outcome: str | None
    weight: int
    is_forced: bool
    findings: Sequence[Finding]
    shadows: Sequence[Finding]
    rule_names: Mapping[str, str]
    learnt: Explanation | None
    left_out: Sequence[Snooze]
    person: Person
    lines: Sequence[LineRow]
    addresses: Sequence[AddressRow]
    history: History | None
    like: Sequence[LikeRow]
    like_total: int
    same_waiting: Sequence[str]
    at: datetime


async def risk_view(case: CaseView, now: datetime) -> RiskView | None:
    """None for a case about something else, and where nothing was ever assessed."""
    flow = await read_flow(case.session_public_id, b"")
    decision = await decision_of_session(case.merchant_id, case.session_id)
    if case.kind != "risk" or flow is None or decision is None:
        return None
    is_hidden = case.is_blind and case.state in WAITING
    history = None
    if flow.customer is not None:
        history = await history_of(case.merchant_id, flow.customer.id, flow.order_id, decision.at)
    others = await similar(case.merchant_id, decision)
    waiting = await _waiting(case, others)
    findings = () if is_hidden else decision.findings
    return RiskView(
        is_hidden=is_hidden,
        outcome=None if is_hidden else decision.outcome,
        weight=0 if is_hidden else decision.weight,
        is_forced=not is_hidden and decision.forced not in {None, "approve"},
        findings=_heaviest_first(each for each in findings if not each.is_shadow),
        shadows=_heaviest_first(each for each in findings if each.is_shadow),
        rule_names=await _names(case, findings),
        learnt=await explained(decision) if any(each.rule == MODEL for each in findings) else None,
        left_out=() if is_hidden else await _left_out(case, flow, now),
        person=_person(flow),
        lines=tuple(_line(each, flow.currency) for each in flow.lines),
        addresses=_addresses(flow, history),
        history=history,
        like=await _like(case, others, waiting),
        like_total=len(others),
        same_waiting=tuple(each.public_id for each in waiting),
        at=decision.at,
    )


def _heaviest_first(findings: object) -> tuple[Finding, ...]:
    found: list[Finding] = list(findings)  # type: ignore[call-overload]
    return tuple(sorted(found, key=lambda each: -each.weight))


async def _names(case: CaseView, findings: Sequence[Finding]) -> Mapping[str, str]:
    if not any(each.rule.startswith("rule_") for each in findings):
        return {}
    return {view.rule.public_id: view.rule.name for view in await rules_of(case.merchant_id)}


async def _left_out(case: CaseView, flow: Flow, now: datetime) -> Sequence[Snooze]:
    return () if flow.customer is None else await snoozes_of_customer(case.merchant_id, flow.customer.id, now)


def _person(flow: Flow) -> Person:
    customer, told = flow.customer, flow.typed.over(flow.contact)
    return Person(
        name=told.name or (customer.name if customer else None),
        verified_name=customer.name if customer else None,
        verified_by=flow.identified_by,
        phone=told.phone or flow.phone or (customer.phone if customer else None),
        email=told.email or (customer.email if customer else None),
        since=customer.since if customer else None,
        customer_public_id=customer.public_id if customer else None,
        is_business=flow.buyer == "business",
    )


def _line(line: Line, currency: str) -> LineRow:
    about = " · ".join(each for each in (line.category, line.sku) if each)
    return LineRow(line.name, line.quantity, Money(line.total_minor, currency), about)


def _addresses(flow: Flow, history: History | None) -> tuple[AddressRow, ...]:
    """Where the goods go first, then what else is known, each place once."""
    typed = flow.typed.over(flow.contact)
    goes_to = Address(typed.name, typed.street, typed.postcode or flow.postcode, typed.city)
    rows = [AddressRow("typed", goes_to, frozenset())]
    passed = Address(flow.contact.name, flow.contact.street, flow.contact.postcode, flow.contact.city)
    if flow.typed.street and passed.street:
        rows.append(_compared("passed", passed, goes_to))
    if flow.customer is not None:
        known = flow.customer
        address = Address(known.name, known.street, known.postcode, known.city)
        rows.append(_compared("known", address, goes_to))
    rows += [_earlier(each, goes_to) for each in (history.addresses if history else ())]
    return tuple(row for row in rows if row.source == "typed" or row.address.street or row.address.postcode)


def _earlier(each: EarlierAddress, goes_to: Address) -> AddressRow:
    row = _compared("earlier", each.address, goes_to)
    return AddressRow("earlier", row.address, row.differs, each.orders, each.last_at)


def _compared(source: str, address: Address, goes_to: Address) -> AddressRow:
    pairs = {
        "name": (address.name, goes_to.name),
        "street": (address.street, goes_to.street),
        "postcode": (address.postcode, goes_to.postcode),
        "city": (address.city, goes_to.city),
    }
    differs = {name for name, (one, other) in pairs.items() if one and other and _plain(one) != _plain(other)}
    return AddressRow(source, address, frozenset(differs))


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


async def _waiting(case: CaseView, others: Sequence[SimilarDecision]) -> tuple[CaseView, ...]:
    """The open cases about orders of the very same goods as this one's, which may get the same answer."""
    same = tuple(each.session_id for each in others if "basket" in each.shared)
    if case.state is not CaseState.OPEN:
        return ()
    return (await open_cases_of(case.merchant_id, same))[:IDENTICAL_MAX]


async def _like(
    case: CaseView, others: Sequence[SimilarDecision], waiting: Sequence[CaseView]
) -> tuple[LikeRow, ...]:
    """The orders side by side: the very same goods first, then by how much they share."""
    ranked = sorted(others, key=lambda each: ("basket" not in each.shared, -len(each.shared)))
    shared = {each.session_id: each.shared for each in ranked}
    orders = await orders_like(case.merchant_id, tuple(shared))
    wait = {each.session_id for each in waiting}
    return tuple(LikeRow(each, shared[each.session_id], each.session_id in wait) for each in orders)
