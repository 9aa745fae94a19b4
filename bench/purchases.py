"""Whole purchases by the shortest path of a returning shopper: five requests each, several shoppers at once."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import asyncpg
import httpx

from bench.shop import Ready

HEADERS = {"Sec-Fetch-Site": "same-origin", "HX-Request": "true", "Accept-Language": "en"}
_SHOWN = re.compile(r'name="shown" value="([^"]+)"')
_CODE = "SELECT code FROM sandbox_messages WHERE recipient = $1 ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Bought:
    purchases: int
    seconds: float
    reading_codes_s: float
    requests: int

    @property
    def per_second(self) -> float:
        return self.purchases / self.seconds


async def buy_all(base_url: str, dsn: str, ready: Sequence[Ready], clients: int = 8) -> Bought:
    """Every ready session paid by `clients` shoppers at once. Raises AssertionError when one does not go through."""
    waiting = iter(ready)
    # Each shopper comes from an address of their own (RFC 2544's range for benchmarks): limits count by it.
    addresses = (f"198.18.{number // 250}.{number % 250 + 1}" for number in itertools.count())
    reading = [0.0]
    requests = [0]

    async def shopper() -> None:
        connection = await asyncpg.connect(dsn)
        async with httpx.AsyncClient(base_url=base_url, timeout=30) as client:
            for purchase in waiting:
                client.cookies.clear()
                client.headers["X-Forwarded-For"] = next(addresses)
                await _buy(client, connection, purchase, reading, requests)
        await connection.close()

    began = time.perf_counter()
    await asyncio.gather(*(shopper() for _ in range(clients)))
    return Bought(len(ready), time.perf_counter() - began, reading[0], requests[0])


async def _buy(
    client: httpx.AsyncClient,
    connection: asyncpg.Connection,
    purchase: Ready,
    reading: list[float],
    requests: list[int],
) -> None:
    url = f"/pay/{purchase.session}"

    async def post(path: str, form: dict[str, str]) -> str:
        headers = {**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await client.post(url + path, content=urlencode(form), headers=headers)
        requests[0] += 1
        assert answer.status_code == 200, answer.text
        return answer.text

    answer = await client.get(url)
    requests[0] += 1
    assert answer.status_code == 200, answer.text
    await post("", {"method": "invoice", "delivery": "email"})
    await post("/code", {"phone": purchase.phone, "postcode": purchase.postcode})
    began = time.perf_counter()
    code = await connection.fetchval(_CODE, purchase.phone)
    reading[0] += time.perf_counter() - began
    page = await post("/identify", {"code": code})
    shown = _SHOWN.search(page)
    assert shown is not None, page
    page = await post("/confirm", {"shown": shown[1]})
    assert "Purchase confirmed" in page, page
