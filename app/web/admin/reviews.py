"""What waits for a person: the queue, one case with all its facts, and the two answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from app.cases import queries
from app.cases.errors import CaseClosed, TextRefused
from app.cases.money import money_answered, money_case_by_public_id, money_waiting
from app.cases.rules import TEXT_LENGTH_MAX
from app.cases.states import CaseState
from app.checkout.actions import Answer, answer_case
from app.checkout.actions.vouching import Checked
from app.checkout.errors import ApprovalImpossible, CaseNotFound, IdentityUnchecked
from app.credit.queries import stored_decision
from app.credit.rules import FINAL_REASONS, checks, free_minor_month
from app.kernel import clock
from app.kernel.money import Money
from app.merchants.errors import FieldRefused
from app.merchants.queries import staff_actors
from app.merchants.rules import name_of
from app.orders.queries import order_for_api
from app.plans.disclosure import view_of
from app.plans.errors import QuoteDamagedError
from app.plans.queries import quote_content
from app.plans.quote import Quote
from app.returns.queries import waiting_refunds
from app.web.admin.access import AdminRequest
from app.web.admin.pages import merchant_of, show
from app.web.admin.refunds_views import refund_row
from app.web.admin.reviews_money import money_row, show_money_case
from app.web.shared import forms, rendering
from app.web.shared.forms import FieldError, Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.cases.queries import CaseView
    from app.credit.queries import StoredDecision
    from app.credit.rules import Facts
    from app.orders.queries import OrderView
    from app.plans.disclosure import QuoteView

LIST: Final = "/admin/reviews"


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
    """A case as the page shows it. `final` is the reason over which nobody may approve."""

    row: CaseRow
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
    phone: str | None
    postcode: str | None
    email: str | None


@get("/reviews", name="admin:reviews")
async def review_list(request: AdminRequest) -> Response[str]:
    merchant = await merchant_of(request)
    now = clock.business(request.user.staff.offset_s)
    context = {
        "waiting": tuple(_row(case, now) for case in await queries.waiting(merchant.id)),
        "answered": tuple(_row(case, now) for case in await queries.answered(merchant.id)),
        "refunds": tuple(refund_row(each) for each in await waiting_refunds(merchant.id)),
        "staff_names": await staff_actors(merchant.id),
        "money": tuple(money_row(case) for case in await money_waiting(merchant.id)),
        "money_answered": tuple(money_row(case) for case in await money_answered(merchant.id)),
    }
    return await show(request, "admin/reviews.html", context, section="reviews")


@get("/reviews/{public_id:str}", name="admin:review")
async def one_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    money = await money_case_by_public_id((await merchant_of(request)).id, public_id)
    if money is not None:
        return await show_money_case(request, money)
    return await _show_case(request, public_id)


@post("/reviews/{public_id:str}", name="admin:review:answer", status_code=HTTP_200_OK)
async def answer_review(request: AdminRequest, public_id: FromPath[str]) -> Response[str]:
    """Approve or decline. Whoever comes second is shown how it stands, and what they typed."""
    form = forms.parse(await request.body())
    outcome: Literal["approved", "declined"] | None = None
    if form.value("answer") in {"approve", "decline"}:
        outcome = "approved" if form.value("answer") == "approve" else "declined"
    if outcome is None:
        return await _show_case(request, public_id, form=form)
    merchant = await merchant_of(request)
    checked, missing = _read_checked(form)
    answer = Answer(outcome, request.user.staff.public_id, form.value("note"), checked)
    try:
        await answer_case(merchant, public_id, answer, clock.business(request.user.staff.offset_s))
    except CaseNotFound:
        return await _no_case(request)
    except TextRefused as refused:
        wrong = form.refused(note=FieldError(refused.reason))
        return await _show_case(request, public_id, form=wrong, status=422)
    except ApprovalImpossible as refused:
        return await _show_case(request, public_id, form=form, news=refused.reason, status=409)
    except IdentityUnchecked:
        return await _show_case(request, public_id, form=form.refused(**missing), status=422)
    except CaseClosed:
        return await _show_case(request, public_id, form=form, news="closed", status=409)
    return rendering.redirect(request, f"{LIST}/{public_id}", leave=True)


def _read_checked(form: Form) -> tuple[Checked | None, dict[str, FieldError]]:
    """What was checked of somebody's identity, or what is missing of it. A case about credit asks for none of this."""
    wrong: dict[str, FieldError] = {}
    name, how = "", form.value("how")
    try:
        name = name_of(form.value("name"))
    except FieldRefused as refused:
        wrong["name"] = FieldError(refused.reason)
    if how not in {"call", "document"}:
        wrong["how"] = FieldError("empty")
    if not form.value("finances"):
        wrong["finances"] = FieldError("empty")
    return (None, wrong) if wrong else (Checked(name, "call" if how == "call" else "document"), {})


async def _no_case(request: AdminRequest) -> Response[str]:
    return await show(request, "admin/no_review.html", {}, section="reviews", status=404)


async def _show_case(
    request: AdminRequest,
    public_id: str,
    *,
    form: Form | None = None,
    news: str | None = None,
    status: int = HTTP_200_OK,
) -> Response[str]:
    """`news` is why an answer was not taken: `closed`, `credit_ban` or `limit_reached`."""
    merchant = await merchant_of(request)
    case = await queries.case_by_public_id(merchant.id, public_id)
    if case is None:
        return await _no_case(request)
    decision = await stored_decision(merchant.id, case.decision_id) if case.decision_id else None
    now = clock.business(request.user.staff.offset_s)
    context = {
        "case": await _detail(case, decision, now),
        "form": form or Form(),
        "news": news,
        "text_max": TEXT_LENGTH_MAX,
    }
    return await show(request, "admin/review.html", context, section="reviews", status=status)


async def _detail(case: CaseView, decision: StoredDecision | None, now: datetime) -> CaseDetail:
    reasons = decision.reasons if decision else ()
    return CaseDetail(
        row=_row(case, now),
        order=await order_for_api(case.merchant_id, case.order_public_id),
        order_public_id=case.order_public_id,
        statement=case.statement,
        note=case.note,
        reasons=reasons,
        decided_at=decision.decided_at if decision else None,
        rules_version=decision.rules_version if decision else None,
        facts=_facts(decision.facts) if decision and decision.facts else None,
        quote=await _quote(case),
        final=next((reason for reason in reasons if reason in FINAL_REASONS), None),
        can_answer=case.state is CaseState.OPEN and now < case.due_at,
        phone=case.phone,
        postcode=case.postcode,
        email=case.email,
    )


def _row(case: CaseView, now: datetime) -> CaseRow:
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
    )


async def _quote(case: CaseView) -> QuoteView | None:
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
