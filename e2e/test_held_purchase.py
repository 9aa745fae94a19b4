"""A purchase that was confirmed and waits for a person, from the shopper's phone to the reviewer's desk and back."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from e2e import flows, walks
from e2e.browsing import Phone
from e2e.held_states import WAITS, answered, held, held_by_card
from e2e.pages.flow import ConfirmPage, OutcomePage
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.world import World


def test_a_held_order_is_approved_and_the_page_that_waits_shows_the_purchase(
    any_phone: Phone, world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("held")
    session = shop.open_session(knows=shopper)
    any_phone.open(session.path)
    flows.chooses_invoice(any_phone)
    flows.proves_the_phone(any_phone, sandbox, shopper)
    ConfirmPage(any_phone).shown().confirm()
    OutcomePage(any_phone).waiting()
    expect(any_phone.text("Nothing is charged while your order is checked.")).to_be_visible()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("held", "held")

    answered(world, session, "Reached, and it is them")

    assert "The purchase is made" in sandbox.next_message(shopper.phone, "sms").body
    any_phone.open(f"{session.path}/outcome")
    OutcomePage(any_phone).confirmed()
    told = list(reversed(shop.events_of(session)))
    assert told == ["session.held", "review.resolved", "session.confirmed", "order.paid"]


def test_a_held_order_is_declined_and_the_shopper_told_without_a_word_of_blame(world: World) -> None:
    session, shopper, walker = held(world)
    answered(world, session, "Could not be reached")
    assert "could not accept it" in world.sandbox.next_message(shopper.phone, "sms").body
    page = walks.arrived(walker.open(f"{session.path}/outcome"), "The purchase was declined")
    assert "they can look at it once more" in page.response.text
    assert (world.shop.state_of(session), world.shop.order_of(session)["state"]) == ("declined", "cancelled")


def test_a_card_is_charged_once_a_person_has_approved(world: World) -> None:
    session, walker = held_by_card(world)
    assert "reserved on your card. It is not taken" in walker.response.text
    answered(world, session, "A customer we know")
    world.sandbox.next_message("aino@held.example", "email")
    walks.arrived(walker.open(f"{session.path}/outcome"), "Purchase confirmed")
    assert (world.shop.state_of(session), world.shop.order_of(session)["state"]) == ("confirmed", "paid")


def test_nobody_answers_and_the_order_ends_with_an_apology(
    world: World, moved_clock: Callable[[int], None]
) -> None:
    session, shopper, walker = held(world)
    moved_clock(5 * 86_400)
    assert "nobody could check your purchase" in world.sandbox.next_message(shopper.phone, "sms").body
    assert WAITS not in walker.open(f"{session.path}/outcome").response.text
    assert (world.shop.state_of(session), world.shop.order_of(session)["state"]) == ("expired", "expired")
