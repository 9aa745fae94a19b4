"""The decision on credit explained to whom it is about (CCD2 article 18(8)): what was asked, which facts were used,
each rule with both its sides, what the decision leads to, and which rights there are. To read, and to keep as a file.

No national number stands here and nothing about fraud, because neither is in the facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.params import FromPath

from app.credit.queries import last_machine_decision, stored_decision
from app.credit.rules import (
    BASIC_LIVING_MINOR_MONTH,
    DEBT_MONTHS_OF_INCOME,
    LATE_IN_A_YEAR_FOR_A_PERSON,
    checks,
    free_minor_month,
    months_counted,
)
from app.kernel import templating
from app.kernel.money import Money
from app.law.contacts import contacts_of
from app.web.shopper.pages import page_now
from app.web.shopper.visit import visit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.credit.queries import StoredDecision
    from app.credit.rules import Facts
    from app.law.contacts import Contact
    from app.web.shopper.visit import Visit


@dataclass(frozen=True, slots=True)
class CheckView:
    reason: str
    asked: Money
    room: Money
    passed: bool


@dataclass(frozen=True, slots=True)
class RegisterFacts:
    """What the register answered. `free` is what a month leaves after loans and a basic living."""

    answer_id: str
    income: Money
    loans: int
    outstanding: Money
    monthly: Money
    living: Money
    free: Money
    credit_ban: bool


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """`register_facts` is None when the register gave no answer; `facts` is False once they were deleted."""

    shop: str
    decided_at: datetime
    zone: str
    outcome: str
    by_person: bool
    reasons: Sequence[str]
    price: Money
    payable: Money
    months: int
    months_counted: int
    debt_months: int
    late_limit: int
    owed: Money
    overdue: Money
    late_in_a_year: int
    register: Contact | None
    register_facts: RegisterFacts | None
    facts: bool
    checks: Sequence[CheckView]
    rules_version: str
    advice: Contact
    contact_email: str


@get("/pay/{session_id:str}/decision", include_in_schema=False)
async def explain(request: Request[Any, Any, Any], session_id: FromPath[str]) -> Response[str]:
    """As a page, or with `?download=1` as a text file; in any other browser there is nothing to see."""
    here = await visit(request, session_id)
    view = await _explanation(here)
    if view is None:
        return await page_now(here)
    if request.query_params.get("download") == "1":
        return here.sealed(_file(here, view))
    return here.page("decision", {"explained": view}, step=None, path="/decision")


def _file(here: Visit, view: ExplanationView) -> Response[str]:
    text = templating.render_text("shopper/decision.txt", here.lang, explained=view)
    return Response(
        text,
        media_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{here.flow.public_id}-decision.txt"',
            "Cache-Control": "no-store",
        },
    )


async def _explanation(here: Visit) -> ExplanationView | None:
    flow = here.flow
    if not flow.identified:
        return None
    decision_id = await last_machine_decision(flow.merchant.id, flow.session_id)
    decision = None if decision_id is None else await stored_decision(flow.merchant.id, decision_id)
    return None if decision is None else _view(here, decision)


def _view(here: Visit, decision: StoredDecision) -> ExplanationView:
    flow, facts = here.flow, decision.facts
    word = flow.decision if flow.decision is not None and flow.decision.by_person else None
    contacts = contacts_of(flow.merchant.country)

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, decision.currency)

    return ExplanationView(
        shop=flow.merchant.name,
        decided_at=decision.decided_at,
        zone=flow.merchant.time_zone,
        outcome=decision.outcome if word is None else word.outcome,
        by_person=word is not None,
        reasons=decision.reasons,
        price=money(decision.amount_minor),
        payable=money(facts.to_repay_minor if facts else decision.amount_minor),
        months=facts.months if facts else 0,
        months_counted=months_counted(facts) if facts else 0,
        debt_months=DEBT_MONTHS_OF_INCOME,
        late_limit=LATE_IN_A_YEAR_FOR_A_PERSON,
        owed=money(facts.exposure_minor if facts else 0),
        overdue=money(facts.overdue_minor if facts else 0),
        late_in_a_year=facts.late_in_a_year if facts else 0,
        register=contacts.register,
        register_facts=_register_facts(facts) if facts else None,
        facts=facts is not None,
        checks=tuple(
            CheckView(check.reason, money(check.asked_minor), money(max(0, check.room_minor)), check.passed)
            for check in (checks(facts) if facts else ())
        ),
        rules_version=decision.rules_version,
        advice=contacts.debt_advice,
        contact_email=flow.merchant.contact_email,
    )


def _register_facts(facts: Facts) -> RegisterFacts | None:
    answer = facts.answer
    if answer is None or answer.currency != facts.currency:
        return None

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, facts.currency)

    return RegisterFacts(
        answer_id=answer.id,
        income=money(answer.income_minor_month),
        loans=len(answer.loans),
        outstanding=money(sum(loan.outstanding_minor for loan in answer.loans)),
        monthly=money(sum(loan.monthly_minor for loan in answer.loans)),
        living=money(BASIC_LIVING_MINOR_MONTH[facts.currency]),
        free=money(max(0, free_minor_month(answer, facts.currency))),
        credit_ban=answer.credit_ban,
    )
