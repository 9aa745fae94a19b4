"""The states of what is a customer's own: signing in, purchases, the wallet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from e2e import walks
from e2e.browsing import Phone
from e2e.closed_wallets import a_closed_wallet
from e2e.pages.account import SignInPage
from e2e.pages.purchases import ReturnPage
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

_ONE: Final = "/purchases/{order_id:str}"


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


def account(world: World) -> Stop:
    return Stop("/account", walks.a_buyer(world).cookies)


def purchases(world: World) -> Stop:
    return Stop("/purchases", walks.a_buyer(world).cookies)


def purchase(world: World) -> Stop:
    path, walker = _bought(world)
    return Stop(path, walker.cookies)


def wallet_empty(world: World) -> Stop:
    return Stop("/wallet", walks.a_buyer(world).cookies)


def wallet(world: World) -> Stop:
    """Money that came back, a gift, a purchase paid with them, and points that wait."""
    return Stop("/wallet?on=2026-11-32", _owner(world).cookies)


def wallets(world: World) -> Stop:
    _, cookies = _with_closed_wallet(world)
    return Stop("/wallet", cookies)


def wallet_closed(world: World) -> Stop:
    shop, cookies = _with_closed_wallet(world)
    return Stop(f"/wallet?shop={shop}", cookies)


def payout_wrong(world: World) -> Stop:
    shop, cookies = _with_closed_wallet(world)

    def type_it(phone: Phone) -> None:
        phone.type(phone.textbox("Account (IBAN)"), "FI21 1234")
        phone.tap(phone.button("Have it paid out"))
        phone.sees("Something is missing or not right")

    return Stop(f"/wallet/payout?shop={shop}", cookies, type_it)


_closed: Final[dict[str, tuple[str, dict[str, str]]]] = {}


def _with_closed_wallet(world: World) -> tuple[str, dict[str, str]]:
    """Somebody with wallets in two shops, of which one was closed; made once a world."""
    if world.base_url not in _closed:
        shopper = world.sandbox.shopper("first-timer")
        walks.to_outcome_by_bank(world, world.shop.open_session(knows=shopper), shopper)
        shop = a_closed_wallet(world, shopper, 34_50)
        _closed[world.base_url] = shop, walks.signs_in_at_the_bank(world, shopper).cookies
    return _closed[world.base_url]


def return_form(world: World) -> Stop:
    path, walker = _bought(world)
    return Stop(f"{path}/return", walker.cookies)


def return_offer(world: World) -> Stop:
    path, walker = _bought(world)

    def look(phone: Phone) -> None:
        ReturnPage(phone).choose("Wool blanket", 1)
        phone.tab.locator(".choice-head").first.wait_for()

    return Stop(f"{path}/return", walker.cookies, look)


def return_announced(world: World) -> Stop:
    path, walker = _bought(world)
    chosen = {"n0": "1", "reason": "changed_mind", "step": "announce", "seen": "0", "to": "wallet"}
    announced = walker.send(f"{path}/return", chosen)
    return Stop(announced.path, walker.cookies)


def _bought(world: World) -> tuple[str, Walker]:
    walker = walks.a_buyer(world).open("/purchases")
    [path, *_] = [url for _, url in walker.page.links if url.startswith("/purchases/")]
    return path, walker


_owners: Final[dict[str, dict[str, str]]] = {}


def _owner(world: World) -> Walker:
    """Somebody with a wallet that has something to tell; made once a world."""
    if world.base_url not in _owners:
        shopper = world.sandbox.shopper("first-timer")
        session = world.shop.open_session(knows=shopper)
        walks.to_outcome_by_bank(world, session, shopper)
        given = world.shop.client.post(
            f"/api/v1/orders/{session.order_id}/refunds",
            json={"amount_minor": 40_00, "refundable_minor": session.total_minor, "to": "wallet"},
            headers={"Idempotency-Key": f"owner-{session.order_id}"},
        )
        assert given.status_code == 201, given.text
        world.sandbox.advance(1)
        _owners[world.base_url] = walks.signs_in_at_the_bank(world, shopper).cookies
    return Walker.at(world.base_url, "/wallet", cookies=_owners[world.base_url])


Reach = Callable[[World], Stop]

ALL: Final[tuple[tuple[str, str, Reach], ...]] = (
    ("account-sign-in", "/account", sign_in),
    ("account-sign-in-wrong", "/account", asked_wrong),
    ("account-code", "/account", code),
    ("account-stranger", "/account", stranger),
    ("account-open", "/account", account),
    ("account-purchases", "/purchases", purchases),
    ("account-purchase", _ONE, purchase),
    ("account-return", f"{_ONE}/return", return_form),
    ("account-return-offer", f"{_ONE}/return", return_offer),
    ("account-return-announced", f"{_ONE}/returns/{{return_id:str}}", return_announced),
    ("account-wallet-empty", "/wallet", wallet_empty),
    ("account-wallet", "/wallet", wallet),
    ("account-wallets", "/wallet", wallets),
    ("account-wallet-closed", "/wallet", wallet_closed),
    ("account-payout-wrong", "/wallet/payout", payout_wrong),
)
