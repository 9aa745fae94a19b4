"""The admin's pages of wallets, all of one with a gift in it and a payout that waits; and the module's switch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import httpx

from e2e import admin_states
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.wallets import fill_wallet
from e2e.world import World

_made: Final[dict[str, str]] = {}


def _wallet(world: World) -> str:
    """The public id of its owner. Made once a world."""
    if world.base_url not in _made:
        shopper = world.sandbox.shopper("returning")
        fill_wallet(world, shopper, 45_00)
        with httpx.Client(
            base_url=world.base_url, cookies=world.staff_cookies(), headers={"Sec-Fetch-Site": "same-origin"}
        ) as desk:
            found = re.search(r"/admin/wallets/(cus_\w+)", desk.get(f"/admin/wallets?q={shopper.email}").text)
            assert found is not None, "who has just been given something is found by e-mail"
            asked = {"amount": "5.00", "iban": "FI2112345600000785", "holder": "Aino Lehtovaara"}
            answer = desk.post(f"/admin/wallets/{found[1]}/payout", data=asked)
            assert answer.status_code == 303, answer.text
        _made[world.base_url] = found[1]
    return _made[world.base_url]


def page(path: str, then: Callable[[Phone], None] | None = None) -> Callable[[World], Stop]:
    """A page of it, its owner's id put into the address."""

    def reach(world: World) -> Stop:
        return Stop(path.format(customer=_wallet(world)), world.staff_cookies(), then)

    return reach


def _typed(phone: Phone) -> None:
    phone.type(phone.tab.locator("#f-amount"), "12.50")
    phone.type(phone.textbox("Note for your books"), "Tenth purchase")
    phone.tap(phone.radio("A gift from the shop"))
    phone.tap(phone.button("Look at the change"))
    phone.sees("Check the change")


def _unsaid(phone: Phone) -> None:
    phone.tap(phone.button("Look at the change"))
    phone.sees("Something is missing or not right")


def _asked(phone: Phone) -> None:
    phone.tap(phone.button("Switch off"))
    phone.sees("Switch the wallet off?")


_ONE: Final = "/admin/wallets/{customer_id:str}"
_ADJUST: Final = "/admin/wallets/{customer}/adjust"

# Name, route, and the way there: each becomes a `states.View`.
ALL: Final = (
    ("admin-wallets", "/admin/wallets", page("/admin/wallets")),
    ("admin-wallets-none", "/admin/wallets", admin_states.page("/admin/wallets?q=nothing-like-this")),
    ("admin-wallet", _ONE, page("/admin/wallets/{customer}?on=2026-11-15")),
    ("admin-wallet-adjust", f"{_ONE}/adjust", page(_ADJUST)),
    ("admin-wallet-adjust-unsaid", f"{_ONE}/adjust", page(_ADJUST, _unsaid)),
    ("admin-wallet-adjust-check", f"{_ONE}/adjust", page(_ADJUST, _typed)),
    ("admin-wallet-payout", f"{_ONE}/payout", page("/admin/wallets/{customer}/payout")),
    ("admin-wallet-payouts", "/admin/wallets/payouts", page("/admin/wallets/payouts")),
    (
        "admin-wallet-approvals-none",
        "/admin/wallets/approvals",
        admin_states.page("/admin/wallets/approvals"),
    ),
    ("admin-modules", "/admin/settings/modules", admin_states.page("/admin/settings/modules")),
    ("admin-modules-asked", "/admin/settings/modules", page("/admin/settings/modules", _asked)),
)
