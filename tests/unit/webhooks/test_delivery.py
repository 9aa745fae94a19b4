"""An event reaches every endpoint that listens, signed, at least once, under one id; what fails comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.doors import WorkerDoors
from app.kernel import clock, db, outbox
from app.merchants.actions import create_webhook_endpoint, delete_webhook_endpoint
from app.merchants.queries import Merchant, list_webhook_endpoints
from app.messages.sandbox_outbox import messages
from app.orders.queries import deliveries_about
from app.outside.mail import SandboxLetterbox
from app.outside.webhook_door import HttpWebhookDoor, RememberingWebhookDoor
from app.settings import load
from app.worker import Worker, handlers
from tests.factories.checkout import a_merchant
from tests.support.receiver import Answer, Receiver

ORDER = "ord_" + "0" * 26
DATA = {"order_id": ORDER, "total_minor": 12_900, "currency": "EUR"}


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture
def patience_s(request: pytest.FixtureRequest) -> float:
    """How long the worker waits for an answer: long, where one comes."""
    return float(getattr(request, "param", 10.0))


@pytest.fixture
def worker(db: str, tmp_path_factory: pytest.TempPathFactory, patience_s: float) -> Worker:
    settings = load({"DATABASE_URL": db, "KOLME_VAR_DIR": str(tmp_path_factory.mktemp("var"))})
    door = RememberingWebhookDoor(HttpWebhookDoor(settings, timeout_s=patience_s))
    return Worker(handlers(WorkerDoors(SandboxLetterbox(), door)))


async def an_endpoint(merchant: Merchant, receiver: Receiver, *types: str) -> tuple[str, str]:
    return await create_webhook_endpoint(
        merchant.id, receiver.url, types or ("session.cancelled",), clock.wall()
    )


async def an_event(merchant: Merchant, event_type: str = "session.cancelled") -> str:
    now = await clock.business_now()
    return await db.in_tx(lambda: outbox.emit(merchant.id, event_type, DATA, now=now, about=ORDER))


async def time_passes(passed: timedelta) -> None:
    offset_s = await clock.read_offset_s()
    await db.in_tx(lambda: clock.set_offset_s(offset_s + int(passed.total_seconds())))


async def test_a_shop_verifies_what_it_gets(merchant: Merchant, receiver: Receiver, worker: Worker) -> None:
    _, secret = await an_endpoint(merchant, receiver)
    event = await an_event(merchant)
    await worker.run_once()
    [received] = receiver.book
    told = Webhook(secret).verify(received.body, dict(received.headers))
    assert (told["type"], told["data"]) == ("session.cancelled", DATA)
    assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None
    assert received.headers["webhook-id"] == event
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_a_flipped_bit_does_not_verify(merchant: Merchant, receiver: Receiver, worker: Worker) -> None:
    _, secret = await an_endpoint(merchant, receiver)
    await an_event(merchant)
    await worker.run_once()
    [received] = receiver.book
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(received.body.replace(b"12900", b"12901"), dict(received.headers))


async def test_only_endpoints_that_listen_to_the_type_are_told(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    await an_endpoint(merchant, receiver, "session.held", "order.refunded")
    stranger = await a_merchant("Pihla Oy")
    await an_endpoint(stranger, receiver, "session.cancelled")
    await an_event(merchant)
    await worker.run_once()
    assert receiver.book == []


async def test_every_endpoint_is_told_and_one_that_fails_does_not_keep_the_other_waiting(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    async with Receiver().listening() as broken:
        broken.will_answer(Answer(500))
        await an_endpoint(merchant, broken)
        await an_endpoint(merchant, receiver)
        await an_event(merchant)
        await worker.run_once()
        assert (len(broken.book), len(receiver.book)) == (1, 1)


async def test_a_try_that_failed_comes_back_with_the_same_id_and_body_and_a_time_of_its_own(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    _, secret = await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(500), Answer(503), Answer(200))
    await an_event(merchant)
    await worker.run_once()
    assert len(receiver.book) == 1
    for wait in (timedelta(seconds=6), timedelta(minutes=6)):
        await time_passes(wait)
        await worker.run_once()
    assert len(receiver.book) == 3
    assert len({(r.headers["webhook-id"], r.body) for r in receiver.book}) == 1
    for received in receiver.book:
        Webhook(secret).verify(received.body, dict(received.headers))
    [delivery] = await deliveries_about(merchant.id, ORDER)
    assert [(t.attempt, t.outcome, t.detail) for t in delivery.tries] == [
        (1, "failed", "answered 500"),
        (2, "failed", "answered 503"),
        (3, "done", "answered 200"),
    ]
    assert delivery.next_at is None
    assert delivery.done_at is not None


@pytest.mark.parametrize(
    ("answer", "said", "patience_s"),
    [
        (Answer(302, {"location": "http://169.254.169.254/"}), "answered 302", 10.0),
        (Answer(404), "answered 404", 10.0),
        (Answer(304), "answered 304", 10.0),
        (Answer(200, pad_bytes=200_000), "reply_too_large", 10.0),
        (Answer(hangs=True), "timeout", 0.5),
        (Answer(drops=True), "unreachable", 10.0),
    ],
    indirect=["patience_s"],
)
async def test_anything_but_a_2xx_is_a_failure(
    merchant: Merchant, receiver: Receiver, worker: Worker, answer: Answer, said: str
) -> None:
    await an_endpoint(merchant, receiver)
    receiver.will_answer(answer)
    await an_event(merchant)
    await worker.run_once()
    [delivery] = await deliveries_about(merchant.id, ORDER)
    assert [(t.outcome, t.detail) for t in delivery.tries] == [("failed", said)]
    assert delivery.next_at is not None
    assert len(receiver.book) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_every_2xx_is_success(
    merchant: Merchant, receiver: Receiver, worker: Worker, status: int
) -> None:
    await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(status))
    await an_event(merchant)
    await worker.run_once()
    [delivery] = await deliveries_about(merchant.id, ORDER)
    assert delivery.done_at is not None


async def test_gone_switches_the_endpoint_off(merchant: Merchant, receiver: Receiver, worker: Worker) -> None:
    await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(410))
    await an_event(merchant)
    await an_event(merchant)
    await worker.run_once()
    assert len(receiver.book) == 1
    [endpoint] = await list_webhook_endpoints(merchant.id)
    assert endpoint.disabled_at is not None
    assert all(d.failed_at is not None for d in await deliveries_about(merchant.id, ORDER))


async def test_a_receiver_that_asks_for_patience_gets_it(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(429, {"retry-after": "3600"}), Answer(200))
    await an_event(merchant)
    await worker.run_once()
    await time_passes(timedelta(minutes=59))
    await worker.run_once()
    assert len(receiver.book) == 1
    await time_passes(timedelta(minutes=8))
    await worker.run_once()
    assert len(receiver.book) == 2


async def test_after_the_tenth_try_it_is_given_up_and_stays_visible(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(500))
    await an_event(merchant)
    for _ in range(14):
        await worker.run_once()
        await time_passes(timedelta(hours=27))
    assert len(receiver.book) == 10
    [delivery] = await deliveries_about(merchant.id, ORDER)
    assert delivery.failed_at is not None
    assert [t.outcome for t in delivery.tries] == ["failed"] * 9 + ["gave_up"]


async def test_nothing_is_sent_to_an_endpoint_that_was_deleted_meanwhile(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    public_id, _ = await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(500))
    await an_event(merchant)
    await worker.run_once()
    await delete_webhook_endpoint(merchant.id, public_id, clock.wall())
    await time_passes(timedelta(seconds=6))
    await worker.run_once()
    assert len(receiver.book) == 1


async def test_an_event_that_is_reacted_to_twice_is_delivered_once(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    await an_endpoint(merchant, receiver)
    await an_event(merchant)
    await worker.run_once()
    await db.in_tx(
        lambda: db.execute(
            "UPDATE outbox SET done_at = NULL WHERE kind = 'event' AND merchant_id = $1", merchant.id
        )
    )
    await worker.run_once()
    assert len(receiver.book) == 1


async def test_the_sandbox_shows_each_webhook_beside_the_page(
    merchant: Merchant, receiver: Receiver, worker: Worker
) -> None:
    await an_endpoint(merchant, receiver)
    receiver.will_answer(Answer(500))
    await an_event(merchant)
    await worker.run_once()
    [shown] = await messages(merchant_id=merchant.id, channel="webhook")
    assert (shown.to, shown.subject) == (receiver.url, "session.cancelled: answered 500")
