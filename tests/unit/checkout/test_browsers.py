"""One session in several browsers: what each may do, and what none may learn or take over from another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout.actions import Details, decide, identify_by_bank
from app.checkout.contacts import known_contact
from app.checkout.errors import OtherPerson, SessionEnded, StepNotReached
from app.checkout.steps import Page, Progress, may_see
from app.identity.actions import browsers
from app.kernel import clock, db
from tests.factories.checkout import (
    PHONE,
    POSTCODE,
    Shopper,
    a_known_person,
    a_merchant,
    a_session,
    a_shopper_at_confirm,
    an_identity,
    approving,
)

pytestmark = pytest.mark.usefixtures("db")

OTHER_PHONE = "+358480000102"


async def test_whoever_lost_their_browser_after_identifying_gets_in_again_by_code() -> None:
    first = await a_shopper_at_confirm(await a_merchant())
    again = Shopper.at(first.session)
    code = await again.ask_code(OTHER_PHONE)
    challenge = (await again.flow()).challenge
    assert challenge is not None, "the page has to show where the code is typed"
    assert challenge.phone == OTHER_PHONE
    await a_known_person(OTHER_PHONE, subject="aino")
    assert (await again.type_code(code)).outcome == "identified"
    assert (await again.flow()).progress is Progress.IDENTIFIED
    assert (await first.flow()).progress is Progress.ELSEWHERE


async def test_the_code_of_another_person_does_not_take_over_a_session_that_is_somebodys() -> None:
    first = await a_shopper_at_confirm(await a_merchant())
    await a_known_person(OTHER_PHONE, subject="eero", name="Eero Salo")
    other = Shopper.at(first.session)
    code = await other.ask_code(OTHER_PHONE)
    assert (await other.type_code(code)).outcome == "other_person"
    assert (await other.type_code(code)).outcome == "spent"
    assert (await first.flow()).progress is Progress.IDENTIFIED
    await first.confirm()


async def test_of_two_people_at_their_banks_at_once_the_session_is_of_the_first_alone() -> None:
    first = Shopper.at(await a_session(await a_merchant()))
    await first.choose()
    second = Shopper.at(first.session)
    seen_before = await second.flow()
    await first.return_from_bank()
    with pytest.raises(OtherPerson):
        await identify_by_bank(seen_before, an_identity("eero", "Eero Salo"), second.browser, clock.wall())
    assert (await first.flow()).progress is not Progress.ELSEWHERE


async def test_a_browser_that_identified_nobody_cannot_change_the_plan_of_one_that_did() -> None:
    first = await a_shopper_at_confirm(await a_merchant())
    other = Shopper.at(first.session)
    flow = await other.flow()
    assert not may_see(Page.METHOD, flow.state, flow.progress)
    with pytest.raises(SessionEnded):
        await other.choose("instalments", 6)
    await first.confirm()


async def test_a_phone_proved_in_one_browser_is_never_given_to_the_person_of_another() -> None:
    merchant = await a_merchant()
    victim = Shopper.at(await a_session(merchant))
    await victim.choose()
    stranger = Shopper.at(victim.session)
    assert (await stranger.type_code(await stranger.ask_code(OTHER_PHONE, "99999"))).outcome == "needs_bank"
    assert (await stranger.flow()).phone_proved_here
    assert not (await victim.flow()).phone_proved_here
    await victim.return_from_bank()
    await victim.be_decided()
    await victim.confirm()
    person = await db.fetch_one("SELECT phone, claimed_phone, postcode FROM customers")
    assert person is not None
    assert (person["phone"], person["claimed_phone"], person["postcode"]) == (None, PHONE, POSTCODE)


async def test_a_right_code_in_a_second_browser_counts_at_the_bank_from_there() -> None:
    merchant = await a_merchant()
    first = Shopper.at(await a_session(merchant))
    await first.choose()
    second = Shopper.at(first.session)
    await second.type_code(await second.ask_code(OTHER_PHONE))
    await second.return_from_bank(an_identity())
    assert await db.fetch_value("SELECT phone FROM customers") == OTHER_PHONE


async def test_what_the_shop_passed_stays_in_the_browser_that_it_sent() -> None:
    merchant = await a_merchant()
    first = Shopper.at(await a_session(merchant, email="secret@example.test"))
    await first.choose()
    assert (await first.flow()).passed.email == "secret@example.test"
    other = Shopper.at(first.session)
    assert (await other.flow()).passed.email is None
    await other.return_from_bank()
    flow = await other.flow()
    assert flow.identified
    assert known_contact(flow, Details()).email is None
    assert await db.fetch_value("SELECT coalesce(phone, claimed_phone) FROM customers") is None


async def test_asking_for_a_code_elsewhere_changes_nothing_of_who_was_identified() -> None:
    merchant = await a_merchant()
    first = Shopper.at(await a_session(merchant))
    await first.choose()
    await first.return_from_bank()
    await Shopper.at(first.session).ask_code(OTHER_PHONE, "99999")
    contact = known_contact(await first.flow(), Details())
    assert (contact.phone, contact.postcode) == (PHONE, POSTCODE)


async def test_a_second_tap_on_the_same_plan_spends_one_decision() -> None:
    merchant = await a_merchant()
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code())
    seen = await shopper.flow()
    await decide(seen, approving(seen), lang="en")
    with pytest.raises(StepNotReached):
        await decide(seen, approving(seen), lang="en")
    assert (await shopper.flow()).decisions_made == 1


async def test_a_cookie_that_is_used_all_day_ends_before_its_row_does() -> None:
    born = clock.wall()
    cookie = browsers.write("t" * 43, wall=born)
    step = timedelta(minutes=10)
    moment = born
    while moment + step < born + browsers.LIFE:
        moment += step
        seen = browsers.read(cookie, wall=moment)
        assert (seen.token, seen.fresh) == ("t" * 43, False)
        cookie = browsers.write(seen.token, wall=moment, born_at=seen.born_at)
    assert browsers.read(cookie, wall=moment + step).fresh


async def test_a_quote_of_another_day_is_chosen_again() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    await db.in_tx(
        lambda: db.execute("UPDATE checkout_sessions SET expires_at = expires_at + interval '5 days'")
    )
    await db.in_tx(lambda: clock.set_offset_s(2 * 86_400))
    flow = await shopper.flow()
    assert (flow.quote_stands, flow.progress) == (False, Progress.NOTHING)
    with pytest.raises(StepNotReached):
        await shopper.confirm()
    await shopper.choose()
    await shopper.be_decided()
    assert (await shopper.confirm()).state == "confirmed"
