"""Every connection to the database is taken: whoever comes then is told so soon, and nobody hangs."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.checkout.books import check_books
from app.kernel import db
from app.main import POOL_MAX
from tests.factories.checkout import a_merchant
from tests.faults.conftest import Webs
from tests.faults.shoppers import BOUGHT, BROWSER, at_confirm, press_confirm
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)

# Two seconds for a connection to come free; the rest is for this machine, which does other things as well.
REFUSES_WITHIN_S = 6.0


async def test_when_every_connection_is_taken_a_page_and_the_api_say_soon_again(webs: Webs) -> None:
    merchant = await a_merchant()
    key = await webs.key(merchant)
    shopper, field = await at_confirm(merchant)
    client = webs.lane(0)
    holding, let_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.tx():
            await db.fetch_value(
                "SELECT id FROM checkout_sessions WHERE public_id = $1 FOR UPDATE", shopper.session
            )
            holding.set()
            await let_go.wait()

    async def all_taken() -> bool:
        waiting = await db.fetch_value(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        )
        return bool(waiting == POOL_MAX)

    holder = asyncio.create_task(hold())
    await holding.wait()
    async with asyncio.TaskGroup() as presses:
        waiting = [presses.create_task(press_confirm(client, shopper, field)) for _ in range(POOL_MAX)]
        await until(all_taken)
        began = time.monotonic()
        page, answer, health = await asyncio.gather(
            client.get(f"/pay/{shopper.session}", headers={"Accept-Language": "en"}),
            client.get(f"/api/v1/sessions/{shopper.session}", headers=key),
            client.get("/healthz"),
        )
        took_s = time.monotonic() - began
        let_go.set()
        await holder
    assert took_s < REFUSES_WITHIN_S
    assert [page.status_code, answer.status_code, health.status_code] == [503, 503, 503]
    assert int(page.headers["retry-after"]) >= 1
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "unavailable"
    assert "<h1" in page.text
    assert [BOUGHT in press.result().text for press in waiting] == [True] * POOL_MAX
    assert (await client.get(f"/pay/{shopper.session}", headers=BROWSER)).status_code == 200
    assert await check_books() == []
