"""A page that is open while its order changes: it tells so by itself, and takes nothing out of a hand."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from e2e import change_states, flows
from e2e.conftest import Phones
from e2e.links import AINO, a_link
from e2e.pages.changed import ChangedPage
from e2e.pages.flow import IdentifyPage, MethodPage
from e2e.pages.link import LinkPage
from e2e.shop import Session
from e2e.world import World

NEWS = "The shop has changed this order. You see what is new before anything is bought."


def test_what_is_being_typed_stays_and_the_page_says_that_there_is_news(
    new_phone: Phones, world: World
) -> None:
    phone = new_phone()
    link = a_link(world, customer=AINO)
    phone.open(link.path)
    LinkPage(phone).shown().proceed()
    flows.chooses_invoice(phone)
    phone.type(phone.textbox("Postcode"), "00200")

    world.shop.edit(Session("", "", link.order_id, "", 0), [change_states.BLANKET])
    expect(phone.text(NEWS)).to_be_visible()
    expect(phone.textbox("Postcode")).to_have_value("00200")

    phone.type(phone.textbox("Mobile phone"), "040 123 4567")
    phone.tap(phone.button("Send code"))
    ChangedPage(phone).shown().totals("€203.00", "€129.00").go_on()
    IdentifyPage(phone).shown()
    expect(phone.textbox("Postcode")).to_have_value("00200")
    expect(phone.textbox("Mobile phone")).to_have_value("040 123 4567")


def test_a_page_whose_question_for_news_comes_too_late_learns_of_the_end_all_the_same(
    new_phone: Phones, world: World
) -> None:
    phone = new_phone(fresh=True)  # what holds a request back stays with the tab
    link = a_link(world, customer=AINO)
    held: list[Route] = []
    phone.tab.route("**/live", lambda route: held.append(route))  # noqa: PLW0108 - it takes no built-in
    phone.open(link.path)
    with phone.tab.expect_request("**/live"):
        LinkPage(phone).shown().proceed()
    MethodPage(phone).shown()

    link.do(world, "pause")
    held[0].continue_()

    phone.sees("This link is paused")
