"""Card payments to each of their ends: a guest, the product as it runs, and the sandbox's Stripe beside it."""

from __future__ import annotations

import time
from collections.abc import Callable

from e2e import walks
from e2e.browsing import Phone
from e2e.pages.card import CardPage
from e2e.pages.flow import OutcomePage
from e2e.paying_states import GUEST, chosen
from e2e.shop import Session, Shop
from e2e.walker import Walker
from e2e.world import World

CHECKING = "We are checking your payment"


def at_the_card_page(world: World, email: str = GUEST["E-mail"]) -> tuple[Session, Walker]:
    session, walker = chosen(world)
    guest = {**GUEST, "E-mail": email}
    walks.arrived(walker.press("Confirm purchase", guest), "You are being taken onwards")
    walker.follow("Continue")
    assert walker.response.url.host == "127.0.0.1"
    return session, walker


def has_paid(world: World, walker: Walker, session: Session, email: str) -> bool:
    """Once the receipt is there. A worker, to whom the provider calls, and a shopper who asks may meet: whoever comes
    second is told to wait."""
    world.sandbox.next_message(email, "email")
    walks.arrived(walker.open(f"{session.path}/outcome"), "Purchase confirmed")
    return (world.shop.state_of(session), world.shop.order_of(session)["state"]) == ("confirmed", "paid")


def test_a_guest_pays_by_a_card_whose_bank_asks_first(phone: Phone, world: World, shop: Shop) -> None:
    session = shop.open_session(129_00)
    phone.open(session.path)
    phone.choose(phone.radio("Card"))
    phone.tap(phone.button("Continue"))
    phone.sees("Check and confirm")
    for label, text in GUEST.items():
        phone.type(phone.textbox(label), text)
    phone.tap(phone.button("Confirm purchase"))
    CardPage(phone).shown().pay_with("Visa 3184").confirm_at_the_bank()
    OutcomePage(phone).confirmed()
    assert (shop.state_of(session), shop.order_of(session)["state"]) == ("confirmed", "paid")


def test_a_card_that_is_declined_gives_way_to_another(world: World, shop: Shop) -> None:
    email = "aino.declined@example.com"
    session, walker = at_the_card_page(world, email)
    refusals = {
        "Visa 0002": "The bank declined this card.",
        "Visa 9995": "There is too little money on this card.",
        "Visa 0069": "This card has expired.",
    }
    for card, sentence in refusals.items():
        assert sentence in walker.press(f"Pay with {card}").response.text
    assert shop.state_of(session) == "processing"
    walks.arrived(walker.press("Pay with Mastercard 4444"), CHECKING)
    walker.press("Check now")
    assert has_paid(world, walker, session, email)


def test_who_turns_back_at_the_card_page_pays_another_way(world: World, shop: Shop) -> None:
    session, walker = at_the_card_page(world)
    card_page = str(walker.response.url)
    walks.arrived(walker.follow("Back without paying"), CHECKING)
    walker.press("Pay another way")
    deadline = time.monotonic() + 20
    # A worker may be asking at this very moment: then it is the worker that lets go.
    while walker.heading == CHECKING and time.monotonic() < deadline:
        walker.press("Check now")
    walks.arrived(walker, "How do you want to pay?")
    assert shop.state_of(session) == "open"
    walks.arrived(walker.open(card_page), "This page is closed")
    assert walker.response.status_code == 410


def test_a_payment_whose_answer_is_lost_is_found_and_made_once(world: World) -> None:
    """Nobody presses anything more: the receipt says that it was found."""
    email = "aino.lost@example.com"
    session, walker = at_the_card_page(world, email)
    walks.arrived(walker.press("Pay, and let the answer to the shop get lost"), CHECKING)
    assert has_paid(world, walker, session, email)


def test_a_bank_that_answers_after_an_hour_is_waited_for(
    world: World, shop: Shop, moved_clock: Callable[[int], None]
) -> None:
    email = "aino.later@example.com"
    session, walker = at_the_card_page(world, email)
    walks.arrived(walker.press("Pay, and let the bank answer after an hour"), CHECKING)
    walks.arrived(walker.press("Check now"), CHECKING)
    assert shop.state_of(session) == "processing"
    moved_clock(3600)
    walker.press("Check now")
    assert has_paid(world, walker, session, email)
