"""Whole purchases by the shortest path of a returning shopper: five requests each, several shoppers at once."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from bench.client import Client
from bench.shop import Ready

_SHOWN = re.compile(r'name="shown" value="([^"]+)"')
_CODE = "SELECT code FROM sandbox_messages WHERE recipient = $1 ORDER BY id DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Bought:
    """What one round of purchases took; `reading_codes_s` is summed over all shoppers."""

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

    async def shopper() -> tuple[int, float]:
        connection = await asyncpg.connect(dsn)
        client, reading_s = Client(base_url), 0.0
        for purchase in waiting:
            client.forget()
            client.address = next(addresses)
            reading_s += await _buy(client, connection, purchase)
        await client.close()
        await connection.close()
        return client.requests, reading_s

    began = time.perf_counter()
    shoppers = await asyncio.gather(*(shopper() for _ in range(clients)))
    seconds = time.perf_counter() - began
    requests, reading_s = (sum(column) for column in zip(*shoppers, strict=True))
    return Bought(len(ready), seconds, reading_s, int(requests))


async def _buy(client: Client, connection: asyncpg.Connection, purchase: Ready) -> float:
    """One purchase; the seconds that reading its code took."""
    url = f"/pay/{purchase.session}"
    await client.get(url)
    await client.post(url, {"method": "invoice", "delivery": "email"})
    await client.post(f"{url}/code", {"phone": purchase.phone, "postcode": purchase.postcode})
    began = time.perf_counter()
    code = await connection.fetchval(_CODE, purchase.phone)
    reading_s = time.perf_counter() - began
    page = await client.post(f"{url}/identify", {"code": code})
    shown = _SHOWN.search(page)
    assert shown is not None, page
    page = await client.post(f"{url}/confirm", {"shown": shown[1]})
    assert "Purchase confirmed" in page, page
    return reading_s
