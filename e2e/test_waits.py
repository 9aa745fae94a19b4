"""Where a credit decision is refused or a person makes it: the shopper's browser, the shop, the staff and the phone."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e import flows, waits
from e2e.browsing import Phone
from e2e.pages.flow import ConfirmPage, MethodPage, OutcomePage
from e2e.sandbox import Sandbox, Shopper
from e2e.shop import Session, Shop
from e2e.world import World


def lands_where_the_check_leads(phone: Phone, sandbox: Sandbox, session: Session, shopper: Shopper) -> None:
    phone.open(session.path)
    flows.chooses_invoice(phone)
    flows.proves_the_phone(phone, sandbox, shopper)


def test_a_ban_that_the_shopper_asked_for_is_followed_and_named(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("credit-ban")
    session = shop.open_session(knows=shopper)
    lands_where_the_check_leads(any_phone, sandbox, session, shopper)
    OutcomePage(any_phone).refused()
    expect(
        any_phone.text("You have asked for a ban on credit in your name, and we follow it.")
    ).to_be_visible()
    assert shop.state_of(session) == "open"


def test_with_the_register_down_a_person_approves_and_the_shopper_confirms(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("register-down")
    session = shop.open_session(knows=shopper)
    lands_where_the_check_leads(any_phone, sandbox, session, shopper)
    OutcomePage(any_phone).waiting()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("held", "held")

    waits.at_the_case(world, session).press("Approve", {"Note": "Pay slips seen."})

    told = sandbox.next_message(shopper.phone, "sms")
    assert told.body.endswith(f"{session.path}/outcome")
    any_phone.open(f"{session.path}/outcome")
    ConfirmPage(any_phone).shown().confirm()
    OutcomePage(any_phone).confirmed()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("confirmed", "paid")


def test_who_does_not_want_to_wait_chooses_another_plan(
    any_phone: Phone, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("register-down")
    session = shop.open_session(knows=shopper)
    lands_where_the_check_leads(any_phone, sandbox, session, shopper)
    OutcomePage(any_phone).waiting().do_not_wait()
    MethodPage(any_phone).shown()
    assert shop.state_of(session) == "open"


def test_a_refused_shopper_asks_a_person_who_declines_and_says_so(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("declined")
    session = shop.open_session(450_00, knows=shopper)
    lands_where_the_check_leads(any_phone, sandbox, session, shopper)
    OutcomePage(any_phone).refused().ask_a_person("I begin a new job in December.")
    expect(any_phone.text("I begin a new job in December.")).to_be_visible()

    waits.at_the_case(world, session).press("Decline", {"Note": "No papers came."})

    assert session.path in sandbox.next_message(shopper.phone, "sms").body
    any_phone.open(session.path)
    OutcomePage(any_phone).declined()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("declined", "cancelled")
