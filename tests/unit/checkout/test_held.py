"""A session that waits for a person: how it begins, each way in which it ends, and what is told of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.cases.errors import CaseClosed, TextRefused
from app.cases.queries import CaseView, waiting
from app.cases.rules import due_at
from app.cases.states import CaseState
from app.checkout import actions
from app.checkout.actions import Answer, answer_case, ask_person, cancel_session, expire_due, go_on_without
from app.checkout.books import check_books
from app.checkout.errors import ApprovalImpossible, CaseNotFound, SessionEnded, StepNotReached
from app.checkout.queries import flow as read_flow
from app.checkout.steps import Page, where_now
from app.credit.queries import stored_decision
from app.kernel import clock, db
from app.merchants.queries import Merchant
from tests.factories.checkout import PHONE, Shopper, a_known_person, a_merchant, a_session, approving

pytestmark = pytest.mark.usefixtures("db")

LANG = "en"


async def a_shopper_to_decide(merchant: Merchant) -> Shopper:
    """Known, with an invoice chosen and the code typed: the check comes next."""
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    return shopper


async def a_shopper_who_waits(merchant: Merchant, **changes: object) -> Shopper:
    """The register gave no answer."""
    shopper = await a_shopper_to_decide(merchant)
    flow = await shopper.flow()
    facts = replace(approving(flow), answer=None, register_failure="timeout", **changes)  # type: ignore[arg-type]
    await actions.decide(flow, facts, lang=LANG)
    return shopper


async def a_refused_shopper(merchant: Merchant, *, credit_ban: bool = False) -> Shopper:
    shopper = await a_shopper_to_decide(merchant)
    await shopper.be_decided(income_minor=90_000, credit_ban=credit_ban)
    return shopper


async def the_case(merchant: Merchant) -> CaseView:
    [case] = await waiting(merchant.id)
    return case


async def told(merchant: Merchant) -> list[tuple[str, object]]:
    rows = await db.fetch_all(
        "SELECT type, data->>'outcome' AS outcome FROM events WHERE merchant_id = $1 ORDER BY id", merchant.id
    )
    return [(row["type"], row["outcome"]) for row in rows]


def approved(note: str | None = None) -> Answer:
    return Answer("approved", "stf_1", note)


def declined(note: str | None = "No papers") -> Answer:
    return Answer("declined", "stf_1", note)


async def test_a_register_that_gives_no_answer_holds_session_and_order_and_opens_a_case() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    flow = await shopper.flow()
    assert (flow.state, flow.order_state) == ("held", "held")
    assert where_now(flow.state, flow.progress) is Page.OUTCOME
    case = await the_case(merchant)
    assert (case.kind, case.asked_by, case.phone) == ("credit", "rules", PHONE)
    assert case.due_at == flow.held_until
    assert await told(merchant) == [("session.held", None)]
    assert await check_books() == []


async def test_the_answer_time_is_the_end_of_the_next_working_day() -> None:
    friday = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)
    # Monday, as Sunday the sixth is Finland's day of independence.
    assert due_at(friday, country="FI", time_zone="Europe/Helsinki") == datetime(
        2026, 12, 7, 16, 0, tzinfo=UTC
    )


async def test_approved_the_shopper_goes_on_to_confirm_and_buys() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    case = await the_case(merchant)
    flow = await shopper.flow()
    await answer_case(merchant, case.public_id, approved(), flow.now)
    flow = await shopper.flow()
    assert where_now(flow.state, flow.progress) is Page.CONFIRM
    assert flow.decision is not None
    assert flow.decision.by_person
    assert flow.decision.valid_until - flow.now > timedelta(hours=47)
    confirmed = await shopper.confirm()
    assert (confirmed.state, confirmed.order_state) == ("confirmed", "paid")
    assert await told(merchant) == [
        ("session.held", None),
        ("review.resolved", "approved"),
        ("session.confirmed", None),
        ("order.paid", None),
    ]
    assert await check_books() == []


async def test_the_persons_decision_keeps_the_facts_digest_and_names_who_made_it() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    machine = (await shopper.flow()).decision
    case = await the_case(merchant)
    await answer_case(merchant, case.public_id, approved(), (await shopper.flow()).now)
    person = (await shopper.flow()).decision
    assert machine is not None
    assert person is not None
    by_rules = await stored_decision(merchant.id, machine.id)
    by_person = await stored_decision(merchant.id, person.id)
    assert by_rules is not None
    assert by_person is not None
    assert (by_rules.decided_by, by_person.decided_by) == ("rules", "stf_1")
    assert by_rules.facts is not None
    assert by_rules.facts.register_failure == "timeout"
    assert await db.fetch_value("SELECT count(DISTINCT facts_digest) FROM credit_decisions") == 1


async def test_the_approval_holds_on_another_day_for_the_same_plan_and_for_no_other() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    await answer_case(merchant, (await the_case(merchant)).public_id, approved(), (await shopper.flow()).now)
    await the_clock_stands_at(30 * 3600)
    flow = await shopper.flow()
    assert not flow.quote_stands
    await shopper.choose()
    flow = await shopper.flow()
    assert flow.quote_stands
    assert where_now(flow.state, flow.progress) is Page.CONFIRM
    await shopper.choose("instalments", months=6)
    assert (await shopper.flow()).decision is None


async def the_clock_stands_at(offset_s: int) -> None:
    await db.in_tx(lambda: clock.set_offset_s(offset_s))


async def test_an_approval_that_nobody_used_in_time_is_over() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    await answer_case(merchant, (await the_case(merchant)).public_id, approved(), (await shopper.flow()).now)
    await the_clock_stands_at(48 * 3600 + 60)
    assert not (await shopper.flow()).decision_stands


async def test_declined_the_purchase_is_over_and_the_shop_is_told() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    case = await the_case(merchant)
    await answer_case(merchant, case.public_id, declined(), (await shopper.flow()).now)
    flow = await shopper.flow()
    assert (flow.state, flow.order_state) == ("declined", "cancelled")
    assert [event for event, _ in await told(merchant)] == [
        "session.held",
        "review.resolved",
        "session.declined",
    ]
    assert await check_books() == []


async def test_a_decline_needs_a_note() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    case = await the_case(merchant)
    with pytest.raises(TextRefused):
        await answer_case(merchant, case.public_id, declined("  "), (await shopper.flow()).now)
    assert (await the_case(merchant)).state is CaseState.OPEN


async def test_whoever_answers_second_is_told_how_it_ended() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    case, now = await the_case(merchant), (await shopper.flow()).now
    await answer_case(merchant, case.public_id, approved(), now)
    with pytest.raises(CaseClosed) as refused:
        await answer_case(merchant, case.public_id, declined(), now)
    assert refused.value.state == CaseState.APPROVED


async def test_two_answers_at_once_have_one_winner() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    case, now = await the_case(merchant), (await shopper.flow()).now
    ends = await asyncio.gather(
        *(answer_case(merchant, case.public_id, each, now) for each in (approved(), declined())),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["CaseClosed", "NoneType"]
    state = (await shopper.flow()).state
    assert state == ("open" if ends[0] is None else "declined")
    assert await check_books() == []


@pytest.mark.parametrize("end", ["cancel", "another plan", "expiry"])
async def test_an_answer_against_the_shopper_or_the_clock_has_one_winner(end: str) -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    case, flow = await the_case(merchant), await shopper.flow()
    held_until = flow.held_until
    assert held_until is not None

    async def the_other() -> object:
        if end == "cancel":
            return await cancel_session(merchant.id, shopper.session, actor="shopper", now=flow.now)
        if end == "another plan":
            return await go_on_without(shopper.session, shopper.browser)
        return await expire_due(held_until)

    answer, other = await asyncio.gather(
        answer_case(merchant, case.public_id, declined(), flow.now), the_other(), return_exceptions=True
    )
    assert answer is None or isinstance(answer, CaseClosed)
    if answer is None:
        assert isinstance(other, SessionEnded) or not other
        assert (await shopper.flow()).state == "declined"
    else:
        assert (await shopper.flow()).state in {"cancelled", "open", "expired"}
    resolved = [outcome for event, outcome in await told(merchant) if event == "review.resolved"]
    assert len(resolved) == 1
    assert await check_books() == []


async def test_the_shopper_may_choose_another_plan_instead_of_waiting() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    await go_on_without(shopper.session, shopper.browser)
    await go_on_without(shopper.session, shopper.browser)
    await shopper.choose("instalments", months=6)
    assert await shopper.be_decided() == "approved"
    confirmed = await shopper.confirm()
    assert confirmed.order_state == "paid"
    assert await waiting(merchant.id) == ()
    assert [outcome for event, outcome in await told(merchant) if event == "review.resolved"] == ["withdrawn"]
    assert await check_books() == []


async def test_another_browser_neither_releases_a_held_session_nor_learns_of_it() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    stranger = Shopper.at(shopper.session)
    with pytest.raises(SessionEnded):
        await go_on_without(shopper.session, stranger.browser)
    assert (await shopper.flow()).state == "held"


async def test_a_case_that_nobody_answers_in_time_ends_with_its_session() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    held_until = (await shopper.flow()).held_until
    assert held_until is not None
    assert await expire_due(held_until - timedelta(seconds=1)) == 0
    assert await expire_due(held_until) == 1
    flow = await shopper.flow()
    assert (flow.stored_state, flow.order_state) == ("expired", "expired")
    assert ("review.resolved", "lapsed") in await told(merchant)
    assert await check_books() == []


async def test_a_refused_shopper_asks_a_person_and_what_they_said_is_in_the_case() -> None:
    merchant = await a_merchant()
    shopper = await a_refused_shopper(merchant)
    for _ in range(2):
        await ask_person(shopper.session, shopper.browser, " I begin a new job. ", email=None, lang="fi")
    case = await the_case(merchant)
    assert (case.asked_by, case.statement, case.lang) == ("shopper", "I begin a new job.", "fi")
    assert (await shopper.flow()).state == "held"
    await answer_case(merchant, case.public_id, approved(), (await shopper.flow()).now)
    assert (await shopper.confirm()).order_state == "paid"


async def test_only_a_refused_plan_can_be_looked_at_again() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_to_decide(merchant)
    await shopper.be_decided()
    with pytest.raises(StepNotReached):
        await ask_person(shopper.session, shopper.browser, "", email=None, lang=LANG)


async def test_a_ban_is_overruled_by_nobody() -> None:
    merchant = await a_merchant()
    shopper = await a_refused_shopper(merchant, credit_ban=True)
    await ask_person(shopper.session, shopper.browser, "", email=None, lang=LANG)
    case = await the_case(merchant)
    with pytest.raises(ApprovalImpossible) as refused:
        await answer_case(merchant, case.public_id, approved(), (await shopper.flow()).now)
    assert refused.value.reason == "credit_ban"
    assert (await shopper.flow()).state == "held"


async def test_a_person_cannot_approve_past_the_creditors_limit() -> None:
    merchant = await a_merchant(credit_limit_minor=20_000)
    waits = await a_shopper_who_waits(merchant)
    await the_limits_are_forgotten()
    buys = await a_shopper_to_decide(merchant)
    await buys.be_decided()
    await buys.confirm()
    case = await the_case(merchant)
    with pytest.raises(ApprovalImpossible) as refused:
        await answer_case(merchant, case.public_id, approved(), (await waits.flow()).now)
    assert refused.value.reason == "limit_reached"


async def the_limits_are_forgotten() -> None:
    await db.in_tx(lambda: db.execute("DELETE FROM limits"))


async def test_a_foreign_case_does_not_exist() -> None:
    merchant, other = await a_merchant(), await a_merchant("Another shop")
    shopper = await a_shopper_who_waits(merchant)
    case = await the_case(merchant)
    with pytest.raises(CaseNotFound):
        await answer_case(other, case.public_id, approved(), (await shopper.flow()).now)


async def test_after_the_end_another_browser_sees_nothing_of_the_case() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_waits(merchant)
    stranger = await read_flow(shopper.session, Shopper.at(shopper.session).browser.digest)
    assert stranger is not None
    assert not stranger.ours
