"""How reviews go, counted from what is stored: waiting, answers, what did not stay, rules, money that never came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

import pytest

from app.cases.states import CaseState
from app.checkout import review_figures
from app.checkout.review_figures import Answers, losses, overturned, rule_figures, work
from app.checkout.review_periods import Span, span_of
from app.kernel import db as database
from app.merchants.queries import Merchant
from tests.factories.checkout import a_line, a_merchant
from tests.factories.invoices import an_invoice, days_later, paid
from tests.factories.reviews import a_risk_decision, a_session_id, an_ended_case

TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 20, 10, tzinfo=UTC)
"""Of a Friday, in Helsinki."""
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    del db
    return await a_merchant()


def weeks(merchant: Merchant) -> Span:
    return span_of("week", TODAY, merchant.time_zone)


async def test_a_shop_without_cases_has_empty_figures(merchant: Merchant) -> None:
    found = await work(merchant.id, weeks(merchant))
    assert found.total == Answers(0, 0, 0, None, None)
    assert len(found.periods) == 13
    assert found.kinds == ()
    assert sum(found.hours) == found.decisions == found.worked_hours == 0
    assert await rule_figures(merchant.id, weeks(merchant)) == ()
    assert await losses(merchant.id, weeks(merchant), TODAY) == ()


async def test_half_and_nine_of_ten_are_told_of_the_time_until_somebody_answered(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    for minutes in range(1, 11):
        await an_ended_case(merchant, session, NOON, waited=minutes * MINUTE)
    found = await work(merchant.id, weeks(merchant))
    assert found.total == Answers(10, 10, 0, 5 * 60, 9 * 60), "not until it was carried out ten seconds later"


async def test_answers_are_told_by_period_by_kind_and_by_the_hour_of_the_shop(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    await an_ended_case(merchant, session, NOON)
    await an_ended_case(merchant, session, NOON - timedelta(days=7), state=CaseState.DECLINED)
    await an_ended_case(merchant, session, NOON, state=CaseState.LAPSED, kind="identity")
    await an_ended_case(merchant, session, NOON - timedelta(days=400))

    found = await work(merchant.id, weeks(merchant))
    by_week = {start: (each.answered, each.approved, each.lapsed) for start, each in found.periods}
    assert by_week[date(2026, 11, 16)] == (1, 1, 1)
    assert by_week[date(2026, 11, 9)] == (1, 0, 0)
    assert found.total.answered == 2, "what ended before the time is not counted"
    assert [(kind, each.answered, each.lapsed) for kind, each in found.kinds] == [
        ("identity", 0, 1),
        ("risk", 2, 0),
    ]
    assert found.hours[12] == 2
    assert sum(found.hours) == 2


async def test_what_is_looked_at_blind_is_work_that_nobody_waited_for(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    await an_ended_case(merchant, session, NOON, waited=2 * MINUTE)
    await an_ended_case(merchant, session, NOON, waited=timedelta(hours=20), is_blind=True)
    await an_ended_case(merchant, session, NOON, is_blind=True, state=CaseState.DECLINED)
    found = await work(merchant.id, weeks(merchant))
    assert found.total == Answers(1, 1, 0, 120, 120)
    assert found.decisions == 3
    seen = await overturned(merchant.id, weeks(merchant))
    assert (seen.blind, seen.blind_bad) == (2, 1)


async def test_an_hour_of_work_is_one_persons(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    for by in ("staff:one", "staff:one", "staff:two"):
        await an_ended_case(merchant, session, NOON, by=by)
    await an_ended_case(merchant, session, NOON + timedelta(hours=3), by="staff:one")
    found = await work(merchant.id, weeks(merchant))
    assert (found.decisions, found.worked_hours) == (4, 3)


async def test_an_answer_is_overturned_by_a_second_person_or_by_money_that_never_comes(
    merchant: Merchant,
) -> None:
    session, unpaid = await a_session_id(merchant), await a_session_id(merchant)
    await an_ended_case(
        merchant, session, NOON, state=CaseState.DECLINED, by="staff:two", first_by="staff:one"
    )
    await an_ended_case(merchant, session, NOON, by="staff:two", first_by="staff:one")
    await an_ended_case(merchant, unpaid, NOON)
    await a_risk_decision(merchant, unpaid, NOON, bad=[("reviewer", False), ("unpaid", True)])

    found = await overturned(merchant.id, weeks(merchant))
    assert found.by_second == 1
    assert (found.approved_risk, found.bad_later) == (2, 1)


async def test_a_rule_is_right_when_a_person_or_the_money_says_so(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    velocity, shadow = ("velocity_phone", False), ("velocity_phone", True)
    await a_risk_decision(merchant, session, NOON, [velocity], bad=[("reviewer", True)])
    await a_risk_decision(merchant, session, NOON, [velocity], bad=[("reviewer", False)])
    await a_risk_decision(merchant, session, NOON, [velocity], bad=[("reviewer", False), ("unpaid", True)])
    await a_risk_decision(merchant, session, NOON, [velocity, velocity, shadow])
    await a_risk_decision(merchant, session, NOON - timedelta(days=200), [velocity], bad=[("unpaid", True)])
    await a_risk_decision(merchant, session, NOON, bad=[("unpaid", True)])

    found = await rule_figures(merchant.id, weeks(merchant))
    assert [(each.is_shadow, each.fired, each.judged, each.bad) for each in found] == [
        (False, 4, 3, 2),
        (True, 1, 0, 0),
    ]


async def test_money_is_missing_until_the_day_it_came_and_what_a_person_let_through_stands_apart(
    merchant: Merchant,
) -> None:
    goods = ("Wool blanket", "Linen towel", "Oak stool")
    invoices = [await an_invoice(merchant, a_line(name)) for name in goods]
    now = await days_later(14 + 61)
    due_on = invoices[0].due_on
    assert due_on is not None
    soon, late, never = invoices
    await paid(merchant, soon, 129_00, "soon", on=due_on + timedelta(days=30))
    await paid(merchant, late, 129_00, "late", on=due_on + timedelta(days=31))
    await paid(merchant, never, 29_00, "a part", on=due_on)
    session_id = await database.fetch_value(
        "SELECT id FROM checkout_sessions WHERE order_id = $1", never.order_id
    )
    await an_ended_case(merchant, session_id, NOON)

    today = merchant.local_date(now)
    found = await losses(merchant.id, span_of("week", today, merchant.time_zone), today)
    assert [(each.days, each.documents, each.due_minor) for each in found] == [
        (30, 3, 387_00),
        (60, 3, 387_00),
    ]
    assert [(each.unpaid_minor, each.by_person_minor) for each in found] == [
        (129_00 + 100_00, 100_00),
        (100_00, 100_00),
    ]


async def test_figures_are_each_shops_own(merchant: Merchant) -> None:
    other = await a_merchant("Meri & Sora")
    session = await a_session_id(other)
    await an_ended_case(other, session, NOON)
    await a_risk_decision(other, session, NOON, [("velocity_phone", False)])
    assert (await work(merchant.id, weeks(merchant))).decisions == 0
    assert await rule_figures(merchant.id, weeks(merchant)) == ()


_YEARS: Final = """
INSERT INTO cases (merchant_id, id, public_id, kind, state, asked_by, session_id, amount_minor, currency, lang,
                   opened_at, due_at, rank_at, resolved_at, resolved_by, decided_at, decided_by)
SELECT merchant_id, md5('case' || n)::uuid, 'case_' || lpad(n::text, 26, '0'), kind, state, asked_by, session_id,
       amount_minor, currency, lang, opened_at - n * interval '5 hours', opened_at, opened_at,
       resolved_at - n * interval '5 hours', resolved_by, decided_at - n * interval '5 hours', decided_by
FROM cases, generate_series(1, 5000) n WHERE merchant_id = $1
"""
"""Almost three years of answers, one every five hours."""


@pytest.mark.usefixtures("untouched_database")
@pytest.mark.parametrize("index", ["cases_ended", "risk_decisions_found"])
async def test_the_figures_are_read_along_indexes(merchant: Merchant, index: str) -> None:
    """A quarter among years of answers is read from the index that is made for a range of time, and no table whole."""
    await an_ended_case(merchant, await a_session_id(merchant), NOON)
    span = weeks(merchant)
    sql, *values = {
        "cases_ended": (review_figures._WORK, merchant.id, span.since, span.until, span.unit, span.time_zone),
        "risk_decisions_found": (review_figures._RULES, merchant.id, span.since, span.until),
    }[index]

    async def plan() -> str:
        await database.execute(_YEARS, merchant.id)
        await database.execute("ANALYZE cases")
        await database.execute("SET LOCAL enable_seqscan = off")
        return "\n".join(row[0] for row in await database.fetch_all(f"EXPLAIN {sql}", *values))

    assert index in await database.in_tx(plan)
