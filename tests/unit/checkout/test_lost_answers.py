"""Every verb of the flow once more with a COMMIT that landed while its answer was lost: nothing doubles or misleads."""

from __future__ import annotations

import pytest

from app.checkout.actions import cancel_session, decide
from app.kernel import clock, db
from tests.factories.checkout import (
    Shopper,
    a_known_person,
    a_merchant,
    a_session,
    a_shopper_at_confirm,
    approving,
)
from tests.support.lost_answers import lose_the_next_answer

pytestmark = pytest.mark.usefixtures("db")


async def a_shopper_who_chose() -> Shopper:
    shopper = Shopper.at(await a_session(await a_merchant()))
    await shopper.choose()
    return shopper


async def test_a_plan_is_chosen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = Shopper.at(await a_session(await a_merchant()))
    lose_the_next_answer(monkeypatch)
    await shopper.choose()
    flow = await shopper.flow()
    assert (flow.order_state, flow.ours, flow.browser_id is not None) == ("in_payment", True, True)


async def test_the_code_that_was_written_is_the_one_that_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    await a_known_person()
    shopper = await a_shopper_who_chose()
    lose_the_next_answer(monkeypatch)
    code = await shopper.ask_code()
    assert await db.fetch_value("SELECT count(*) FROM code_challenges") == 1
    assert (await shopper.type_code(code)).outcome == "identified"


async def test_a_right_code_identifies_the_browser_that_typed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    await a_known_person()
    shopper = await a_shopper_who_chose()
    code = await shopper.ask_code()
    lose_the_next_answer(monkeypatch)
    assert (await shopper.type_code(code)).outcome == "identified"
    assert (await shopper.flow()).identified


async def test_a_right_code_on_an_unknown_phone_leads_to_the_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = await a_shopper_who_chose()
    code = await shopper.ask_code()
    lose_the_next_answer(monkeypatch)
    assert (await shopper.type_code(code)).outcome == "needs_bank"


async def test_a_return_from_the_bank_identifies_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = await a_shopper_who_chose()
    lose_the_next_answer(monkeypatch)
    await shopper.return_from_bank()
    assert (await shopper.flow()).identified
    assert await db.fetch_value("SELECT count(*) FROM customers") == 1


async def test_a_decision_is_spent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    await a_known_person()
    shopper = await a_shopper_who_chose()
    await shopper.type_code(await shopper.ask_code())
    flow = await shopper.flow()
    lose_the_next_answer(monkeypatch)
    decided = await decide(flow, approving(flow), lang="en")
    assert decided.decision is not None
    stored = await shopper.flow()
    assert stored.decision is not None
    assert (stored.decision.id, stored.decisions_made) == (decided.decision.id, 1)
    assert await db.fetch_value("SELECT count(*) FROM credit_decisions") == 1


async def test_a_purchase_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    lose_the_next_answer(monkeypatch)
    assert (await shopper.confirm()).state == "confirmed"
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 1
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == 12_900


async def test_a_cancelled_session_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await a_merchant()
    session = await a_session(merchant)
    lose_the_next_answer(monkeypatch)
    await cancel_session(merchant.id, session, actor="shopper", now=clock.wall())
    assert await db.fetch_value("SELECT count(*) FROM events WHERE type = 'session.cancelled'") == 1
