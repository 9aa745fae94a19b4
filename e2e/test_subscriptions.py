"""A subscription in the whole product: paid on the sandbox's card page, renewed by what was kept, ended in two taps."""

from __future__ import annotations

import time
from collections.abc import Callable

from e2e import walks
from e2e.browsing import Phone
from e2e.sandbox import Sandbox, Shopper
from e2e.shop import Session
from e2e.subscription_states import a_plan, a_session
from e2e.walker import Walker
from e2e.world import World

DAY_S = 86_400


def test_a_subscription_by_card_renews_by_itself_until_two_taps_end_it(
    world: World, moved_clock: Callable[[int], None]
) -> None:
    shopper = world.sandbox.shopper("returning")
    session = a_session(world, a_plan(world), shopper)
    walker = bought_by_card(world, session, shopper, "Visa 4242")
    walks.arrived(walker.open(f"{session.path}/outcome"), "Purchase confirmed")

    moved_clock(1)
    api = world.shop.client
    begun = api.get(f"/api/v1/subscriptions/{begun_by(world, session)}").json()
    assert (begun["state"], begun["method"]) == ("active", "card")
    moved_clock(32 * DAY_S)
    renewed = api.get(f"/api/v1/subscriptions/{begun['id']}").json()
    assert renewed["period_starts_on"] == begun["period_ends_on"], "it was charged on its day"

    owner = Walker.at(world.base_url, "/account")
    owner.press("Send code", {"Postcode": shopper.postcode, "Mobile phone": shopper.phone})
    walks.arrived(
        owner.press("Confirm code", {"Code from the SMS": world.sandbox.code_of(shopper)}), "Purchases"
    )
    walks.arrived(owner.open(f"/purchases/subscriptions/{begun['id']}/end"), "End Coffee at home?")
    owner.press("End the subscription")
    ended = api.get(f"/api/v1/subscriptions/{begun['id']}").json()
    assert (ended["state"], ended["next_charge_on"]) == ("cancelling", None)


def test_a_renewal_that_was_declined_is_paid_with_another_card_by_the_address_in_its_mail(
    world: World, phone: Phone, moved_clock: Callable[[int], None]
) -> None:
    shopper = world.sandbox.shopper("returning")
    session = a_session(world, a_plan(world), shopper)
    walker = bought_by_card(world, session, shopper, "Visa 0341")
    walks.arrived(walker.open(f"{session.path}/outcome"), "Purchase confirmed")
    begun = begun_by(world, session)
    moved_clock(32 * DAY_S)
    api = world.shop.client
    address = owed_address(world.sandbox, shopper)
    assert api.get(f"/api/v1/subscriptions/{begun}").json()["state"] == "past_due"
    phone.open(address)
    phone.sees("Another way to pay for Coffee at home")
    phone.tap(phone.button("Card"))
    phone.tap(phone.button("Save Mastercard 4444"))
    phone.sees("It is paid in another way from now on")
    while not world.sandbox.next_message(shopper.email, "email").subject.startswith("Receipt from"):
        continue
    paid = api.get(f"/api/v1/subscriptions/{begun}").json()
    assert (paid["state"], paid["method"]) == ("active", "card")
    orders = api.get("/api/v1/orders", params={"limit": "100"}).json()["data"]
    renewals = [each for each in orders if each["reference"] == "E2E-coffee/2" and each["state"] == "paid"]
    assert renewals, "the period is paid"


def bought_by_card(world: World, session: Session, shopper: Shopper, card: str) -> Walker:
    """Paid on the sandbox's card page; back once the receipt is there."""
    walker = Walker.at(world.base_url, session.path)
    walks.arrived(walker.press("Continue", chosen=["Card"]), "Who is paying?")
    walks.arrived(walks.through_code(walker, world.sandbox, shopper), "Check and confirm")
    assert "By confirming you start a subscription" in walker.response.text
    walks.arrived(walker.press("Confirm purchase"), "You are being taken onwards")
    walker.follow("Continue").press(f"Pay with {card}")
    if walker.heading == "We are checking your payment":
        walker.press("Check now")
    world.sandbox.next_message(shopper.email, "email")
    return walker


def begun_by(world: World, session: Session) -> str:
    """The public id of the subscription that a purchase has begun. A worker begins it: it is waited for."""
    deadline = time.monotonic() + 20
    while True:
        found = world.shop.client.get("/api/v1/subscriptions?limit=100").json()["data"]
        for each in found:
            if each["order_id"] == session.order_id:
                return str(each["id"])
        assert time.monotonic() < deadline, "it has not begun"


def owed_address(sandbox: Sandbox, shopper: Shopper) -> str:
    """The path in the mail that says what could not be charged, which is one of several mails."""
    while True:
        for link in sandbox.next_message(shopper.email, "email").links:
            if "/subscribed/" in link:
                return "/subscribed/" + link.partition("/subscribed/")[2]
