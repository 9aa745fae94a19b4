"""A reviewer at a desk and the shopper who waits, both with their pages open."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.browsing import DESK_SCREEN
from e2e.conftest import Phones
from e2e.held_states import held
from e2e.pages.flow import OutcomePage
from e2e.waits import at_the_case
from e2e.world import World


def test_a_question_and_its_answer_come_by_themselves_and_two_keys_approve(
    new_phone: Phones, world: World
) -> None:
    session, _, walker = held(world)
    shopper = new_phone(cookies=walker.cookies)
    shopper.open(f"{session.path}/outcome")
    desk = new_phone(screen=DESK_SCREEN, cookies=world.staff_cookies())
    desk.open(at_the_case(world, session).response.url.path)
    expect(desk.text("You work on this: nobody else can answer.")).to_be_visible()

    desk.tap(desk.text("Ask the shopper"))
    desk.type(desk.textbox("Your question"), "Where do you live?")
    desk.tap(desk.button("Send the question"))
    expect(desk.text("No answer yet. It comes here by itself.")).to_be_visible()

    expect(shopper.tab.get_by_text("Where do you live?")).to_be_visible()
    shopper.type(shopper.textbox("Your answer"), "In Turku, above the bakery.")
    shopper.tap(shopper.button("Send the answer"))
    expect(shopper.text("You were asked")).to_be_visible()
    expect(desk.tab.get_by_text("In Turku, above the bakery.")).to_be_visible()

    desk.tab.keyboard.press("a")
    desk.tab.keyboard.press("1")
    expect(desk.heading("Reviews").or_(desk.tab.locator(".case-head"))).to_be_visible()
    OutcomePage(shopper).confirmed()
    assert world.shop.order_of(session)["state"] == "paid"
