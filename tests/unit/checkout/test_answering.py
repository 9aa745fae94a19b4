"""A case that is decided: taken back in time, carried out once, overtaken by another end, or by a second person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.cases import actions as cases
from app.cases.actions import deciding
from app.cases.actions.taking import LEASE, Locked, lock_in_tx
from app.cases.errors import CaseClosed, CaseTaken, SecondPersonNeeded, TextRefused, TooLateToUndo
from app.cases.queries import CaseView, ReviewSettings, case_by_public_id
from app.cases.queue import Wanted, own_undoable, queue_page, queue_total
from app.checkout.actions import answering, cancel_session, ending, expire_due, sampling
from app.checkout.actions.answering import Decision, Desk, decide_case, decide_many, undo_decision
from app.checkout.books import check_books
from app.checkout.errors import ApprovalImpossible
from app.checkout.told import session_for_api
from app.kernel import audit, clock, db, outbox
from app.kernel.outbox import Job
from app.kernel.states import LostRace
from app.merchants.queries import Merchant, forget_kept_merchants
from tests.factories.checkout import Shopper, a_merchant
from tests.factories.held_purchases import a_held_purchase, a_shopper_who_may_confirm, press, states, told
from tests.support.racing import Held, somebody_waits_for_a_lock
from tests.support.waiting import until
from tests.unit.checkout.test_held import a_shopper_who_waits, the_case

pytestmark = pytest.mark.usefixtures("db")

YES = Decision("approved", "reached")
NO = Decision("declined", "reshipping", note="Sends everything on")


async def desk(staff: str = "stf_1", *, later_s: float = 0) -> Desk:
    moved = timedelta(seconds=later_s)
    return Desk(staff, clock.wall() + moved, await clock.business_now() + moved)


async def present(case: CaseView) -> CaseView:
    found = await case_by_public_id(case.merchant_id, case.public_id)
    assert found is not None
    return found


async def carried_out(*, later_s: float = 11) -> list[Job]:
    """The jobs of decided cases that are due by then, done."""
    now = await clock.business_now() + timedelta(seconds=later_s)
    jobs = [job for job in await outbox.claim(20, 0, now=now) if job.kind == cases.CARRY_OUT_JOB]
    for job in jobs:
        await answering.work(job)
    return jobs


async def test_an_answer_waits_ten_seconds_and_then_the_purchase_is_made() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, YES, await desk())
    assert await carried_out(later_s=9) == []
    assert await states(shopper) == ("held", "held")
    assert [each.public_id for each in await own_undoable(merchant.id, "staff:stf_1", await now())] == [
        case.public_id
    ]
    assert len(await carried_out()) == 1
    assert await states(shopper) == ("confirmed", "paid")
    assert (await present(case)).reason == "reached"
    assert await check_books() == []


async def now() -> datetime:
    return await clock.business_now()


async def test_a_job_that_comes_twice_carries_out_once() -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, YES, await desk())
    [job] = await carried_out()
    await answering.work(job)
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 1
    assert (await told(merchant)).count("review.resolved") == 1


async def test_an_answer_that_was_taken_back_is_not_carried_out() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, NO, await desk())
    await undo_decision(merchant.id, case.public_id, "stf_1", await now())
    await undo_decision(merchant.id, case.public_id, "stf_1", await now())
    await carried_out()
    assert await states(shopper) == ("held", "held")
    assert (await present(case)).state == "open"
    assert (await present(case)).note == NO.note, "what was typed is there again"
    # Decided anew, only the second answer counts.
    await decide_case(merchant, case.public_id, YES, await desk("stf_2", later_s=1))
    await carried_out(later_s=20)
    assert (await states(shopper))[0] == "confirmed"


async def test_too_late_or_somebody_elses_answer_is_not_undone() -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, NO, await desk())
    for staff, later_s in (("stf_2", 0), ("stf_1", 10)):
        with pytest.raises(TooLateToUndo):
            await undo_decision(merchant.id, case.public_id, staff, await now() + timedelta(seconds=later_s))
    assert (await present(case)).state == "decided"


async def test_of_two_reviewers_at_once_one_decides_and_the_other_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    middle = Held(monkeypatch, audit, "record")
    first = asyncio.create_task(decide_case(merchant, case.public_id, YES, await desk("stf_1")))
    await middle.reached()
    second = asyncio.create_task(decide_case(merchant, case.public_id, NO, await desk("stf_2")))
    await until(somebody_waits_for_a_lock)
    middle.let_go()
    await first
    with pytest.raises(CaseClosed):
        await second
    after = await present(case)
    assert (after.answer, after.decided_by) == ("approved", "staff:stf_1")


Other = Callable[[Shopper, CaseView], Coroutine[object, object, object]]


async def _cancels(shopper: Shopper, case: CaseView) -> object:
    return await cancel_session(case.merchant_id, shopper.session, actor="shopper", now=await now())


async def _expires(shopper: Shopper, case: CaseView) -> object:
    del shopper
    return await expire_due(case.due_at)


async def _another_decides(shopper: Shopper, case: CaseView) -> None:
    merchant = (await shopper.flow()).merchant
    await decide_case(merchant, case.public_id, YES, await desk("stf_1"))


@pytest.mark.parametrize("other", [_cancels, _expires])
async def test_whoever_decides_while_the_purchase_ends_waits_and_is_told(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    middle = Held(monkeypatch, ending, "_end_case")
    first = asyncio.create_task(other(shopper, case))
    await middle.reached()
    second = asyncio.create_task(decide_case(merchant, case.public_id, NO, await desk("stf_2")))
    await until(somebody_waits_for_a_lock)
    middle.let_go()
    await first
    with pytest.raises(CaseClosed):
        await second
    assert (await present(case)).answer is None


@pytest.mark.parametrize("other", [_another_decides, _cancels, _expires])
async def test_without_the_lock_whoever_decides_second_gets_past_the_question_whether_it_is_open(
    other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control, for each who may be first: only the machine's guard is left, which tells them nothing they could be
    shown."""
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    stale = await db.in_tx(lambda: lock_in_tx(merchant.id, case.public_id))
    assert stale is not None

    async def unlocked(*_: object) -> Locked:
        return stale

    await other(shopper, case)
    monkeypatch.setattr(deciding, "free_to_work_in_tx", unlocked)
    with pytest.raises(LostRace):
        await db.in_tx(
            lambda: cases.decide_in_tx(
                merchant.id,
                case.public_id,
                NO,
                "staff:stf_2",
                undo=timedelta(),
                wall=clock.wall(),
                now=clock.wall(),
            )
        )


async def test_the_shopper_who_cancels_before_it_takes_effect_wins() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, YES, await desk())
    await cancel_session(merchant.id, shopper.session, actor="shopper", now=await now())
    await carried_out()
    assert (await states(shopper))[0] == "cancelled"
    assert (await present(case)).state == "withdrawn"
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 0
    assert await check_books() == []


async def test_an_answer_in_time_takes_effect_though_the_time_runs_out_before_the_worker_comes() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    in_time = Desk("stf_1", clock.wall(), case.due_at - timedelta(seconds=2))
    await decide_case(merchant, case.public_id, YES, in_time)
    late = case.due_at + timedelta(seconds=1)
    assert await expire_due(late) == 0
    assert replace(await shopper.flow(), now=late).state == "held", "the shopper is not told that nobody came"
    api = await session_for_api(merchant.id, shopper.session, late)
    assert (api and api.state) == "held"
    [job] = [
        job
        for job in await outbox.claim(20, 0, now=case.due_at + timedelta(seconds=9))
        if job.kind == cases.CARRY_OUT_JOB
    ]
    await answering.work(job)
    assert (await states(shopper))[0] == "confirmed"


async def test_after_the_deadline_nobody_decides() -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    with pytest.raises(CaseClosed):
        await decide_case(merchant, case.public_id, YES, Desk("stf_1", clock.wall(), case.due_at))


async def test_what_cannot_be_carried_out_any_more_opens_the_case_again_and_says_why() -> None:
    merchant = await a_merchant()
    await a_shopper_who_waits(merchant)
    case = await the_case(merchant)
    await decide_case(merchant, case.public_id, Decision("approved"), await desk())
    await db.execute_alone("UPDATE merchants SET credit_limit_minor = 1")
    forget_kept_merchants()
    await carried_out()
    after = await present(case)
    assert (after.state, after.refused) == ("open", "limit_reached")
    [row] = (await queue_page(merchant.id, Wanted(), now=await now())).rows
    assert row.refused == "limit_reached"


async def test_what_is_impossible_now_is_told_before_anything_is_written() -> None:
    merchant = await a_merchant()
    await a_shopper_who_waits(merchant)
    case = await the_case(merchant)
    await db.execute_alone("UPDATE merchants SET credit_limit_minor = 1")
    forget_kept_merchants()
    with pytest.raises(ApprovalImpossible):
        await decide_case(
            replace(merchant, credit_limit_minor=1), case.public_id, Decision("approved"), await desk()
        )
    assert (await present(case)).state == "open"


async def test_a_case_that_is_taken_is_free_again_when_its_reviewer_is_gone() -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    wall = clock.wall()

    async def take(who: str, at: datetime) -> bool:
        return await cases.take(merchant.id, case.public_id, who, wall=at, now=at)

    assert await take("staff:stf_1", wall)
    with pytest.raises(CaseTaken):
        await take("staff:stf_2", wall + LEASE - timedelta(seconds=1))
    with pytest.raises(CaseTaken):
        await decide_case(merchant, case.public_id, YES, await desk("stf_2"))
    # A heartbeat keeps it; without one the lease ends.
    assert await take("staff:stf_1", wall + timedelta(seconds=90))
    with pytest.raises(CaseTaken):
        await take("staff:stf_2", wall + LEASE + timedelta(seconds=1))
    assert await take("staff:stf_2", wall + timedelta(seconds=90) + LEASE)
    taken = await db.fetch_value("SELECT count(*) FROM audit_log WHERE action = 'case.taken'")
    assert taken == 2, "a heartbeat is no deed"


async def above_100_two(merchant: Merchant) -> None:
    settings = ReviewSettings(0, 10_000)
    await cases.save_settings(
        merchant.id, settings, merchant.public_id, actor="staff:stf_9", now=clock.wall()
    )


async def test_above_the_limit_two_people_approve_and_the_second_may_decline() -> None:
    merchant = await a_merchant()
    await above_100_two(merchant)
    shopper, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, YES, await desk("stf_1"))
    await carried_out()
    assert (await states(shopper))[0] == "held"
    assert (await present(case)).first_by == "staff:stf_1"
    with pytest.raises(SecondPersonNeeded):
        await decide_case(merchant, case.public_id, YES, await desk("stf_1", later_s=12))
    await decide_case(merchant, case.public_id, NO, await desk("stf_2", later_s=12))
    await carried_out(later_s=30)
    assert (await states(shopper))[0] == "declined"
    after = await present(case)
    assert (after.first_by, after.resolved_by) == ("staff:stf_1", "staff:stf_2")


async def test_to_decline_takes_one_person_whatever_the_sum() -> None:
    merchant = await a_merchant()
    await above_100_two(merchant)
    shopper, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, NO, await desk())
    await carried_out()
    assert (await states(shopper))[0] == "declined"


async def test_one_answer_to_many_tells_which_it_was_not_taken_for() -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    await a_shopper_who_waits(await a_merchant("Another shop"))
    missed = await decide_many(merchant, (case.public_id, "case_unknown"), NO, await desk())
    assert missed == ("case_unknown",)
    assert (await present(case)).state == "decided"


@pytest.mark.parametrize(
    "decision", [Decision("approved"), Decision("declined", "other"), Decision("approved", "x")]
)
async def test_an_answer_about_an_odd_order_has_a_reason_and_another_one_its_note(decision: Decision) -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    with pytest.raises(TextRefused):
        await decide_case(merchant, case.public_id, decision, await desk())


async def a_bought_order(merchant: Merchant) -> tuple[Shopper, str]:
    shopper = await a_shopper_who_may_confirm(merchant, "aino@example.test")
    await press(shopper)
    return shopper, (await shopper.flow()).order_public_id


async def test_a_drawn_order_is_looked_at_blind_and_stays_bought_whatever_is_found() -> None:
    merchant = await a_merchant()
    await cases.save_settings(
        merchant.id,
        ReviewSettings(sampling.MILLION, 1),
        merchant.public_id,
        actor="staff:s",
        now=clock.wall(),
    )
    shopper, order = await a_bought_order(merchant)
    public_id = await db.in_tx(lambda: sampling.sample_in_tx(merchant, order, clock.wall()))
    assert public_id is not None
    assert await db.in_tx(lambda: sampling.sample_in_tx(merchant, order, clock.wall())) is None, "once"
    assert await check_books() == []
    await decide_case(merchant, public_id, NO, await desk())
    await carried_out()
    case = await case_by_public_id(merchant.id, public_id)
    assert case is not None
    assert case.state == "declined"
    assert (await states(shopper))[0] == "confirmed"
    events = await told(merchant)
    assert events.count("review.sampled") == 1
    assert "review.resolved" not in events
    assert await check_books() == []


async def test_a_shop_that_draws_none_has_no_samples() -> None:
    merchant = await a_merchant()
    _, order = await a_bought_order(merchant)
    assert await db.in_tx(lambda: sampling.sample_in_tx(merchant, order, clock.wall())) is None


async def test_an_order_that_a_person_has_looked_at_is_never_drawn() -> None:
    merchant = await a_merchant()
    _, case = await a_held_purchase(merchant)
    await decide_case(merchant, case.public_id, YES, await desk())
    await carried_out()
    order = case.order_public_id
    assert await db.in_tx(lambda: sampling.open_sample_in_tx(merchant, order, clock.wall())) is None


async def test_a_sample_that_nobody_looks_at_lapses() -> None:
    merchant = await a_merchant()
    _, order = await a_bought_order(merchant)
    await db.in_tx(lambda: sampling.open_sample_in_tx(merchant, order, clock.wall()))
    due_at = await db.fetch_value("SELECT due_at FROM cases")
    assert await cases.lapse_blind(due_at - timedelta(seconds=1), 10) == 0
    assert await cases.lapse_blind(due_at, 10) == 1
    assert await queue_total(merchant.id, due_at) == 0
    assert await check_books() == []
