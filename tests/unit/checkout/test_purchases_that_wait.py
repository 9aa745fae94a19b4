"""A purchase that was confirmed and waits for a person: how it begins, and each way in which it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.cases.errors import CaseClosed
from app.cases.queries import CaseView
from app.cases.states import CaseState
from app.checkout import actions
from app.checkout.actions import Details, cancel_order, cancel_session, expire_due, withdraw_link
from app.checkout.actions.holding import ABOUT_RISK_AT_MOST, answer_by, go_on_without
from app.checkout.assessing import Press, forced_by, purchase_of
from app.checkout.books import check_books
from app.checkout.errors import ApprovalImpossible, CreditRefused, StepNotReached
from app.checkout.facts import without_register
from app.credit.queries import exposure_minor
from app.kernel import clock, db
from app.ledger import actions as ledger
from app.links import actions as links
from app.links.queries import LinkView, link_of_order
from app.merchants.queries import Merchant
from app.orders.actions import Contact
from app.orders.states import EDITABLE
from app.plans.company import company_plans
from app.plans.quote import make_quote
from app.risk.queries import decision_of_session
from tests.factories.checkout import Shopper, a_merchant
from tests.factories.companies import KONE, OUTI, a_business_session
from tests.factories.held_purchases import (
    HELD,
    STOPPED,
    TEST_MODE,
    a_held_purchase,
    a_held_purchase_by_wallet,
    a_shopper_who_may_confirm,
    answer,
    case_of,
    press,
    states,
    told,
)
from tests.factories.link_shoppers import at_confirm_of
from tests.factories.links import a_link
from tests.factories.wallets_in_flow import a_shop_with_wallets, in_wallet, money_of_aino

pytestmark = pytest.mark.usefixtures("db")


async def test_a_purchase_that_nothing_speaks_against_is_made_and_its_decision_is_kept() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_may_confirm(merchant, "aino@example.test")
    confirmed = await press(shopper)
    assert (confirmed.state, confirmed.order_state) == ("confirmed", "paid")
    decision = await decision_of_session(merchant.id, confirmed.session_id)
    assert decision is not None
    assert (decision.outcome, decision.amount_minor) == ("approve", 129_00)


async def test_a_press_that_is_held_buys_nothing_and_waits_for_a_person() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_may_confirm(merchant)
    flow = await press(shopper)
    assert (flow.state, flow.order_state) == ("held", "held")
    assert await states(shopper) == ("held", "held")
    case = await case_of(shopper)
    assert (case.kind, case.asked_by, case.amount_minor, case.lang) == ("risk", "rules", 129_00, "sv")
    assert (case.name, case.email) == ("Aino Virta", HELD)
    assert case.due_at == (await shopper.flow()).held_until
    assert await told(merchant) == ["session.held"]
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 0
    assert await check_books() == []


async def test_a_second_press_changes_nothing_and_is_shown_that_it_waits() -> None:
    shopper, _ = await a_held_purchase(await a_merchant())
    again = await actions.confirm(shopper.session, shopper.browser, "", Details(), press=TEST_MODE)
    assert again.state == "held"
    assert await db.fetch_value("SELECT count(*) FROM risk_decisions") == 1


async def test_in_live_mode_an_address_asks_for_nothing() -> None:
    shopper = await a_shopper_who_may_confirm(await a_merchant())
    assert (await press(shopper, how=Press())).state == "confirmed"


async def test_only_the_host_of_an_address_asks_for_an_outcome() -> None:
    assert forced_by(Contact(email="a@HELD.example")) == "hold"
    assert forced_by(Contact(email="a@stopped.example")) == "decline"
    for email in (None, "", "held.example@example.test", "a@notheld.example", "a@held.example.com"):
        assert forced_by(Contact(email=email)) is None


async def test_risk_is_told_what_is_known_and_where_the_press_came_from() -> None:
    shopper = await a_shopper_who_may_confirm(await a_merchant(), "aino@example.test")
    flow = await shopper.flow()
    assert flow.quote is not None
    assert flow.customer is not None
    contact = Contact(name="Aino Virta", email="a@example.test", phone="+358480000101", postcode="00100")
    told_of = purchase_of(flow, flow.quote, contact, Press("198.51.100.0/24", b"device", is_test=True))
    assert told_of.customer_id == flow.customer.id
    assert told_of.customer_since is not None
    assert (told_of.verified_name, told_of.passed_postcode) == ("Aino Virta", "00100")
    assert [(item.sku, item.total_minor) for item in told_of.items] == [("B-1", 129_00)]
    assert (told_of.network, told_of.device, told_of.forced) == ("198.51.100.0/24", b"device", None)
    # Where the network says nothing, neither does what is told apart by it.
    assert purchase_of(flow, flow.quote, contact, Press("", b"device")).device == b""


async def test_the_answer_comes_by_the_next_working_day_and_never_later_than_four_days() -> None:
    merchant = await a_merchant()
    friday = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)
    assert answer_by(merchant, friday, "risk") == datetime(2026, 12, 7, 16, 0, tzinfo=UTC)
    # Over Christmas of that year no working day comes for longer than anybody's money may be kept.
    christmas = datetime(2026, 12, 23, 22, 30, tzinfo=UTC)
    assert answer_by(merchant, christmas, "credit") == datetime(2026, 12, 28, 16, 0, tzinfo=UTC)
    assert answer_by(merchant, christmas, "risk") == christmas + ABOUT_RISK_AT_MOST


async def test_approved_the_purchase_is_made_without_the_shopper() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    await answer(shopper, case)
    flow = await shopper.flow()
    assert (flow.state, flow.order_state) == ("confirmed", "paid")
    assert (flow.contact.name, flow.contact.email) == ("Aino Virta", HELD)
    assert await told(merchant) == ["session.held", "review.resolved", "session.confirmed", "order.paid"]
    assert flow.customer is not None
    assert await exposure_minor(merchant.id, flow.customer.id, "EUR") == 129_00
    history = await db.fetch_one(
        "SELECT actor, detail FROM session_history WHERE subject_id = $1 AND to_state = 'confirmed'",
        flow.session_id,
    )
    assert history is not None
    assert (history["actor"], history["detail"]["lang"]) == ("staff:stf_1", "sv")
    assert await check_books() == []


async def test_approved_on_another_day_the_plan_keeps_the_dates_that_were_agreed() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    agreed = (await shopper.flow()).quote
    await the_clock_stands_at(26 * 3600)
    # The answer was due at the end of a working day, whichever day this test runs on.
    await db.execute_alone("UPDATE checkout_sessions SET held_until = held_until + interval '2 days'")
    await answer(shopper, case)
    flow = await shopper.flow()
    assert flow.state == "confirmed"
    assert flow.quote == agreed


async def the_clock_stands_at(offset_s: int) -> None:
    await db.in_tx(lambda: clock.set_offset_s(offset_s))


async def test_declined_by_a_person_it_is_over_and_nothing_is_owed() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    await answer(shopper, case, "declined")
    assert await states(shopper) == ("declined", "cancelled")
    assert await told(merchant) == ["session.held", "review.resolved", "session.declined"]
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 0
    assert await check_books() == []


async def test_declined_at_the_press_it_is_over_at_once_and_nobody_is_asked() -> None:
    merchant = await a_merchant()
    shopper = await a_shopper_who_may_confirm(merchant, STOPPED)
    flow = await press(shopper)
    assert (flow.state, flow.order_state) == ("declined", "cancelled")
    assert await states(shopper) == ("declined", "cancelled")
    assert await told(merchant) == ["session.declined"]
    assert await db.fetch_value("SELECT count(*) FROM cases") == 0
    assert await check_books() == []


async def test_nobody_answered_in_time_and_nothing_is_bought() -> None:
    merchant = await a_merchant()
    shopper, _ = await a_held_purchase(merchant)
    until = (await shopper.flow()).held_until
    assert until is not None
    assert await expire_due(until) == 1
    assert await states(shopper) == ("expired", "expired")
    assert (await case_of(shopper)).state is CaseState.LAPSED
    assert await told(merchant) == ["session.held", "session.expired", "review.resolved", "order.expired"]
    assert await check_books() == []


async def test_whoever_waits_for_risk_may_cancel_and_not_go_around_it() -> None:
    shopper, case = await a_held_purchase(await a_merchant())
    with pytest.raises(StepNotReached):
        await go_on_without(shopper.session, shopper.browser)
    flow = await shopper.flow()
    assert await cancel_session(flow.merchant.id, shopper.session, actor="shopper", now=flow.now)
    assert await states(shopper) == ("cancelled", "cancelled")
    with pytest.raises(CaseClosed):
        await answer(shopper, case)


# --- with the wallet ----------------------------------------------------------------------------------------


async def test_the_wallets_money_waits_as_long_as_the_purchase_and_pays_it_then() -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 20_000)
    shopper, case = await a_held_purchase_by_wallet(merchant)
    flow = await shopper.flow()
    assert flow.aside is not None
    assert flow.aside.expires_at > case.due_at
    assert (await in_wallet(merchant, customer)).available == 20_000 - 12_900
    await answer(shopper, case)
    assert await states(shopper) == ("confirmed", "paid")
    assert (await in_wallet(merchant, customer)).total == 20_000 - 12_900
    assert await check_books() == []


@pytest.mark.parametrize("end", ["declined", "cancelled", "expired"])
async def test_the_wallets_money_comes_free_with_every_other_end(end: str) -> None:
    merchant = await a_shop_with_wallets()
    customer = await money_of_aino(merchant, 20_000)
    shopper, case = await a_held_purchase_by_wallet(merchant)
    flow = await shopper.flow()
    if end == "declined":
        await answer(shopper, case, "declined")
    elif end == "cancelled":
        await cancel_order(merchant.id, flow.order_public_id, actor="shop", now=flow.now)
    else:
        await expire_due(case.due_at)
    assert (await states(shopper))[0] == end
    assert (await in_wallet(merchant, customer)).available == 20_000
    assert await check_books() == []


# --- what has changed meanwhile -----------------------------------------------------------------------------


async def refused_for(shopper: Shopper, case: CaseView) -> str:
    """Why the approval is not carried out; nothing has changed then, and the case waits as before."""
    with pytest.raises(ApprovalImpossible) as refused:
        await answer(shopper, case)
    assert await states(shopper) == ("held", "held")
    assert (await case_of(shopper)).state is CaseState.OPEN
    assert "review.resolved" not in await told((await shopper.flow()).merchant)
    assert await check_books() == []
    return refused.value.reason


async def test_no_approval_goes_above_what_the_customer_may_owe_by_now() -> None:
    merchant = await a_merchant(credit_limit_minor=20_000)
    shopper, case = await a_held_purchase(merchant)
    other = await a_shopper_who_may_confirm(merchant, "aino@example.test")
    await press(other)
    assert await refused_for(shopper, case) == "limit_reached"


async def test_nobody_waits_for_what_cannot_be_approved() -> None:
    merchant = await a_merchant(credit_limit_minor=20_000)
    first, second = await a_shopper_who_may_confirm(merchant), await a_shopper_who_may_confirm(merchant)
    await press(first, how=Press())
    with pytest.raises(CreditRefused):
        await press(second)
    assert (await second.flow()).state == "open"


async def test_money_of_the_wallet_that_came_free_is_not_approved() -> None:
    merchant = await a_shop_with_wallets()
    await money_of_aino(merchant, 20_000)
    shopper, case = await a_held_purchase_by_wallet(merchant)
    flow = await shopper.flow()
    assert flow.aside is not None
    aside_id = flow.aside.id
    await db.in_tx(lambda: ledger.release(merchant.id, aside_id, actor="staff", now=flow.now))
    with pytest.raises(ApprovalImpossible) as refused:
        await answer(shopper, case)
    assert refused.value.reason == "hold_ended"
    assert await states(shopper) == ("held", "held")


async def test_while_money_is_frozen_nothing_is_approved_and_afterwards_it_is() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    now = (await shopper.flow()).now
    await db.in_tx(lambda: ledger.freeze("looking", now))
    assert await refused_for(shopper, case) == "money_frozen"
    await db.in_tx(lambda: ledger.unfreeze("looked", now))
    await answer(shopper, case)
    assert await states(shopper) == ("confirmed", "paid")


async def test_a_sum_that_is_not_the_one_that_was_confirmed_is_not_approved() -> None:
    merchant = await a_merchant()
    shopper, case = await a_held_purchase(merchant)
    # No verb changes an order that is held; the look is for whatever might.
    await db.execute_alone("UPDATE checkout_sessions SET seen_version = seen_version + 1")
    with pytest.raises(ApprovalImpossible) as refused:
        await answer(shopper, case)
    assert refused.value.reason == "order_changed"


async def test_the_shop_may_not_change_what_is_looked_at() -> None:
    merchant = await a_merchant()
    shopper, _ = await a_held_purchase(merchant)
    assert (await shopper.flow()).order_state not in EDITABLE


# --- by a payment link --------------------------------------------------------------------------------------


async def held_by_link(merchant: Merchant) -> tuple[LinkView, Shopper]:
    link = await a_link(merchant)
    shopper = await at_confirm_of(link)
    await press(shopper, Details(email=HELD))
    return link, shopper


async def test_by_a_link_others_wait_while_a_person_looks_and_the_link_is_used_when_they_approve() -> None:
    merchant = await a_merchant()
    link, shopper = await held_by_link(merchant)
    assert await states(shopper) == ("held", "held")
    await answer(shopper, await case_of(shopper))
    assert await states(shopper) == ("confirmed", "paid")
    found = await link_of_order(merchant.id, link.order_id)
    assert found is not None
    assert found.stored_state == "used"
    assert await check_books() == []


@pytest.mark.parametrize("email", [HELD, STOPPED])
async def test_what_is_declined_leaves_the_link_to_its_next_payer(email: str) -> None:
    merchant = await a_merchant()
    link = await a_link(merchant)
    shopper = await at_confirm_of(link)
    await press(shopper, Details(email=email))
    if email == HELD:
        await answer(shopper, await case_of(shopper), "declined")
    assert await states(shopper) == ("declined", "open")
    second = await at_confirm_of(link, 1)
    await press(second, Details(email="b@example.test"))
    assert await states(second) == ("confirmed", "paid")
    assert await check_books() == []


async def test_a_link_that_was_paused_meanwhile_is_not_bought_by() -> None:
    merchant = await a_merchant()
    link, shopper = await held_by_link(merchant)
    case = await case_of(shopper)
    now = (await shopper.flow()).now
    await links.pause(merchant.id, link.order_public_id, actor="shop", now=now)
    assert await refused_for(shopper, case) == "link_closed"
    await links.resume(merchant.id, link.order_public_id, actor="shop", now=now)
    await answer(shopper, case)
    assert await states(shopper) == ("confirmed", "paid")


async def test_a_link_that_is_withdrawn_ends_the_wait() -> None:
    merchant = await a_merchant()
    link, shopper = await held_by_link(merchant)
    await withdraw_link(merchant.id, link.order_public_id, actor="shop", now=(await shopper.flow()).now)
    assert await states(shopper) == ("cancelled", "open")
    assert (await case_of(shopper)).state is CaseState.WITHDRAWN
    assert await check_books() == []


# --- a company ----------------------------------------------------------------------------------------------


async def test_a_companys_order_is_made_with_what_its_contact_person_typed() -> None:
    merchant = await a_merchant()
    shopper = Shopper.at(await a_business_session(merchant, company=KONE))
    flow = await shopper.flow()
    quote = make_quote(
        company_plans(flow.currency)[1],
        flow.total_minor,
        flow.currency,
        merchant.country,
        merchant.local_date(flow.now),
        merchant=merchant.public_id,
    )
    await actions.choose_plan(flow, quote, shopper.browser, clock.wall())
    await shopper.type_code(await shopper.ask_code())
    flow = await shopper.flow()
    assert flow.customer is not None
    await actions.decide(flow, await without_register(flow, flow.customer.id), lang="en")
    await press(shopper, replace(OUTI, email=HELD))
    assert await states(shopper) == ("held", "held")
    await answer(shopper, await case_of(shopper))
    assert await states(shopper) == ("confirmed", "paid")
    contact = (await shopper.flow()).contact
    assert (contact.name, contact.street, contact.email) == ("Outi Ostaja", "Tehtaankatu 1", HELD)
    assert await check_books() == []
