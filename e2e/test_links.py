"""Payment links in a real browser: staff at a desk, shoppers on phones of their own."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from e2e import flows
from e2e.browsing import DESK_SCREEN, Phone
from e2e.conftest import Phones
from e2e.links import AINO, a_link, an_order, link_of
from e2e.pages.admin import Admin
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage, OutcomePage, WayOut
from e2e.pages.link import LinkDesk, LinkPage
from e2e.sandbox import Message, Sandbox, Shopper
from e2e.world import World

# Two people, three steps and what the worker sends, on a machine that does other work beside.
pytestmark = pytest.mark.timeout(180)


def _receipt_of(sandbox: Sandbox, shopper: Shopper) -> Message:
    """The agreement comes by e-mail as well, in whichever order."""
    mails = (sandbox.next_message(shopper.email, "email") for _ in range(3))
    return next(mail for mail in mails if mail.subject.startswith("Receipt"))


def path_in(links: tuple[str, ...]) -> str:
    """Where the link in a message leads."""
    [path] = {urlsplit(link).path for link in links if "/link/" in link}
    return path


def test_staff_send_a_link_and_the_shopper_pays_by_it(
    new_phone: Phones, any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("returning")
    order = an_order(world, customer={"email": shopper.email})
    desk = new_phone(trace=False, screen=DESK_SCREEN, cookies=world.staff_cookies())
    desk.open("/admin")
    Admin(desk).open_order(order.reference)
    link_desk = LinkDesk(desk).open().send_by_email()

    any_phone.open(path_in(sandbox.next_message(shopper.email, "email").links))
    page = LinkPage(any_phone).shown().lists("Wool blanket, undyed")
    page.asks_for("Name", "Street address", "Postcode", "City").fill_in(name=shopper.name).proceed()
    flows.a_returning_shopper_types_everything(any_phone, sandbox, shopper)

    assert order.reference in _receipt_of(sandbox, shopper).body
    desk.open(f"/admin/orders/{order.id}/payment-link")
    link_desk.reads("The order is paid. The link leads nobody to another payment.")
    any_phone.open(link_of(world, order).path)
    any_phone.sees("This order is paid")


def _takes_the_next_step(phone: Phone) -> None:
    """An open page hears of what has happened by itself; without scripts it learns at the next step."""
    if not phone.has_script:
        MethodPage(phone).choose_invoice().go_on()


def test_of_two_people_with_one_link_one_pays_and_the_other_reads_so(
    any_phone: Phone, new_phone: Phones, world: World, sandbox: Sandbox
) -> None:
    link = a_link(world, customer=AINO)
    first = new_phone()
    for phone in (first, any_phone):
        phone.open(link.path)
        LinkPage(phone).shown().asks_for().proceed()
        MethodPage(phone).shown()
    flows.a_returning_shopper_types_everything(first, sandbox, sandbox.shopper("returning"))

    _takes_the_next_step(any_phone)
    any_phone.sees("This order is paid")
    assert link.state(world) == "used"


def test_a_link_that_is_withdrawn_while_somebody_pays_says_so_before_anything_is_bought(
    any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("returning")
    link = a_link(world, customer=AINO)
    any_phone.open(link.path)
    LinkPage(any_phone).shown().proceed()
    flows.chooses_invoice(any_phone)
    page = IdentifyPage(any_phone).send_code_to(shopper)
    page.type_code(sandbox.code_of(shopper))
    confirm = ConfirmPage(any_phone).shown()
    link.do(world, "withdraw")
    if not any_phone.has_script:
        # An open page hears of it by itself.
        confirm.confirm()
    any_phone.sees("This link is no longer in use")
    assert link.order_state(world) == "open"


def test_a_paused_link_waits_and_the_payment_goes_on_when_it_is_resumed(
    any_phone: Phone, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("returning")
    link = a_link(world, customer=AINO)
    any_phone.open(link.path)
    LinkPage(any_phone).shown().proceed()
    MethodPage(any_phone).shown()
    link.do(world, "pause")
    _takes_the_next_step(any_phone)
    any_phone.sees("This link is paused")
    link.do(world, "resume")
    any_phone.reload()
    LinkPage(any_phone).shown().proceed()
    flows.a_returning_shopper_types_everything(any_phone, sandbox, shopper)
    assert link.order_state(world) == "paid"


def test_who_stops_the_payment_comes_back_to_the_link_and_may_begin_again(
    any_phone: Phone, world: World
) -> None:
    link = a_link(world, customer=AINO)
    any_phone.open(link.path)
    LinkPage(any_phone).shown().proceed()
    flows.chooses_invoice(any_phone)
    WayOut(any_phone).ask().cancel()
    LinkPage(any_phone).shown()
    assert any_phone.text(
        "The payment was stopped. Nothing was bought and nothing is charged. You may begin again."
    ).is_visible()
    assert link.order_state(world) == "open"
    LinkPage(any_phone).proceed()
    MethodPage(any_phone).shown()


def test_somebody_whom_the_credit_register_says_nothing_about_waits_and_the_link_says_so(
    any_phone: Phone, new_phone: Phones, world: World, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("register-down")
    link = a_link(world, customer=AINO)
    any_phone.open(link.path)
    LinkPage(any_phone).shown().proceed()
    flows.chooses_invoice(any_phone)
    page = IdentifyPage(any_phone).send_code_to(shopper)
    page.type_code(sandbox.code_of(shopper))
    OutcomePage(any_phone).waiting()
    other = new_phone()
    other.open(link.path)
    other.sees("A person is checking this order")
