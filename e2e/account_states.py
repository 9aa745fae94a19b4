"""The states of what is a customer's own: signing in, purchases, the wallet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from e2e import walks
from e2e.browsing import Phone
from e2e.pages.account import SignInPage
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World


def sign_in(_world: World) -> Stop:
    return Stop("/account")


def asked_wrong(_world: World) -> Stop:
    def press(phone: Phone) -> None:
        phone.tap(phone.button("Send code"))
        phone.sees("Something is missing or not right")

    return Stop("/account", then=press)


def code(world: World) -> Stop:
    """On the way to the wallet, with a code on its way."""
    shopper = world.sandbox.shopper("first-timer")
    walker = Walker.at(world.base_url, "/account?next=/wallet")
    walker.press("Send code", {"Postcode": shopper.postcode, "Mobile phone": shopper.phone})
    return Stop("/account?next=/wallet", walks.arrived(walker, "Sign in").cookies)


def stranger(world: World) -> Stop:
    """A right code, and a phone that tells nothing of a person."""

    def type_it(phone: Phone) -> None:
        shopper = world.sandbox.shopper("first-timer")
        SignInPage(phone).send_code_to(shopper)
        SignInPage(phone).type_code(world.sandbox.code_of(shopper))
        phone.tab.locator(".note.bad").wait_for()

    return Stop("/account", then=type_it)


def signed_out(_world: World) -> Stop:
    return Stop("/account?out=1")


def account(world: World) -> Stop:
    return Stop("/account", walks.a_buyer(world).cookies)


def purchases(world: World) -> Stop:
    return Stop("/purchases", walks.a_buyer(world).cookies)


def purchase(world: World) -> Stop:
    walker = walks.a_buyer(world).open("/purchases")
    [path, *_] = [url for _, url in walker.page.links if url.startswith("/purchases/")]
    return Stop(path, walker.cookies)


Reach = Callable[[World], Stop]

ALL: Final[tuple[tuple[str, str, Reach], ...]] = (
    ("account-sign-in", "/account", sign_in),
    ("account-sign-in-wrong", "/account", asked_wrong),
    ("account-code", "/account", code),
    ("account-stranger", "/account", stranger),
    ("account-signed-out", "/account", signed_out),
    ("account-open", "/account", account),
    ("account-purchases", "/purchases", purchases),
    ("account-purchase", "/purchases/{order_id:str}", purchase),
)
