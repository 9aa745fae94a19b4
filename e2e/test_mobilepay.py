"""MobilePay to each of its ends: a guest, the product as it runs, and the sandbox's MobilePay beside it."""

from __future__ import annotations

import re
import time

import pytest

from app.web.sandbox.mobilepay_twin import PATH
from e2e import walks
from e2e.browsing import Phone
from e2e.pages.flow import OutcomePage
from e2e.paying_states import GUEST, chosen
from e2e.shop import Session, Shop
from e2e.walker import Walker
from e2e.world import World

CHECKING = "We are checking your payment"


def on_the_phone(world: World, email: str = GUEST["E-mail"]) -> tuple[Session, Walker]:
    """In front of the sandbox's MobilePay, which asks."""
    session, walker = chosen(world, "MobilePay")
    guest = {**GUEST, "E-mail": email}
    walks.arrived(walker.press("Confirm purchase", guest), "You are being taken onwards")
    return session, walks.arrived(walker.follow("Continue"), "Sandbox MobilePay")


def has_paid(world: World, session: Session, email: str) -> bool:
    """Once the receipt is there, which needs nobody to press anything."""
    world.sandbox.next_message(email, "email")
    return (world.shop.state_of(session), world.shop.order_of(session)["state"]) == ("confirmed", "paid")


def until_it_moved_on(walker: Walker) -> Walker:
    deadline = time.monotonic() + 20
    # A worker, to whom MobilePay has called, may be asking at this very moment.
    while walker.heading == CHECKING and time.monotonic() < deadline:
        walker.press("Check now")
    return walker


def test_a_guest_approves_in_the_app_and_comes_back_to_the_receipt(phone: Phone, shop: Shop) -> None:
    session = shop.open_session(129_00)
    phone.open(session.path)
    phone.choose(phone.radio("MobilePay"))
    phone.tap(phone.button("Continue"))
    phone.sees("Check and confirm")
    for label, text in GUEST.items():
        phone.type(phone.textbox(label), text)
    phone.tap(phone.button("Confirm purchase"))
    phone.sees("Sandbox MobilePay")
    phone.tap(phone.tab.get_by_role("button", name="Approve", exact=True))
    OutcomePage(phone).confirmed()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("confirmed", "paid")


@pytest.mark.parametrize(
    ("answer", "said"),
    [("Reject", "The payment was stopped"), ("Let it expire", "The time for the payment ran out")],
)
def test_who_does_not_approve_chooses_again_and_may_pay_in_a_second_try(
    world: World, shop: Shop, answer: str, said: str
) -> None:
    session, walker = on_the_phone(world)
    walks.arrived(until_it_moved_on(walker.press(answer)), "How do you want to pay?")
    assert said in walker.response.text
    assert shop.state_of(session) == "open"
    walks.arrived(walker.press("Continue", chosen=["MobilePay"]), "Check and confirm")
    walks.arrived(walker.press("Confirm purchase", GUEST), "You are being taken onwards")
    walks.arrived(walker.follow("Continue"), "Sandbox MobilePay")
    walks.arrived(until_it_moved_on(walker.press("Approve")), "Purchase confirmed")
    assert shop.order_of(session)["state"] == "paid"


def test_a_payment_whose_answer_is_lost_is_found_and_made_once(world: World) -> None:
    email = "aino.mobilepay-lost@example.com"
    session, walker = on_the_phone(world, email)
    walker.press("Approve, and lose the next answer to the shop")
    assert has_paid(world, session, email)


def test_at_a_desk_the_phone_scans_a_code_and_the_screen_goes_on(world: World) -> None:
    email = "aino.mobilepay-code@example.com"
    session, screen = chosen(world, "MobilePay")
    screen.press("Confirm, and scan a code with my phone", {**GUEST, "E-mail": email})
    walks.arrived(screen, "Scan the code with your phone")
    assert 'class="qr"' in screen.response.text
    own_phone = Walker.at(f"http://127.0.0.1:{world.product.port}", PATH)
    reference = str(session.reference)
    asked = re.search(rf"{reference}.*?href=\"([^\"]+)\"", own_phone.response.text, re.DOTALL)
    assert asked is not None, "the newest payment is on the phone"
    own_phone.open(asked[1]).press("Approve")
    assert "You have approved this payment." in own_phone.response.text
    assert has_paid(world, session, email)
    walks.arrived(until_it_moved_on(screen.open(f"{session.path}/return")), "Purchase confirmed")
