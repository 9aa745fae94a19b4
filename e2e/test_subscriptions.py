"""A subscription in the whole product: paid on the sandbox's card page, renewed by what was kept, ended in two taps."""

from __future__ import annotations

from collections.abc import Callable

from e2e import walks
from e2e.subscription_states import a_plan, a_session
from e2e.walker import Walker
from e2e.world import World

DAY_S = 86_400


def test_a_subscription_by_card_renews_by_itself_until_two_taps_end_it(
    world: World, moved_clock: Callable[[int], None]
) -> None:
    shopper = world.sandbox.shopper("returning")
    session = a_session(world, a_plan(world), shopper)
    walker = Walker.at(world.base_url, session.path)
    walks.arrived(walker.press("Continue", chosen=["Card"]), "Who is paying?")
    walks.arrived(walks.through_code(walker, world.sandbox, shopper), "Check and confirm")
    assert "By confirming you start a subscription" in walker.response.text
    walks.arrived(walker.press("Confirm purchase"), "You are being taken onwards")
    walker.follow("Continue").press("Pay with Visa 4242")
    if walker.heading == "We are checking your payment":
        walker.press("Check now")
    world.sandbox.next_message(shopper.email, "email")
    walks.arrived(walker.open(f"{session.path}/outcome"), "Purchase confirmed")

    moved_clock(1)
    api = world.shop.client
    [begun] = [
        each
        for each in api.get("/api/v1/subscriptions?limit=100").json()["data"]
        if each["order_id"] == session.order_id
    ]
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
