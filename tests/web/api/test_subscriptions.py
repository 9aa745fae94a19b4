"""Plans and subscriptions over the API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.kernel import db, ids
from app.subscriptions.queries import offered_with
from tests.factories.checkout import a_merchant
from tests.factories.subscriptions import a_plan, a_subscription
from tests.support.providers import FakeProvider
from tests.web.api.conftest import Shop
from tests.web.api.documents import a_basket

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "subscriptions.md"
PLAN: dict[str, Any] = {
    "names": {"fi": "Kahvi", "en": "Coffee"},
    "currency": "EUR",
    "amount_minor": 1990,
    "vat_percent": "14",
    "unit": "month",
}


async def test_a_plan_is_made_listed_and_ended(shop: Shop) -> None:
    made = await shop.client.post("/api/v1/subscription-plans", json=PLAN | {"notice_days": 14})
    assert made.status_code == 201, made.text
    plan = made.json()
    assert (plan["state"], plan["version"], plan["every"], plan["subscribers"]) == ("active", 1, 1, 0)
    listed = (await shop.client.get("/api/v1/subscription-plans")).json()
    assert [each["id"] for each in listed["data"]] == [plan["id"]]
    for _ in range(2):
        ended = await shop.client.post(f"/api/v1/subscription-plans/{plan['id']}/end")
        assert (ended.status_code, ended.json()["state"]) == (200, "ended")
    refused = await shop.opens(_session(plan["id"]))
    assert refused.json()["errors"][0]["pointer"] == "/subscription/plan"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"names": {"en": "Coffee"}}, "/names/fi"),
        ({"names": {"fi": "  ", "en": "Coffee"}}, "/names/fi"),
        ({"names": {"fi": "4242 4242 4242 4242"}}, "/names/fi"),
        ({"amount_minor": 0}, "/amount_minor"),
        ({"vat_percent": "14\n"}, "/vat_percent"),
        ({"currency": "SEK"}, "/currency"),
        ({"unit": "month", "every": 25}, "/every"),
        ({"trial_days": 14}, "/trial_minor"),
        ({"trial_minor": 100}, "/trial_days"),
        ({"notice_days": 32}, "/notice_days"),
        ({"minimum_periods": 25}, "/minimum_periods"),
    ],
)
async def test_a_plan_that_will_not_do_is_refused_at_its_field(
    shop: Shop, changes: dict[str, object], pointer: str
) -> None:
    answer = await shop.client.post("/api/v1/subscription-plans", json=PLAN | changes)
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert await db.fetch_value("SELECT count(*) FROM subscription_plans") == 0


def _session(plan: str, **changes: object) -> dict[str, object]:
    document = a_basket(subscription={"plan": plan}, **changes)
    document.pop("lines")
    return document


async def test_a_session_of_a_plan_has_the_plans_own_line_and_begins_it_once_paid(shop: Shop) -> None:
    plan = await a_plan(shop.merchant)
    opened = await shop.opens(_session(plan, locale="en"))
    assert opened.status_code == 201, opened.text
    assert opened.json()["total_minor"] == 19_90
    order = (await shop.client.get(f"/api/v1/orders/{opened.json()['order_id']}")).json()
    assert [(line["name"], line["sku"]) for line in order["lines"]] == [("Coffee", plan)]
    order_id = await db.fetch_value("SELECT id FROM orders")
    offered = await offered_with(shop.merchant.id, order_id)
    assert offered is not None
    assert offered.plan_public_id == plan


async def test_a_session_without_lines_needs_a_plan_and_a_plan_of_this_shop(shop: Shop) -> None:
    document = a_basket()
    document.pop("lines")
    assert (await shop.opens(document)).json()["errors"][0]["pointer"] == "/lines"
    other = await a_plan(await a_merchant("Another shop"))
    for plan in (other, ids.public_id("spl"), "nonsense"):
        refused = await shop.opens(_session(plan))
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/subscription/plan")
    business = await shop.opens(_session(await a_plan(shop.merchant), buyer="business"))
    assert business.json()["errors"][0]["pointer"] == "/buyer"


async def test_a_subscription_is_read_listed_by_state_and_cancelled_once(shop: Shop) -> None:
    sub = await a_subscription(shop.merchant, FakeProvider())
    read = (await shop.client.get(f"/api/v1/subscriptions/{sub.public_id}")).json()
    assert (read["state"], read["amount_minor"], read["ends_on"]) == ("active", 19_90, None)
    assert read["next_charge_on"] == sub.course.ends_on.isoformat()
    for state, found in (("active", [sub.public_id]), ("ended", [])):
        listed = (await shop.client.get(f"/api/v1/subscriptions?state={state}")).json()
        assert [each["id"] for each in listed["data"]] == found
    assert (await shop.client.get("/api/v1/subscriptions?state=lost")).status_code == 400
    for _ in range(2):
        cancelled = (await shop.client.post(f"/api/v1/subscriptions/{sub.public_id}/cancel")).json()
        assert (cancelled["state"], cancelled["next_charge_on"]) == ("cancelling", None)
        assert cancelled["ends_on"] == sub.course.ends_on.isoformat()


async def test_the_subscriptions_of_another_shop_are_not_found(shop: Shop) -> None:
    other = await a_merchant("Another shop")
    sub, plan = await a_subscription(other, FakeProvider()), await a_plan(other)
    for path in (f"subscriptions/{sub.public_id}", "subscriptions/nonsense"):
        assert (await shop.client.get(f"/api/v1/{path}")).status_code == 404
        assert (await shop.client.post(f"/api/v1/{path}/cancel")).status_code == 404
    assert (await shop.client.post(f"/api/v1/subscription-plans/{plan}/end")).status_code == 404


async def test_the_calls_of_the_document_make_a_plan_and_open_a_session_of_it(shop: Shop) -> None:
    calls = re.findall(r"```\nPOST (\S+)\n(.+?)\n```", DOCUMENT.read_text(), re.DOTALL)
    assert [path for path, _ in calls] == ["/api/v1/subscription-plans", "/api/v1/sessions"]
    (plans, plan), (sessions, session) = calls
    made = await shop.client.post(plans, json=json.loads(plan))
    assert made.status_code == 201, made.text
    asked = json.loads(session.replace("spl_...", made.json()["id"]))
    opened = await shop.client.post(sessions, json=asked)
    assert (opened.status_code, opened.json()["total_minor"]) == (201, 19_90), opened.text
    assert opened.json()["order_id"].startswith("ord_")
