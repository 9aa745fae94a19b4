"""Who may call: a live key of this mode, and the same refusal for everyone else."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from app.kernel import clock, db, ids
from app.merchants.actions import create_api_key, revoke_api_key
from app.merchants.queries import list_api_keys
from tests.web.api.conftest import BASE_URL, Shop


async def refused(shop: Shop, *authorization: str) -> httpx.Response:
    headers = [(b"Authorization", value.encode("latin-1")) for value in authorization]
    async with httpx.AsyncClient(transport=shop.client._transport, base_url=BASE_URL) as client:
        return await client.get("/api/v1/orders", headers=headers)


async def test_no_key_a_wrong_one_and_a_dead_one_get_the_same_answer(shop: Shop) -> None:
    revoked = await create_api_key(shop.merchant.id, "old", mode="test", now=clock.wall())
    key = next(key for key in await list_api_keys(shop.merchant.id) if key.name == "old")
    await revoke_api_key(shop.merchant.id, key.id, now=clock.wall())
    expired = await create_api_key(shop.merchant.id, "short", mode="test", now=clock.wall())
    ended = clock.wall() - timedelta(seconds=1)
    await db.in_tx(lambda: db.execute("UPDATE api_keys SET expires_at = $1 WHERE name = 'short'", ended))
    live = await create_api_key(shop.merchant.id, "live", mode="live", now=clock.wall())
    answers = [
        await refused(shop),
        await refused(shop, ""),
        await refused(shop, "Bearer "),
        await refused(shop, f"Bearer sk_test_{ids.token()}"),
        await refused(shop, f"Basic {shop.key}"),
        await refused(shop, f"Bearer {shop.key}x"),
        await refused(shop, f"Bearer {shop.key}\u00e4"),
        await refused(shop, f"Bearer {shop.key}", f"Bearer {shop.key}"),
        await refused(shop, f"Bearer {revoked}"),
        await refused(shop, f"Bearer {expired}"),
        await refused(shop, f"Bearer {live}"),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert all(answer.headers["www-authenticate"] == "Bearer" for answer in answers)
    assert answers[0].json()["code"] == "unauthorized"


async def test_who_is_calling_and_what_time_it_is_costs_one_query(shop: Shop) -> None:
    with db.counting() as counts:
        answer = await shop.client.get("/api/v1/orders")
    assert (answer.status_code, counts.queries) == (200, 2)


@pytest.mark.parametrize("address", ["/api/v1/nothing", "/api/v2", "/api/v1"])
async def test_an_unknown_address_is_a_problem_document(shop: Shop, address: str) -> None:
    answer = await shop.client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_wrong_method_is_a_problem_document(shop: Shop) -> None:
    answer = await shop.client.put("/api/v1/sessions")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
