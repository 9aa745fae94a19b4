"""Orders that staff prepare at a desk and that shoppers pay on their phones: from the first line to the receipt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import expect

from e2e import flows, link_states, walks
from e2e.browsing import DESK_SCREEN, Phone
from e2e.conftest import Phones
from e2e.links import AINO, a_link
from e2e.pages.changed import ChangedPage
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage, OutcomePage
from e2e.pages.letterbox import Mail
from e2e.pages.link import LinkDesk, LinkPage
from e2e.pages.orders import OrderDesk, OrderForm
from e2e.sandbox import Sandbox, Shopper
from e2e.world import World

_numbers = count(1)
SCARF = ("Scarf, undyed", "45.00")
SOCKS = ("Wool socks, grey", "7.00")


@pytest.fixture
def desk(new_phone: Phones, world: World) -> Phone:
    """Somebody of the shop, signed in."""
    return new_phone(screen=DESK_SCREEN, cookies=world.staff_cookies())


def typed_in(desk: Phone, shopper: Shopper) -> OrderDesk:
    """An order of 45.00 whose buyer the shop knows by name and e-mail."""
    form = OrderForm(desk).new().refer(f"DESK-{next(_numbers)}").line(1, *SCARF)
    return form.customer(name=shopper.name, email=shopper.email).save().costs("€45.00")


def over_api(world: World, order_id: str) -> dict[str, Any]:
    answer = world.shop.client.get(f"/api/v1/orders/{order_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_staff_send_an_order_and_the_shopper_pays_it_by_the_mail(
    desk: Phone, new_phone: Phones, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("returning")
    order = typed_in(desk, shopper)
    order_id = order.order_id
    link_desk = LinkDesk(desk).open().hold_for("7 days").use_language("en")
    link_desk.write(subject="Your scarf is ready", message="It has waited for you.").press_send_twice()

    mail = sandbox.next_message(shopper.email, "email")
    assert mail.subject == "Your scarf is ready"
    # From here on staff only look: their page hears of everything by itself.
    order.open(order_id).tells("Payment link sent", "Message with the payment link delivered")
    letter = Mail(new_phone(trace=False)).open(mail)  # a mail runs no scripts, those of a trace neither
    phone = letter.reads("It has waited for you.", SCARF[0], "You can pay until").pay()
    page = LinkPage(phone).shown().lists(SCARF[0]).asks_for("Street address", "Postcode", "City")
    assert over_api(world, f"{order_id}/payment-link")["opened_at"] is None  # looking is not opening
    page.proceed()
    MethodPage(phone).shown()
    order.tells("Payment link opened")
    flows.a_returning_shopper_types_everything(phone, sandbox, shopper)
    order.tells("Payment started", "Order paid", "Paid by the payment link").is_locked()

    receipt = sandbox.next_message(shopper.email, "email")
    assert receipt.subject.startswith("Receipt from"), "one press too many sends no second mail"
    assert SCARF[0] in receipt.body
    assert "€45.00" in receipt.body


def test_a_copied_link_stays_while_its_order_is_edited_and_opens_what_is_in_it_then(
    desk: Phone, any_phone: Phone, sandbox: Sandbox
) -> None:
    order = typed_in(desk, sandbox.shopper("returning"))
    order_id = order.order_id
    address = LinkDesk(desk).open().copy()
    any_phone.open(address)
    LinkPage(any_phone).shown().costs("€45.00")

    order.open(order_id).edit().line(2, *SOCKS).save().costs("€52.00")

    # What was open before is not taken at its word, and whoever opens it now sees the new contents at once.
    LinkPage(any_phone).proceed()
    ChangedPage(any_phone).shown().adds(SOCKS[0]).totals("€45.00", "€52.00")
    desk.open(address)
    LinkPage(desk).shown().lists(SOCKS[0]).costs("€52.00")


def test_an_edit_while_somebody_pays_asks_again_and_only_the_new_total_is_paid(
    desk: Phone, any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("returning")
    order = typed_in(desk, shopper)
    order_id = order.order_id
    any_phone.open(LinkDesk(desk).open().copy())
    LinkPage(any_phone).shown().proceed()
    flows.chooses_invoice(any_phone)
    page = IdentifyPage(any_phone).send_code_to(shopper)
    page.type_code(sandbox.code_of(shopper))
    confirm = ConfirmPage(any_phone).shown()

    order.open(order_id).edit().line(2, *SOCKS).save().costs("€52.00").was_seen(1)

    if not any_phone.has_script:
        confirm.confirm()  # the page could not hear of it: the press is not taken for the old total
    ChangedPage(any_phone).shown().adds(SOCKS[0]).totals("€45.00", "€52.00").go_on()
    order.was_seen(2)
    confirm.shown().confirm()
    OutcomePage(any_phone).confirmed()
    paid = over_api(world, order_id)
    assert (paid["state"], paid["total_minor"], paid["quote"]["amount_minor"]) == ("paid", 52_00, 52_00)


def test_an_edit_that_is_saved_after_the_payment_changes_nothing(
    desk: Phone, world: World, sandbox: Sandbox
) -> None:
    link = a_link(world, customer=AINO)
    OrderDesk(desk).open(link.order_id).edit().line(3, *SOCKS)
    walker = link_states.pressed(world, link).press("Continue", chosen=["Invoice", "By e-mail"])
    walks.through_code(walker, sandbox, sandbox.shopper("returning")).press("Confirm purchase")

    desk.tap(desk.button("Save order"))

    order = OrderDesk(desk).says_too_late().is_locked().costs("€203.00")
    wanted = {"version": 1, "reference": "ANOTHER"}
    refused = world.shop.client.patch(f"/api/v1/orders/{link.order_id}", json=wanted)
    assert (refused.status_code, refused.json()["code"]) == (409, "order_locked")
    desk.open(f"/admin/orders/{link.order_id}/edit")
    order.is_locked()


def test_an_order_that_is_not_paid_in_time_is_removed_and_its_link_says_so_kindly(
    phone: Phone, world: World, moved_clock: Callable[[int], None]
) -> None:
    link = a_link(world, customer=AINO, lasts=timedelta(minutes=5))
    phone.open(link.path)
    LinkPage(phone).shown()

    moved_clock(301)

    LinkPage(phone).proceed()
    phone.sees("The time to pay has run out")
    expect(phone.tab.get_by_text("The order from Havu & Kivi was not paid in time")).to_be_visible()
    gone = world.shop.client.get(f"/api/v1/orders/{link.order_id}")
    assert (gone.status_code, gone.json()["code"]) == (410, "order_removed")


def test_whoever_began_to_pay_in_time_may_finish(
    phone: Phone, world: World, sandbox: Sandbox, moved_clock: Callable[[int], None]
) -> None:
    shopper = sandbox.shopper("returning")
    link = a_link(world, customer=AINO, lasts=timedelta(minutes=5))
    phone.open(link.path)
    LinkPage(phone).shown().proceed()
    MethodPage(phone).shown()

    moved_clock(301)

    flows.a_returning_shopper_types_everything(phone, sandbox, shopper)
    assert link.order_state(world) == "paid"


def test_a_mail_that_comes_back_is_told_on_the_page_of_its_order(desk: Phone, sandbox: Sandbox) -> None:
    order = typed_in(desk, replace(sandbox.shopper("returning"), email="bounce@example.test"))
    order_id = order.order_id
    LinkDesk(desk).open().send_by_email()

    order.open(order_id).tells("Message with the payment link came back")
