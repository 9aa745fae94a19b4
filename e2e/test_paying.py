"""Paying at once as it goes wrong in a browser: back, a reload, a second tab; and two ways to pay in one purchase."""

from __future__ import annotations

from e2e import walks
from e2e.browsing import Phone
from e2e.pages.card import CardPage
from e2e.pages.flow import ConfirmPage, MethodPage, OutcomePage
from e2e.paying_states import GUEST
from e2e.shop import Shop
from e2e.walker import Walker
from e2e.wallets import fill_wallet
from e2e.world import World

CHECKING = "We are checking your payment"


def test_back_reload_and_a_second_tab_lead_to_where_the_payment_stands_and_on_to_the_card_page(
    any_phone: Phone, shop: Shop
) -> None:
    session = shop.open_session(129_00)
    any_phone.open(session.path)
    any_phone.choose(any_phone.radio("Card"))
    MethodPage(any_phone).go_on()
    page = ConfirmPage(any_phone).shown()
    for label, text in GUEST.items():
        any_phone.type(any_phone.textbox(label), text)
    page.confirm()
    CardPage(any_phone).shown()

    any_phone.back()
    any_phone.sees(CHECKING)
    any_phone.reload()
    any_phone.sees(CHECKING)
    tab = any_phone.second_tab()
    tab.open(session.path)
    tab.sees(CHECKING)
    tab.tap(tab.link("Go on to the card page"))
    CardPage(tab).shown().pay_with("Visa 4242")
    if not tab.has_script:
        tab.sees(CHECKING)
        tab.tap(tab.button("Check now"))
    OutcomePage(tab).confirmed()
    any_phone.reload()
    OutcomePage(any_phone).confirmed()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("confirmed", "paid")


def test_the_wallet_and_a_card_pay_one_purchase_together(world: World, shop: Shop) -> None:
    shopper = world.sandbox.shopper("returning")
    fill_wallet(world, shopper, 12_40)
    session = shop.open_session(129_00, knows=shopper)
    walker = Walker.at(world.base_url, session.path)
    walks.arrived(walker.press("Continue", chosen=["Card"]), "Check and confirm")
    walks.arrived(walker.follow("Identify yourself to use your wallet and collect points"), "Who is paying?")
    walks.arrived(walks.through_code(walker, world.sandbox, shopper), "Check and confirm")
    walker.press("Use €12.40 from your wallet")
    walks.arrived(walker.press("Confirm purchase"), "You are being taken onwards")
    walker.follow("Continue").press("Pay with Visa 4242")
    if walker.heading == CHECKING:
        walker.press("Check now")
    world.sandbox.next_message(shopper.email, "email")
    walks.arrived(walker.open(f"{session.path}/outcome"), "Purchase confirmed")
    quote = shop.order_of(session)["quote"]
    assert (quote["method"], quote["wallet_minor"], quote["paid_minor"]) == ("card", 12_40, 116_60)
