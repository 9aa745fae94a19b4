"""An order that its link's end took away: what the shopper, the shop's program and its staff are told."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from app.checkout.actions import expire_orders
from app.kernel import clock, db
from app.links.queries import LinkView
from app.merchants.actions import create_api_key
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.factories.link_shoppers import BACK, press
from tests.factories.links import EMAIL, a_link
from tests.web.shopper.test_flow import HTMX


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def a_removed_one(merchant: Merchant) -> tuple[LinkView, str]:
    """A link whose time is over, and the session of somebody who began in time and never came back."""
    link = await a_link(merchant, lasts=timedelta(hours=1))
    shopper = await press(link)
    late = timedelta(days=2)
    await db.in_tx(lambda: db.execute("UPDATE business_clock SET offset_s = $1", int(late.total_seconds())))
    assert await expire_orders(await clock.business_now()) == 1
    return link, shopper.session


async def test_the_link_says_so_kindly_and_names_the_shop(
    merchant: Merchant, client: httpx.AsyncClient
) -> None:
    link, session = await a_removed_one(merchant)
    for answer in (
        await client.get(f"/link/{link.token}"),
        await client.post(f"/link/{link.token}", data={"version": "1"}),
    ):
        assert answer.status_code == 410
        assert "The time to pay has run out" in answer.text
        assert "Havu &amp; Kivi" in answer.text
        assert "Wool blanket" not in answer.text
        assert EMAIL not in answer.text
    answer = await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    assert answer.headers["location"] == f"/pay/{session}/outcome"
    answer = await client.get(f"/pay/{session}/outcome")
    assert answer.headers["location"] == f"{BACK}?ended=expired"


async def test_an_open_page_hears_of_it_and_nothing_of_it_is_left_to_follow(
    merchant: Merchant, client: httpx.AsyncClient
) -> None:
    _, session = await a_removed_one(merchant)
    assert (await client.get(f"/pay/{session}/live")).status_code == 204
    answer = await client.get(f"/pay/{session}/changed?page=method&since=1", headers=HTMX)
    assert answer.status_code != 204


async def test_over_the_api_the_order_is_gone(merchant: Merchant, client: httpx.AsyncClient) -> None:
    link, session = await a_removed_one(merchant)
    key = await create_api_key(merchant.id, "test", mode="test", now=clock.wall())
    headers = {"Authorization": f"Bearer {key}"}
    order = f"/api/v1/orders/{link.order_public_id}"
    for answer in (
        await client.get(order, headers=headers),
        await client.patch(order, json={"version": 1, "reference": "late"}, headers=headers),
        await client.post(f"{order}/cancel", headers=headers),
        await client.post(f"{order}/payment-link", json={}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "order_removed")
    listed = await client.get("/api/v1/orders", headers=headers)
    assert listed.json()["data"] == []
    assert (await client.get(f"/api/v1/sessions/{session}", headers=headers)).json()["state"] == "expired"
