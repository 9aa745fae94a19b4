"""Pages of subscriptions: agreed to in the flow, in their owner's hands, and in the admin. All of one plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from e2e import walks
from e2e.browsing import Phone
from e2e.sandbox import Shopper
from e2e.shop import Session
from e2e.stop import Stop
from e2e.world import World

_PLAN: Final = {
    "names": {
        "fi": "Kahvi kotiin",
        "sv": "Kaffe hem",
        "en": "Coffee at home",
        "da": "Kaffe derhjemme",
        "bg": "Месечно кафе",
    },
    "currency": "EUR",
    "amount_minor": 1990,
    "vat_percent": "14",
    "unit": "month",
    "notice_days": 14,
}
_LARGER: Final = _PLAN | {
    "names": {"fi": "Paljon kahvia", "en": "A lot of coffee"},
    "amount_minor": 3990,
}


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Public ids of the plan and of the subscription, and the cookies of its owner."""

    plan: str
    subscription: str
    cookies: dict[str, str]


_made: Final[dict[str, Subscribed]] = {}


def a_session(world: World, plan: str, knows: Shopper) -> Session:
    shop = world.shop
    wanted = {
        "reference": "E2E-coffee",
        "country": shop.country,
        "currency": "EUR",
        "subscription": {"plan": plan},
        "customer": {"email": knows.email, "phone": knows.phone, "postcode": knows.postcode},
        "success_url": f"{shop.base_url}/demo?came=back",
        "cancel_url": f"{shop.base_url}/demo?turned=back",
    }
    answer = shop.client.post("/api/v1/sessions", json=wanted)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return Session(made["id"], f"/pay/{made['id']}", made["order_id"], "E2E-coffee", made["total_minor"])


def a_plan(world: World, terms: object = _PLAN) -> str:
    answer = world.shop.client.post("/api/v1/subscription-plans", json=terms)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def subscribed(world: World) -> Subscribed:
    """Made once a world: bought on invoice by somebody whom their bank has identified."""
    if world.base_url not in _made:
        plan = a_plan(world)
        a_plan(world, _LARGER)
        shopper = world.sandbox.shopper("first-timer")
        walks.to_outcome_by_bank(world, a_session(world, plan, shopper), shopper)
        world.sandbox.advance(1)
        [found] = world.shop.client.get("/api/v1/subscriptions").json()["data"]
        walker = walks.signs_in_at_the_bank(world, shopper)
        _made[world.base_url] = Subscribed(plan, found["id"], dict(walker.cookies))
    return _made[world.base_url]


def confirm(world: World) -> Stop:
    """Step 3 of whoever begins one."""
    shopper = world.sandbox.shopper("returning")
    session = a_session(world, subscribed(world).plan, shopper)
    walker = walks.to_confirm(world, session, shopper)
    return Stop(f"{session.path}/confirm", walker.cookies)


def _own(path: str) -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        made = subscribed(world)
        return Stop(path.format(id=made.subscription), made.cookies)

    return reach


def _desk(path: str, then: Callable[[Phone], None] | None = None) -> Callable[[World], Stop]:
    def reach(world: World) -> Stop:
        made = subscribed(world)
        return Stop(path.format(id=made.subscription, plan=made.plan), world.staff_cookies(), then)

    return reach


def _unsaid(phone: Phone) -> None:
    phone.tap(phone.button("Make the plan"))
    phone.sees("Something is missing or not right")


def _not_signed(world: World) -> Stop:
    del world
    return Stop("/subscribed/a.b.c", status=404)


_OWN: Final = "/purchases/subscriptions/{subscription_id:str}"

ALL: Final[tuple[tuple[str, str, Callable[[World], Stop]], ...]] = (
    ("pay-3-confirm-subscription", "/pay/{session_id:str}/confirm", confirm),
    ("account-subscription", _OWN, _own("/purchases/subscriptions/{id}")),
    ("account-subscription-way", f"{_OWN}/way", _own("/purchases/subscriptions/{id}/way")),
    ("subscription-owes-nothing", "/subscribed/{token:str}", _not_signed),
    ("account-subscription-end", f"{_OWN}/end", _own("/purchases/subscriptions/{id}/end")),
    ("admin-subscriptions", "/admin/subscriptions", _desk("/admin/subscriptions")),
    (
        "admin-subscription",
        "/admin/subscriptions/{public_id:str}",
        _desk("/admin/subscriptions/{id}"),
    ),
    ("admin-subscription-plans", "/admin/subscriptions/plans", _desk("/admin/subscriptions/plans")),
    (
        "admin-subscription-plan-new",
        "/admin/subscriptions/plans/new",
        _desk("/admin/subscriptions/plans/new", _unsaid),
    ),
    (
        "admin-subscription-plan",
        "/admin/subscriptions/plans/{public_id:str}",
        _desk("/admin/subscriptions/plans/{plan}"),
    ),
)
