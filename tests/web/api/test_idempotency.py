"""The same key and body get the same answer, and the work is done once, however many ask at once."""

from __future__ import annotations

import asyncio

import pytest

from app.kernel import db
from tests.support.lost_answers import lose_the_next_answer
from tests.web.api.conftest import Shop
from tests.web.api.documents import a_basket

KEY = {"Idempotency-Key": "basket-1001"}


async def orders_written() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM orders")
    return count


async def test_a_repeat_gets_the_first_answer_byte_for_byte(shop: Shop) -> None:
    first = await shop.opens(a_basket(), **KEY)
    again = await shop.opens(a_basket(), **KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await orders_written() == 1


async def test_another_body_under_the_same_key_is_refused(shop: Shop) -> None:
    await shop.opens(a_basket(), **KEY)
    answer = await shop.opens(a_basket(reference="SHOP-1002"), **KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert await orders_written() == 1


async def test_two_merchants_may_use_the_same_key(shop: Shop, another_shop: Shop) -> None:
    mine, theirs = await shop.opens(a_basket(), **KEY), await another_shop.opens(a_basket(), **KEY)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_a_refused_request_may_be_corrected_under_its_key(shop: Shop) -> None:
    nothing = [{"name": "x", "quantity": 1, "unit_price_minor": 0, "vat_percent": "0"}]
    assert (await shop.opens(a_basket(lines=nothing), **KEY)).status_code == 422
    assert (await shop.opens(a_basket(), **KEY)).status_code == 201


@pytest.mark.parametrize(
    "keys", [[b""], [b"x" * 256], [b"n\xc3\xa4kki"], [b"\xff"], [b"a\tb"], [b"one", b"two"]], ids=repr
)
async def test_a_key_that_is_none_is_refused(shop: Shop, keys: list[bytes]) -> None:
    headers = [(b"Idempotency-Key", key) for key in keys]
    answer = await shop.client.post("/api/v1/sessions", json=a_basket(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")
    assert await orders_written() == 0


async def test_of_many_at_once_one_works_and_the_others_hear_so_or_get_its_answer(shop: Shop) -> None:
    for number in range(5):
        key = {"Idempotency-Key": f"race-{number}"}
        answers = await asyncio.gather(*(shop.opens(a_basket(), **key) for _ in range(12)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"in_progress"}
        done = [answer.content for answer in answers if answer.status_code == 201]
        assert len(done) >= 1
        assert len(set(done)) == 1
        assert (await shop.opens(a_basket(), **key)).content == done[0]
    assert await orders_written() == 5


async def test_while_the_first_runs_the_second_is_told_so(shop: Shop) -> None:
    """The first is held just before its COMMIT by a lock on the row that its order refers to."""
    holding, may_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.tx():
            await db.fetch_value("SELECT id FROM merchants WHERE id = $1 FOR UPDATE", shop.merchant.id)
            holding.set()
            await may_go.wait()

    holder = asyncio.create_task(hold())
    await holding.wait()
    first = asyncio.create_task(shop.opens(a_basket(), **KEY))
    try:
        async with asyncio.timeout(5):
            while not await db.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not first.done()
        second = await shop.opens(a_basket(), **KEY)
        assert (second.status_code, second.json()["code"]) == (409, "in_progress")
    finally:
        may_go.set()
        await holder
    assert (await first).status_code == 201
    assert (await shop.opens(a_basket(), **KEY)).content == (await first).content


async def test_cancelling_takes_a_key_too_and_it_belongs_to_that_session(shop: Shop) -> None:
    sessions = [(await shop.opens(a_basket())).json()["id"] for _ in range(2)]
    for session in sessions:
        for _ in range(2):
            answer = await shop.client.post(f"/api/v1/sessions/{session}/cancel", headers=KEY)
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


async def test_the_stored_answer_of_a_new_endpoint_does_not_show_its_secret(shop: Shop) -> None:
    document = {"url": "https://shop.example/hooks", "types": ["order.paid"]}
    first = await shop.client.post("/api/v1/webhook-endpoints", json=document, headers=KEY)
    again = await shop.client.post("/api/v1/webhook-endpoints", json=document, headers=KEY)
    assert (first.status_code, again.content) == (201, first.content)
    stored: bytes = await db.fetch_value("SELECT body FROM idempotency_keys")
    assert first.json()["secret"].encode() not in stored
    assert await db.fetch_value("SELECT count(*) FROM webhook_endpoints") == 1


async def test_without_a_key_a_commit_whose_answer_was_lost_still_opens_one_session(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_next_answer(monkeypatch)
    answer = await shop.opens(a_basket())
    assert answer.status_code == 201
    assert await orders_written() == 1
    stored = await shop.client.get(f"/api/v1/sessions/{answer.json()['id']}")
    assert stored.json()["order_id"] == answer.json()["order_id"]


async def test_without_a_key_an_endpoint_is_added_and_deleted_once_though_answers_are_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_next_answer(monkeypatch)
    wanted = {"url": "https://shop.example/hooks", "types": ["order.paid"]}
    added = await shop.client.post("/api/v1/webhook-endpoints", json=wanted)
    assert added.status_code == 201, added.text
    listed = (await shop.client.get("/api/v1/webhook-endpoints")).json()["data"]
    assert [endpoint["id"] for endpoint in listed] == [added.json()["id"]]
    lose_the_next_answer(monkeypatch)
    gone = await shop.client.delete(f"/api/v1/webhook-endpoints/{added.json()['id']}")
    assert gone.status_code == 204
