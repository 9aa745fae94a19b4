"""From the demo shop's basket to its 'paid', and to the order in the admin: everything a newcomer looks at first."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e import flows
from e2e.browsing import DESK_SCREEN, Phone
from e2e.conftest import Phones
from e2e.pages.admin import Admin
from e2e.pages.demo import DemoOrder, DemoShop
from e2e.pages.flow import OutcomePage, WayOut
from e2e.sandbox import Sandbox
from e2e.world import World


def test_from_the_basket_to_paid_and_the_order_is_found_in_the_admin(
    phone: Phone, new_phone: Phones, sandbox: Sandbox, world: World
) -> None:
    shopper = sandbox.shopper("returning")
    DemoShop(phone).open().add("Wool blanket").is_known_as(shopper).pay()
    flows.a_returning_shopper_pays_by_code(phone, sandbox, shopper)
    OutcomePage(phone).back_to_shop()
    reference = DemoOrder(phone).paid().reference
    expect(phone.tab.get_by_text("0 items")).to_be_attached()

    desk = new_phone(screen=DESK_SCREEN)
    admin = Admin(desk).sign_in(world.owner).open_order(reference)

    expect(desk.tab.get_by_text("Wool blanket").first).to_be_visible()
    expect(admin.part("Customer")).to_contain_text(shopper.name)
    expect(admin.part("Deliveries")).to_contain_text("Order paid")
    assert sandbox.next_message(shopper.email, "email").body.count(reference)


def test_the_shop_is_told_without_javascript_too(new_phone: Phones, sandbox: Sandbox) -> None:
    phone = new_phone(has_script=False)
    shopper = sandbox.shopper("first-timer")
    DemoShop(phone).open().add("Ash stool").is_known_as(shopper).pay()
    flows.a_first_timer_without_email_pays_by_code_and_bank(phone, sandbox, shopper)

    OutcomePage(phone).back_to_shop()

    DemoOrder(phone).paid()


def test_who_turns_back_finds_the_basket_as_it_was(any_phone: Phone) -> None:
    DemoShop(any_phone).open().add("Wool blanket").pay()
    any_phone.sees("How do you want to pay?")
    WayOut(any_phone).ask().cancel()
    any_phone.sees("The purchase was cancelled")

    OutcomePage(any_phone).back_to_shop()

    any_phone.sees("You turned back")
    any_phone.tap(any_phone.link("Back to the basket"))
    expect(any_phone.tab.get_by_role("heading", name="Wool blanket")).to_be_visible()


def test_the_way_back_at_the_top_cancels_nothing(any_phone: Phone) -> None:
    DemoShop(any_phone).open().add("Wool blanket").pay()
    any_phone.sees("How do you want to pay?")
    any_phone.tap(any_phone.tab.get_by_role("link", name="Back to Havu & Kivi", exact=True))

    any_phone.sees("You turned back")
    any_phone.tap(any_phone.link("Continue paying"))
    any_phone.sees("How do you want to pay?")
