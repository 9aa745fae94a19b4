"""The admin's pages in the states that look different: who is signed in, and what there is to see."""

from __future__ import annotations

from collections.abc import Callable

from e2e import walks
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.world import World


def page(path: str) -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        return Stop(path, world.staff_cookies())

    return reach


def sign_in_refused(world: World) -> Stop:
    del world

    def try_it(phone: Phone) -> None:
        for name, text in (
            ("E-mail", "who@shop.example"),
            ("Password", "a guess"),
            ("Code from your app", "123456"),
        ):
            phone.type(phone.textbox(name), text)
        phone.tap(phone.button("Sign in"))

    return Stop("/admin/sign-in", then=try_it)


def invoiced(world: World) -> str:
    """The id of an invoice that was just drawn."""
    session = walks.a_purchase(world, world.sandbox.shopper("returning"))
    world.sandbox.advance(1)
    return str(world.shop.documents_of(session)[0]["id"])


def invoice(world: World) -> Stop:
    return Stop(f"/admin/invoices/{invoiced(world)}", world.staff_cookies())


def settlement(world: World) -> Stop:
    shopper = world.sandbox.shopper("returning")
    session = world.shop.open_session(360_00, knows=shopper)
    walker = walks.to_identify_by_instalments(world, session)
    walks.through_code(walker, world.sandbox, shopper).press("Confirm purchase")
    world.sandbox.advance(1)
    return Stop(f"/admin/orders/{session.order_id}/settlement", world.staff_cookies())


def invoices(world: World) -> Stop:
    invoiced(world)
    return Stop("/admin/invoices", world.staff_cookies())
