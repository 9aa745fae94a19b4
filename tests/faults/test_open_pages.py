"""Open pages against real web processes: what one process commits, a page on another one hears of; and they end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.kernel import db
from tests.factories.checkout import Shopper, a_merchant
from tests.factories.link_shoppers import press
from tests.factories.links import a_link
from tests.factories.orders import the_order, with_socks
from tests.faults.conftest import Webs
from tests.support import processes
from tests.support.product import free_port
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)


async def told(lines: AsyncIterator[str]) -> str:
    """The next event of a stream, heartbeats left out. Raises TimeoutError."""
    async with asyncio.timeout(30):
        async for line in lines:
            if line.startswith("event:"):
                return line.removeprefix("event:").strip()
    return "the end"


async def the_page_of_a_link() -> tuple[Shopper, str]:
    """A shopper on the first step of a link's order, and the address that their page hears."""
    shopper = await press(await a_link(await a_merchant()))
    return shopper, f"/pay/{shopper.session}/live"


async def test_an_edit_in_one_process_reaches_the_pages_that_another_one_serves(webs: Webs) -> None:
    shopper, address = await the_page_of_a_link()
    flow = await shopper.flow()
    async with (
        webs.clients[0].stream("GET", address) as here,
        webs.clients[1].stream("GET", address) as there,
    ):
        assert here.headers["content-type"].startswith("text/event-stream")
        assert here.headers["cache-control"] == "no-store"
        streams = [here.aiter_lines(), there.aiter_lines()]
        for lines in streams:
            assert await told(lines) == "changed", "a page looks once when it begins to listen"
        await with_socks(flow.merchant, await the_order(flow.merchant, flow.order_public_id))
        for lines in streams:
            assert await told(lines) == "changed"


async def test_a_page_that_was_closed_is_forgotten(webs: Webs) -> None:
    _, address = await the_page_of_a_link()
    client = webs.clients[0]

    async def open_pages(wanted: int) -> None:
        async def counted() -> bool:
            return f"kolme_open_pages {wanted}.0" in (await client.get("/metrics")).text

        await until(counted, 30)

    async with client.stream("GET", address) as stream:
        # Kept: a reader that nobody holds any more closes its stream.
        lines = stream.aiter_lines()
        assert await told(lines) == "changed"
        await open_pages(1)
    await open_pages(0)


async def test_a_plain_checkout_and_one_that_is_over_are_told_to_ask_no_more(webs: Webs) -> None:
    _, address = await the_page_of_a_link()
    await db.in_tx(lambda: db.execute("UPDATE checkout_sessions SET state = 'declined'"))
    answer = await webs.clients[0].get(address)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await webs.clients[0].get("/pay/cs_nobody/live")).status_code == 404


async def test_a_process_that_is_told_to_end_lets_go_of_its_open_pages(
    webs: Webs, modules_folder: Path
) -> None:
    _, address = await the_page_of_a_link()
    port = free_port()
    environ = {**webs.environ, "PORT": str(port)}
    ends_within_s = processes.STOP_WAIT_S / 2
    with processes.kolme("serve", log=modules_folder / "ending.log", environ=environ) as web:
        web.wait_until_it_answers(f"http://127.0.0.1:{port}/healthz")
        async with (
            httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=60) as client,
            client.stream("GET", address) as stream,
        ):
            lines = stream.aiter_lines()
            assert await told(lines) == "changed"
            began = time.monotonic()
            web.process.terminate()
            with contextlib.suppress(httpx.HTTPError):
                assert await told(lines) == "the end"
            await asyncio.to_thread(web.process.wait, processes.STOP_WAIT_S)
    assert time.monotonic() - began < ends_within_s, web.said()
