"""The pages of what a shopper adds to an order, in the flow, afterwards and in the admin."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Final

import httpx

from e2e import walks
from e2e.sandbox import Shopper
from e2e.shop import Session
from e2e.stop import Stop
from e2e.walker import Walker
from e2e.world import World

FEES: Final = "/admin/settings/fees"
INSURANCE: Final = "/admin/settings/insurance"
NEW: Final = f"{INSURANCE}/new"
REPORT: Final = "/admin/insurance"
# Of goods that nobody else sells: the question stands before no other session.
CATEGORY: Final = "insured here"
PARCEL: Final = "Posti, Parcel locker"
COVER: Final = "Accident and theft"

OPTIONS: Final = (
    {
        "id": "parcel",
        "provider": "Posti",
        "name": "Parcel locker",
        "price_minor": 490,
        "vat_percent": "25.5",
        "postcodes": ["00100-99999"],
    },
    {
        "id": "pickup",
        "provider": "Havu & Kivi",
        "name": "Pick-up in the shop",
        "price_minor": 0,
        "vat_percent": "25.5",
    },
)

_offers: Final[dict[str, str]] = {}
_numbers = count(1)


def offer(world: World) -> str:
    """An insurance of the shop's, by its public id. Made once a world."""
    if world.base_url not in _offers:
        typed = {
            "name": COVER,
            "insurer": "Turva",
            "covers_fi": "Jos se hajoaa tai varastetaan, saat uuden.",
            "covers_en": "If it breaks or is stolen, you get a new one.",
            "terms_url": "https://turva.example/terms",
            "cancel_days": "30",
            "categories": CATEGORY,
            "from": "100",
            "rate": "8",
        }
        saved = httpx.post(
            f"{world.base_url}{INSURANCE}/new",
            data=typed,
            cookies=world.staff_cookies(),
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert saved.status_code == 303, saved.text
        page = httpx.get(f"{world.base_url}{INSURANCE}", cookies=world.staff_cookies()).text
        found = re.search(rf"{INSURANCE}/(ins_\w+)", page)
        assert found is not None
        _offers[world.base_url] = found[1]
    return _offers[world.base_url]


def a_session(world: World, *, knows: Shopper | None = None, postcode: str | None = None) -> Session:
    """A phone that can be delivered and insured. Whom the shop does not know has to say where it goes, unless the shop
    knows the postcode."""
    offer(world)
    reference = f"E2E-EXTRAS-{next(_numbers)}"
    known = {"postcode": postcode}
    if knows is not None:
        known = {"phone": knows.phone, "postcode": knows.postcode, "email": knows.email}
    wanted = {
        "reference": reference,
        "country": "FI",
        "currency": "EUR",
        "lines": [
            {
                "name": "Phone",
                "quantity": 1,
                "unit_price_minor": 299_00,
                "vat_percent": "25.5",
                "category": CATEGORY,
            }
        ],
        "customer": {name: value for name, value in known.items() if value},
        "shipping_options": OPTIONS,
        "success_url": f"{world.shop.base_url}/demo?came=back",
        "cancel_url": f"{world.shop.base_url}/demo?turned=back",
    }
    answer = world.shop.client.post("/api/v1/sessions", json=wanted)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return Session(made["id"], f"/pay/{made['id']}", made["order_id"], reference, made["total_minor"])


def step_1(world: World) -> Stop:
    return Stop(a_session(world, knows=world.sandbox.shopper("returning")).path)


def bought(world: World) -> Stop:
    """The page that asks before an insurance ends."""
    shopper = world.sandbox.shopper("first-timer")
    session = a_session(world, knows=shopper)
    walker = Walker.at(world.base_url, session.path)
    walker.press("Continue", chosen=[PARCEL, f"Yes, {COVER}", "Invoice", "By e-mail"])
    walks.arrived(walks.at_the_bank(walker, shopper), "Check and confirm").press("Confirm purchase")
    signed_in = walks.signs_in_at_the_bank(world, shopper)
    # The worker has drawn the documents and begun the insurance.
    world.sandbox.advance(1)
    return Stop(f"/purchases/{session.order_id}/insurance", signed_in.cookies)


def bought_by_guest(world: World) -> Stop:
    """The same by the address in a guest's mail."""
    email = f"aino.{next(_numbers)}@insured.example"
    walker = Walker.at(world.base_url, a_session(world, postcode="00100").path)
    walker.press("Continue", chosen=[PARCEL, f"Yes, {COVER}", "Card"])
    walks.arrived(walker, "Check and confirm").press(
        "Confirm purchase", {"Name": "Aino Virta", "E-mail": email}
    )
    walker.follow("Continue").press("Pay with Visa 4242")
    return Stop(_insured(world, email))


def _insured(world: World, email: str) -> str:
    """The path in the insurance's receipt, which is one of several mails."""
    while True:
        for link in world.sandbox.next_message(email, "email").links:
            if "/insured/" in link:
                return link.removeprefix(world.base_url)


def offer_page(world: World) -> Stop:
    return Stop(f"{INSURANCE}/{offer(world)}", world.staff_cookies())


def with_offer(path: str) -> Callable[[World], Stop]:
    """A page of the admin once there is something to offer."""

    def reach(world: World) -> Stop:
        offer(world)
        return Stop(path, world.staff_cookies())

    return reach


ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("account-insurance", "/purchases/{order_id:str}/insurance", bought),
    ("account-insurance-guest", "/insured/{token:str}", bought_by_guest),
    ("admin-insurance", INSURANCE, with_offer(INSURANCE)),
    ("admin-insurance-offer", f"{INSURANCE}/{{offer_id:str}}", offer_page),
    ("admin-insurance-report", REPORT, with_offer(REPORT)),
)
