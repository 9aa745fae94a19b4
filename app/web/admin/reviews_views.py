"""What the pages of reviews show: a row of the queue, and one case with everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.cases import rules
from app.cases.states import CaseState
from app.credit.rules import FINAL_REASONS, checks, free_minor_month
from app.kernel.money import Money
from app.plans.disclosure import view_of
from app.plans.errors import QuoteDamagedError
from app.plans.queries import quote_content
from app.plans.quote import Quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cases.queries import CaseView
    from app.cases.questions import QuestionView
    from app.cases.queue import Neighbours, QueueRow
    from app.checkout.behind import Deed
    from app.credit.queries import StoredDecision
    from app.credit.rules import Facts
    from app.orders.queries import OrderView, TimelineEntry
    from app.plans.disclosure import QuoteView
    from app.web.admin.reviews_risk import RiskView


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A case in the queue. `by` is who works on it now, `is_mine` whether that is the reader; `left_s` how many seconds
    are left until its deadline."""

    row: QueueRow
    amount: Money
    by: str | None
    is_mine: bool
    left_s: int
    rests: bool


def queue_line(row: QueueRow, actor: str, *, wall: datetime, now: datetime) -> QueueLine:
    taken = row.taken_by is not None and row.taken_until is not None and row.taken_until > wall
    return QueueLine(
        row=row,
        amount=Money(row.amount_minor, row.currency),
        by=(row.taken_by_name or row.taken_by) if taken else None,
        is_mine=taken and row.taken_by == actor,
        left_s=int((row.due_at - now).total_seconds()),
        rests=row.snoozed_until is not None and row.snoozed_until > now,
    )


@dataclass(frozen=True, slots=True)
class CaseRow:
    """`overdue` says that the promised time is over, though nobody has closed it yet."""

    public_id: str
    kind: str
    state: str
    asked_by: str
    reference: str
    name: str | None
    amount: Money
    opened_at: datetime
    due_at: datetime
    overdue: bool
    resolved_at: datetime | None
    resolved_by: str | None
    answer: str | None
    reason: str | None
    tags: Sequence[str]


def case_row(case: CaseView, now: datetime) -> CaseRow:
    return CaseRow(
        public_id=case.public_id,
        kind=case.kind,
        state=case.state.value,
        asked_by=case.asked_by,
        reference=case.reference,
        name=case.name,
        amount=Money(case.amount_minor, case.currency),
        opened_at=case.opened_at,
        due_at=case.due_at,
        overdue=case.state is CaseState.OPEN and now >= case.due_at,
        resolved_at=case.resolved_at,
        resolved_by=case.resolved_by_name or case.resolved_by,
        answer=case.answer,
        reason=case.reason,
        tags=case.tags,
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """Who works on a case now: the reader, somebody else (`other`), or nobody. `assigned_to`: whom it is handed to."""

    is_mine: bool
    other: str | None
    assigned_to: str | None


def holder_of(case: CaseView, actor: str, wall: datetime) -> Holder:
    taken = case.taken_by is not None and case.taken_until is not None and case.taken_until > wall
    other = (case.taken_by_name or case.taken_by) if taken and case.taken_by != actor else None
    return Holder(taken and case.taken_by == actor, other, case.assigned_to_name)


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that waits its seconds. `left_s` until it takes effect; `may_undo` says that it is the reader's."""

    public_id: str
    reference: str
    answer: str
    by: str | None
    left_s: int
    may_undo: bool


def pending_of(case: CaseView, actor: str, now: datetime) -> Pending | None:
    if case.state is not CaseState.DECIDED or case.effective_at is None or case.answer is None:
        return None
    left_s = max(0, round((case.effective_at - now).total_seconds()))
    may_undo = case.decided_by == actor and now < case.effective_at
    return Pending(case.public_id, case.reference, case.answer, case.decided_by_name, left_s, may_undo)


@dataclass(frozen=True, slots=True)
class CheckRow:
    reason: str
    asked: Money
    room: Money
    passed: bool


@dataclass(frozen=True, slots=True)
class FactsView:
    """What the rules knew. `register` says how the register answered: a word, or `answered` with figures."""

    register: str
    answer_id: str | None
    income: Money | None
    loans: int
    outstanding: Money | None
    monthly: Money | None
    free: Money | None
    credit_ban: bool
    owed: Money
    limit: Money
    late_now: int
    overdue: Money
    late_in_a_year: int
    checks: Sequence[CheckRow]


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """A case as the page shows it. `final` is the reason over which nobody may approve; `blocked` why the reader may
    not answer: somebody else works on it (`taken`), or it takes another person than who approved first (`second`)."""

    row: CaseRow
    holder: Holder
    pending: Pending | None
    neighbours: Neighbours
    questions: Sequence[QuestionView]
    may_ask: bool
    first_by: str | None
    first_at: datetime | None
    refused: str | None
    rests_until: datetime | None
    approve_reasons: Sequence[str]
    decline_reasons: Sequence[str]
    order: OrderView | None
    order_public_id: str
    statement: str | None
    note: str | None
    reasons: Sequence[str]
    decided_at: datetime | None
    rules_version: str | None
    facts: FactsView | None
    quote: QuoteView | None
    final: str | None
    can_answer: bool
    blocked: str | None
    phone: str | None
    postcode: str | None
    email: str | None
    risk: RiskView | None
    timeline: Sequence[TimelineEntry]
    deeds: Sequence[Deed]
    is_live: bool


@dataclass(frozen=True, slots=True)
class Around:
    """What was read beside the case: `actor` is the reader."""

    actor: str
    wall: datetime
    now: datetime
    decision: StoredDecision | None
    order: OrderView | None
    quote: QuoteView | None
    neighbours: Neighbours
    questions: tuple[QuestionView, ...]
    risk: RiskView | None
    timeline: Sequence[TimelineEntry]
    deeds: Sequence[Deed]


def case_detail(case: CaseView, around: Around) -> CaseDetail:
    decision, now = around.decision, around.now
    reasons = decision.reasons if decision else ()
    holder = holder_of(case, around.actor, around.wall)
    is_open = case.state is CaseState.OPEN and now < case.due_at
    blocked = "taken" if holder.other else "second" if case.first_by == around.actor else None
    return CaseDetail(
        row=case_row(case, now),
        holder=holder,
        pending=pending_of(case, around.actor, now),
        neighbours=around.neighbours,
        questions=around.questions,
        may_ask=_may_ask(case, around.questions) and is_open,
        first_by=case.first_by_name,
        first_at=case.first_at,
        refused=case.refused if case.state is CaseState.OPEN else None,
        rests_until=case.snoozed_until if case.snoozed_until and case.snoozed_until > now else None,
        approve_reasons=rules.REASONS[case.kind, "approved"],
        decline_reasons=rules.REASONS[case.kind, "declined"],
        order=around.order,
        order_public_id=case.order_public_id,
        statement=case.statement,
        note=case.note,
        reasons=reasons,
        decided_at=decision.decided_at if decision else None,
        rules_version=decision.rules_version if decision else None,
        facts=_facts(decision.facts) if decision and decision.facts else None,
        quote=around.quote,
        final=next((reason for reason in reasons if reason in FINAL_REASONS), None),
        can_answer=is_open and holder.other is None,
        blocked=blocked if is_open else None,
        phone=case.phone,
        postcode=case.postcode,
        email=case.email,
        risk=around.risk,
        timeline=around.timeline,
        deeds=around.deeds,
        is_live=is_open,
    )


def _may_ask(case: CaseView, questions: Sequence[QuestionView]) -> bool:
    """One question waits at a time, and nobody is asked about an order that was bought already."""
    waits = any(each.answered_at is None for each in questions)
    return not case.is_blind and not waits and len(questions) < rules.QUESTIONS_MAX


async def chosen_quote(case: CaseView) -> QuoteView | None:
    """The plan that is chosen; None when it was forgotten, or cannot be trusted."""
    content = await quote_content(case.merchant_id, case.quote_id) if case.quote_id else None
    try:
        return view_of(Quote.from_data(content)) if content is not None else None
    except QuoteDamagedError:
        return None


def _facts(facts: Facts) -> FactsView:
    def money(amount_minor: int) -> Money:
        return Money(amount_minor, facts.currency)

    answer = facts.answer if facts.answer and facts.answer.currency == facts.currency else None
    loans = answer.loans if answer else ()
    return FactsView(
        register=_how_the_register_answered(facts),
        answer_id=facts.answer.id if facts.answer else None,
        income=money(answer.income_minor_month) if answer else None,
        loans=len(loans),
        outstanding=money(sum(loan.outstanding_minor for loan in loans)) if answer else None,
        monthly=money(sum(loan.monthly_minor for loan in loans)) if answer else None,
        free=money(free_minor_month(answer, facts.currency)) if answer else None,
        credit_ban=answer is not None and answer.credit_ban,
        owed=money(facts.exposure_minor),
        limit=money(facts.limit_minor),
        late_now=facts.late_payments,
        overdue=money(facts.overdue_minor),
        late_in_a_year=facts.late_in_a_year,
        checks=tuple(
            CheckRow(check.reason, money(check.asked_minor), money(check.room_minor), check.passed)
            for check in checks(facts)
        ),
    )


def _how_the_register_answered(facts: Facts) -> str:
    if facts.answer is not None:
        return "answered" if facts.answer.currency == facts.currency else "other_currency"
    if not facts.has_national_number:
        return "not_asked"
    return facts.register_failure or "unreachable"
