"""The till in a real browser: a cashier with a phone, a shopper with another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from urllib.parse import urlsplit

import pytest

from e2e import flows, till_states
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.pages.counter import ReceiptPage, StickerPage
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage
from e2e.pages.link import LinkPage
from e2e.sandbox import Sandbox
from e2e.world import World

_CUP, _SOCKS = "Koivukuppi", "Merinosukat"
_shoppers = count(1)

AtATill = Callable[..., ReceiptPage]


@pytest.fixture
def at_a_till(world: World, new_phone: Phones) -> AtATill:
    """A cashier with a phone of their own at a till of their own."""

    def come(*, has_script: bool = True) -> ReceiptPage:
        walker = till_states.at_a_till(world)
        phone = new_phone(cookies=world.staff_cookies(), has_script=has_script)
        phone.open(walker.path)
        return ReceiptPage(phone).shown()

    return come


def a_name() -> str:
    """Somebody of whom no earlier test has filled the address book."""
    return f"Aino Virta {next(_shoppers)}"


@pytest.mark.parametrize("has_script", [True, False], ids=["scripts", "no scripts"])
def test_a_receipt_becomes_an_order_whose_link_is_sent_and_paid(
    at_a_till: AtATill, phone: Phone, sandbox: Sandbox, *, has_script: bool
) -> None:
    shopper = sandbox.shopper("returning")
    till = at_a_till(has_script=has_script)
    till.tap(_CUP, 2).tap(_SOCKS).counts(3).open_receipt().reads("€55.90").may_not_open()
    till.choose_new_customer(a_name(), shopper.email)
    order = till.reads("€55.90").open_order().send()

    message = sandbox.next_message(shopper.email, "email")
    sandbox.advance(1)  # what the worker has begun is done then
    order.sent_to(shopper.email)
    [path] = {urlsplit(link).path for link in message.links if "/link/" in link}
    phone.open(path)
    LinkPage(phone).shown().lists(_SOCKS).proceed()
    MethodPage(phone).shown()
    order.has_reached("Opened")
    flows.a_returning_shopper_types_everything(phone, sandbox, shopper)
    order.says("Paid")
    order.next_customer().counts(0)


def test_the_sticker_opens_what_the_cashier_puts_on_it_and_the_till_mirrors_each_step(
    at_a_till: AtATill, any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("returning")
    till = at_a_till()
    till.tap(_CUP).open_receipt().choose_new_customer(a_name(), f"till-{next(_shoppers)}@example.test")
    order = till.open_order()
    sticker = StickerPage(any_phone)
    any_phone.open(till_states.sticker_of(world, till.phone.path))
    sticker.shows_nothing()
    order.put_on_code()
    sticker.shows(_CUP, "€18.50").proceed()
    order.has_reached("Opened")
    flows.chooses_invoice(any_phone)
    order.has_reached("Opened", "Chosen")
    page = IdentifyPage(any_phone).send_code_to(shopper)
    page.type_code(sandbox.code_of(shopper))
    confirm = ConfirmPage(any_phone).shown()
    order.has_reached("Opened", "Chosen", "Identified")
    confirm.confirm()
    order.says("Paid")
    order.phone.reload()
    order.says("Paid")


def test_a_photo_of_the_sticker_tells_nothing_of_anybody_and_after_five_minutes_nothing_at_all(
    at_a_till: AtATill, phone: Phone, world: World, moved_clock: Callable[[int], None]
) -> None:
    till = at_a_till().tap(_CUP).open_receipt()
    name, email = a_name(), f"till-{next(_shoppers)}@example.test"
    till.choose_new_customer(name, email).open_order().put_on_code()
    sticker = StickerPage(phone)
    phone.open(till_states.sticker_of(world, till.phone.path))
    sticker.shows(_CUP, "€18.50").tells_nothing_of(name, email)

    moved_clock(301)

    phone.reload()
    sticker.shows_nothing()


def test_an_email_is_needed_and_a_slip_in_it_is_caught_before_the_link_goes_astray(
    at_a_till: AtATill,
) -> None:
    till = at_a_till().tap(_CUP).open_receipt()
    name, number = a_name(), next(_shoppers)
    till.choose_new_customer(name, "").needs_an_email().give_email(f"aino.{number}@gmial.com")
    till.answer_the_slip(f"aino.{number}@gmail.com")
    till.reads("€18.50").open_order()


def test_stop_brings_the_receipt_back_and_ends_the_payment_that_is_under_way(
    at_a_till: AtATill, phone: Phone, world: World
) -> None:
    till = at_a_till().tap(_CUP).open_receipt()
    till.choose_new_customer(a_name(), f"till-{next(_shoppers)}@example.test")
    order = till.open_order().put_on_code()
    phone.open(till_states.sticker_of(world, till.phone.path))
    StickerPage(phone).shows(_CUP, "€18.50").proceed()
    order.has_reached("Opened").stop().reads("€18.50")
    phone.reload()
    StickerPage(phone).shows_nothing()


def test_a_reload_loses_nothing_and_fast_taps_all_count(at_a_till: AtATill) -> None:
    till = at_a_till().tap(_CUP, 5).tap(_SOCKS, 4).counts(9)
    till.phone.reload()
    till.shown().counts(9).open_receipt().reads("€168.10")
