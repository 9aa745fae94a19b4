"""The contract as other people's programs hold on to it: HTTP alone, forms as a browser without JavaScript posts them.

Nothing here knows a template or a table; every name stands in the contract. When this fails, a shop's own program
would have failed too.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from standardwebhooks import Webhook

from e2e import walks
from e2e.receiver import a_receiver
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.walker import Walker
from e2e.world import World


def test_a_first_timer_pays_by_bank_and_the_shop_learns_all_of_it(
    world: World, sandbox: Sandbox, shop: Shop
) -> None:
    shopper = sandbox.shopper("first-timer")
    session = shop.open_session(knows=shopper)
    assert session.id.startswith("cs_")
    assert shop.state_of(session) == "open"
    assert shop.order_of(session)["state"] == "draft"

    walker = Walker.at(world.base_url, session.path)
    assert walker.heading == "How do you want to pay?"
    walker.press("Continue", chosen=["Invoice", "By e-mail"])
    assert walker.heading == "Who is paying?"
    walker.press("Send code", {"Postcode": shopper.postcode, "Mobile phone": shopper.typed_phone})
    walker.press("Confirm code", {"Code from the SMS": sandbox.code_of(shopper)})
    assert walker.heading == "Who is paying?", "a code alone does not make a stranger known"
    walks.at_the_bank(walker, shopper)
    assert walker.heading == "Check and confirm"
    walker.press("Confirm purchase")
    assert walker.heading == "Purchase confirmed"

    [back] = [href for name, href in walker.page.links if name == "Back to the shop"]
    assert urlsplit(back).query == f"came=back&session={session.id}"
    order = shop.order_of(session)
    assert (shop.state_of(session), order["state"]) == ("confirmed", "paid")
    assert (order["total_minor"], order["currency"], order["reference"]) == (129_00, "EUR", session.reference)


def test_a_new_webhook_address_gets_messages_that_the_published_package_verifies(
    world: World, sandbox: Sandbox, shop: Shop
) -> None:
    # What happened before is delivered first: an address that is made meanwhile would hear of it as well.
    sandbox.advance(1)
    with a_receiver() as receiver:
        wanted = {"url": receiver.url, "types": ["session.confirmed", "order.paid"]}
        made = shop.client.post("/api/v1/webhook-endpoints", json=wanted)
        assert made.status_code == 201, made.text
        session = walks.a_purchase(world, sandbox.shopper("returning"))
        # Answers once everything that was due has been delivered.
        sandbox.advance(1)
        assert shop.client.delete(f"/api/v1/webhook-endpoints/{made.json()['id']}").status_code == 204

    verifier = Webhook(made.json()["secret"])
    told = {}
    for message in receiver.received:
        content = verifier.verify(message.body, message.headers)
        assert set(content) == {"type", "timestamp", "data"}
        assert content["data"]["session_id"] == session.id
        told[content["type"]] = message.headers["webhook-id"]
    assert set(told) == {"session.confirmed", "order.paid"}
    assert len(set(told.values())) == len(receiver.received) == 2


def test_cancelling_over_the_api_ends_the_flow(world: World, shop: Shop) -> None:
    session = shop.open_session()
    shop.cancel(session)

    assert shop.state_of(session) == "cancelled"
    assert Walker.at(world.base_url, session.path).heading == "The purchase was cancelled"


def test_the_same_key_and_body_open_one_session_and_another_body_is_refused(world: World) -> None:
    wanted = {
        "reference": "ONCE-1",
        "country": "FI",
        "currency": "EUR",
        "lines": [{"name": "Cup", "quantity": 1, "unit_price_minor": 3900, "vat_percent": "25.5"}],
        "success_url": "https://shop.example/ok",
        "cancel_url": "https://shop.example/no",
    }
    headers = {"Idempotency-Key": "e2e-once-1"}
    client = world.shop.client
    first = client.post("/api/v1/sessions", json=wanted, headers=headers)
    second = client.post("/api/v1/sessions", json=wanted, headers=headers)
    other = client.post("/api/v1/sessions", json={**wanted, "reference": "ONCE-2"}, headers=headers)

    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 409)
    assert first.json() == second.json()
    assert other.headers["content-type"].startswith("application/problem+json")
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    "path", ["/api/v1/orders", "/api/v1/events", "/sandbox/outbox", "/sandbox/clock", "/sandbox/shoppers"]
)
def test_without_a_key_nothing_is_told(world: World, path: str) -> None:
    answer = httpx.get(world.base_url + path)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_the_addresses_of_the_contract_answer(world: World) -> None:
    for path in ("/demo", "/sandbox", "/admin", "/api", "/api/openapi.json", "/healthz"):
        answer = httpx.get(world.base_url + path, follow_redirects=True)
        assert answer.status_code == 200, path
    assert httpx.get(world.base_url + "/api/openapi.json").json()["openapi"].startswith("3.1")


def test_the_named_shoppers_are_listed(world: World) -> None:
    listed = world.shop.client.get("/sandbox/shoppers").json()
    assert {"returning", "first-timer", "no-phone", "declined"} <= {one["persona"] for one in listed}
    assert {"name", "phone", "postcode", "persona", "outcome"} <= set(listed[0])
