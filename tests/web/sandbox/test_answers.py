"""The sandbox over JSON: messages that are waited for, a clock that drains, shoppers made to order."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock, outbox
from app.kernel import db as database
from app.merchants.queries import Merchant
from app.messages.sandbox_inbox import remember_message
from app.messages.sandbox_shoppers import KINDS, shopper_by_subject
from app.web.sandbox import answers
from tests.support.pages import browser, program
from tests.web.sandbox.conftest import ISSUER, a_merchant

PHONE = "+358481234567"
MerchantAndKey = tuple[Merchant, str]


async def test_without_a_key_nothing_is_told_or_done(app: ASGIApp) -> None:
    for method, path in [
        ("GET", "/sandbox/outbox"),
        ("GET", "/sandbox/clock"),
        ("POST", "/sandbox/clock"),
        ("DELETE", "/sandbox/clock"),
        ("GET", "/sandbox/shoppers"),
        ("POST", "/sandbox/shoppers"),
    ]:
        for secret in ("sk_test_" + "x" * 43, "sk_live_" + "x" * 43, "nonsense"):
            async with program(app, secret) as stranger:
                answer = await stranger.request(method, path, json={})
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"] == "unauthorized"


async def test_a_cookie_is_no_key(app: ASGIApp) -> None:
    async with browser(app) as client:
        client.cookies.set("kolme", "x")
        assert (await client.get("/sandbox/outbox")).status_code == 401


async def test_a_message_is_told_with_its_code_and_its_links(
    api: httpx.AsyncClient, merchant_and_key: MerchantAndKey
) -> None:
    body = "Your code is 482913. http://localhost:8000/help\n\n@localhost #482913"
    await remember_message("sms", PHONE, body=body, merchant_id=merchant_and_key[0].id)

    (message,) = (await api.get("/sandbox/outbox", params={"to": PHONE, "channel": "sms"})).json()

    assert set(message) == {"id", "channel", "to", "subject", "body", "code", "links", "at"}
    assert (message["to"], message["code"]) == (PHONE, "482913")
    assert message["links"] == ["http://localhost:8000/help"]
    assert datetime.fromisoformat(message["at"]).tzinfo is not None


async def test_a_phone_is_found_however_it_is_spelt(
    api: httpx.AsyncClient, merchant_and_key: MerchantAndKey
) -> None:
    await remember_message("sms", PHONE, body="x", merchant_id=merchant_and_key[0].id)

    for spelt in ["+358481234567", "358481234567", " 358481234567", "048 123 4567"]:
        assert len((await api.get("/sandbox/outbox", params={"to": spelt})).json()) == 1


async def test_messages_come_oldest_first_and_since_leaves_out_what_it_names(
    api: httpx.AsyncClient, merchant_and_key: MerchantAndKey
) -> None:
    for number in range(3):
        await remember_message("sms", PHONE, body=str(number), merchant_id=merchant_and_key[0].id)
    listed = (await api.get("/sandbox/outbox")).json()

    after_id = (await api.get("/sandbox/outbox", params={"since": listed[0]["id"]})).json()
    after_time = (await api.get("/sandbox/outbox", params={"since": listed[1]["at"]})).json()

    assert [each["body"] for each in listed] == ["0", "1", "2"]
    assert [each["body"] for each in after_id] == ["1", "2"]
    assert [each["body"] for each in after_time] == ["2"]


async def test_another_merchants_messages_are_not_told(
    app: ASGIApp, merchant_and_key: MerchantAndKey
) -> None:
    await remember_message("sms", PHONE, body="x", merchant_id=merchant_and_key[0].id)
    _, other_key = await a_merchant()

    async with program(app, other_key) as other:
        assert (await other.get("/sandbox/outbox")).json() == []


async def test_who_waits_is_answered_as_soon_as_the_message_is_there(
    api: httpx.AsyncClient, merchant_and_key: MerchantAndKey
) -> None:
    waiting = asyncio.create_task(api.get("/sandbox/outbox", params={"to": PHONE, "wait_s": "20"}))
    await remember_message("sms", PHONE, body="there", merchant_id=merchant_and_key[0].id)

    answer = await asyncio.wait_for(waiting, 5)

    assert [each["body"] for each in answer.json()] == ["there"]


async def test_a_wait_for_nothing_ends_with_an_empty_list(api: httpx.AsyncClient) -> None:
    assert (await api.get("/sandbox/outbox", params={"to": PHONE, "wait_s": "0.1"})).json() == []


async def test_a_question_that_means_nothing_is_refused(api: httpx.AsyncClient) -> None:
    for query, code in [
        ({"channel": "pigeon"}, "unknown_channel"),
        ({"since": "yesterday"}, "bad_since"),
        ({"since": "2026-11-21T10:00:00"}, "bad_since"),
        ({"wait_s": "31"}, "bad_wait_s"),
        ({"wait_s": "-1"}, "bad_wait_s"),
        ({"wait_s": "nan"}, "bad_wait_s"),
        ({"wait_s": "soon"}, "bad_wait_s"),
    ]:
        answer = await api.get("/sandbox/outbox", params=query)

        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_clock_moves_for_everybody_and_can_be_set_back(api: httpx.AsyncClient) -> None:
    moved = (await api.post("/sandbox/clock", json={"advance_s": 86_400})).json()
    again = (await api.post("/sandbox/clock", json={"advance_s": 60})).json()
    told = (await api.get("/sandbox/clock")).json()
    reset = (await api.delete("/sandbox/clock")).json()

    assert (moved["offset_s"], again["offset_s"], told["offset_s"]) == (86_400, 86_460, 86_460)
    assert datetime.fromisoformat(told["now"]) - clock.wall() > timedelta(hours=23)
    assert reset["offset_s"] == 0
    assert await clock.read_offset_s() == 0


async def due_tomorrow(merchant: Merchant) -> None:
    async def put() -> None:
        await outbox.put(merchant.id, "tests", {}, run_at=clock.wall() + timedelta(hours=12))

    await database.in_tx(put)


async def test_the_clock_wakes_the_worker_and_answers_only_once_what_fell_due_is_done(
    api: httpx.AsyncClient, merchant_and_key: MerchantAndKey, db: str
) -> None:
    await due_tomorrow(merchant_and_key[0])
    woken = asyncio.Event()
    listener = await database.connect(db)
    await listener.add_listener(outbox.CHANNEL, lambda *_: woken.set())

    async def work() -> None:
        await woken.wait()
        (job,) = await outbox.claim(5, 30, now=await clock.business_now())
        await database.in_tx(lambda: outbox.succeed(job))

    worker = asyncio.create_task(work())
    answer = await api.post("/sandbox/clock", json={"advance_s": 86_400})
    await listener.close()

    assert answer.status_code == 200
    assert worker.done()
    await worker


async def test_a_clock_that_cannot_drain_names_what_is_left(
    api: httpx.AsyncClient, merchant_and_key: MerchantAndKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "DRAIN_WAIT_S", 0.05)
    await due_tomorrow(merchant_and_key[0])

    answer = await api.post("/sandbox/clock", json={"advance_s": 86_400})

    assert answer.status_code == 504
    assert answer.json()["code"] == "not_drained"
    assert answer.json()["left"] == [{"kind": "tests", "count": 1}]


async def test_the_clock_goes_forward_only_and_not_for_ever(api: httpx.AsyncClient) -> None:
    for advance_s in [0, -60, 10**9]:
        answer = await api.post("/sandbox/clock", json={"advance_s": advance_s})

        assert (answer.status_code, answer.json()["code"]) == (422, "clock_too_far")
        assert await clock.read_offset_s() == 0


async def test_a_body_that_is_none_is_refused(api: httpx.AsyncClient) -> None:
    for body in [b"", b"[]", b"{", b'{"advance_s": "1"}', b'{"advance_s": 1.5}', b'{"x": 1}', b"\xff"]:
        for path in ("/sandbox/clock", "/sandbox/shoppers"):
            answer = await api.post(path, content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_body")


async def test_a_fresh_shopper_of_each_kind_can_be_had(api: httpx.AsyncClient) -> None:
    for kind in KINDS:
        answer = await api.post("/sandbox/shoppers", json={"kind": kind})
        listed = (await api.get("/sandbox/shoppers")).json()

        shopper = answer.json()
        assert answer.status_code == 201
        assert {"name", "phone", "postcode", "persona", "outcome"} <= set(shopper)
        assert shopper["persona"] == kind
        assert (shopper["phone"] is None) == (kind == "no-phone")
        assert shopper in listed


async def test_two_fresh_shoppers_share_no_phone(api: httpx.AsyncClient) -> None:
    phones = [
        (await api.post("/sandbox/shoppers", json={"kind": "returning"})).json()["phone"] for _ in range(2)
    ]

    assert phones[0] != phones[1]


async def test_a_kind_that_is_not_made_here_is_refused_with_those_that_are(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.post("/sandbox/shoppers", json={"kind": "millionaire"})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_kind")
    assert answer.json()["kinds"] == list(KINDS)


async def test_a_returning_shopper_is_a_customer_with_an_identity_and_everything_known(
    api: httpx.AsyncClient,
) -> None:
    made = (await api.post("/sandbox/shoppers", json={"kind": "returning"})).json()

    shopper = await shopper_by_subject(made["subject"])
    row = await database.fetch_one(
        """SELECT c.*, v.issuer, v.name AS verified_name, v.national_number FROM customers c
           JOIN verified_identities v ON v.customer_id = c.id WHERE v.subject = $1""",
        made["subject"],
    )
    assert shopper is not None
    assert row is not None
    assert (row["phone"], row["postcode"], row["email"]) == (
        made["phone"],
        made["postcode"],
        made["email"],
    )
    assert (row["street"], row["city"], row["issuer"]) == (made["street"], made["city"], ISSUER)
    assert row["verified_name"] == made["name"]
    assert shopper.national_number.encode() not in row["national_number"]


async def test_a_first_timer_is_nobodys_customer(api: httpx.AsyncClient) -> None:
    await api.post("/sandbox/shoppers", json={"kind": "first-timer"})

    assert await database.fetch_value("SELECT count(*) FROM customers") == 0
