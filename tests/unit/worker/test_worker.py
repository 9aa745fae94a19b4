"""The worker: nothing it was given is lost, nothing unknown passes in silence, and it ends when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.doors import WorkerDoors
from app.kernel import clock, db, outbox
from app.kernel.db import connect
from app.kernel.jobs import Done, Now, Outcome
from app.kernel.outbox import Job
from app.merchants.queries import Merchant
from app.messages.sandbox_outbox import messages
from app.orders.queries import deliveries_about, order_for_api, order_timeline
from app.outside.mail import SandboxLetterbox
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import ATTEMPTS_MAX, Worker, chores, handlers, listen
from tests.factories.checkout import (
    Shopper,
    a_known_person,
    a_line,
    a_merchant,
    a_session,
    a_shopper_at_confirm,
)


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


class Hands:
    """A handler that records what it did, and can be held back."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.at_once = self.most_at_once = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.changed = asyncio.Condition()

    async def __call__(self, job: Job) -> Outcome:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self._tell()
        await self.may_end.wait()
        self.at_once -= 1
        self.did.append(str(job.payload["name"]))
        await self._tell()
        return Done()

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until_done(self, count: int) -> None:
        await self.until(lambda hands: len(hands.did) == count)

    async def until(self, reached: Callable[[Hands], bool]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: reached(self))


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


@pytest.fixture
def worker(db: str) -> Worker:
    return Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), chores())


async def a_job(merchant: Merchant, name: str, kind: str = "task") -> None:
    await db.in_tx(lambda: outbox.put(merchant.id, kind, {"name": name}, about="thing"))


async def test_a_job_nobody_knows_fails_where_people_see_it(merchant: Merchant, worker: Worker) -> None:
    await a_job(merchant, "riddle", kind="unheard.of")
    await worker.run_once()
    [delivery] = await deliveries_about(merchant.id, "thing")
    assert delivery.failed_at is not None
    assert delivery.tries[0].outcome == "gave_up"
    assert "unheard.of" in delivery.tries[0].detail


async def test_a_job_that_breaks_is_written_down_and_comes_back(merchant: Merchant) -> None:
    tries = 0

    async def breaks_once(_job: Job) -> Outcome:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("with a phone number in it")
        return Done()

    worker = Worker({"task": breaks_once})
    await a_job(merchant, "fragile")
    await worker.run_once()
    await db.in_tx(lambda: clock.set_offset_s(6))
    await worker.run_once()
    [delivery] = await deliveries_about(merchant.id, "thing")
    assert [(t.outcome, t.detail) for t in delivery.tries] == [
        ("failed", "failed with ValueError"),
        ("done", ""),
    ]


async def test_a_job_under_which_the_database_fell_comes_back_within_a_second(merchant: Merchant) -> None:
    tries: list[int] = []

    async def falls_once(job: Job) -> Done:
        tries.append(job.attempt)
        if len(tries) == 1:
            raise db.ConnectionLost
        return Done()

    now = await clock.business_now()
    await a_job(merchant, "it", kind="falls")
    worker = Worker({"falls": falls_once})
    await worker.run_once()
    due = await outbox.next_run_at()
    assert due is not None
    assert due - now < timedelta(seconds=3)
    await db.in_tx(lambda: clock.set_offset_s(10))
    await worker.run_once()
    assert tries == [1, 2]


async def test_what_a_killed_worker_held_is_done_by_another_when_its_lease_ends(merchant: Merchant) -> None:
    hands = Hands()
    await a_job(merchant, "orphan")
    assert len(await outbox.claim(8, 0, now=await clock.business_now())) == 1
    await Worker({"task": hands}).run_once()
    assert hands.did == ["orphan"]
    [delivery] = await deliveries_about(merchant.id, "thing")
    assert [t.outcome for t in delivery.tries] == ["failed", "done"]


async def test_a_job_that_ends_every_worker_is_given_up_in_the_end(merchant: Merchant) -> None:
    hands = Hands()
    await a_job(merchant, "deadly")
    for _ in range(ATTEMPTS_MAX):
        assert len(await outbox.claim(8, 0, now=await clock.business_now())) == 1
    await Worker({"task": hands}).run_once()
    assert hands.did == []
    [delivery] = await deliveries_about(merchant.id, "thing")
    assert (delivery.failed_at is not None, delivery.tries[-1].outcome) == (True, "gave_up")


async def test_a_worker_that_lost_its_lease_does_not_undo_the_others_work(merchant: Merchant) -> None:
    await a_job(merchant, "contested")
    [job] = await outbox.claim(8, 0, now=await clock.business_now())
    await Worker({"task": Hands()}).run_once()
    late = Worker({"task": Hands()})
    await late._try(job)
    [delivery] = await deliveries_about(merchant.id, "thing")
    assert [t.outcome for t in delivery.tries] == ["failed", "done"]


async def test_at_most_so_many_jobs_run_at_once_and_a_stop_lets_them_end(merchant: Merchant) -> None:
    hands = Hands()
    hands.may_end.clear()
    worker = Worker({"task": hands}, concurrency=3)
    for number in range(7):
        await a_job(merchant, str(number))
    running = asyncio.create_task(worker.run())
    await hands.until(lambda hands: hands.at_once == 3)
    worker.stop()
    hands.may_end.set()
    await asyncio.wait_for(running, 5)
    assert (hands.most_at_once, len(hands.did)) == (3, 3)
    left = await db.fetch_value("SELECT count(*) FROM outbox WHERE done_at IS NULL AND leased_until IS NULL")
    assert left == 4


async def test_a_written_job_wakes_the_worker(db: str, merchant: Merchant) -> None:
    hands = Hands()
    worker = Worker({"task": hands})
    # With the poll alone five jobs one after the other would take ten seconds.
    listener = asyncio.create_task(listen(db, worker))
    running = asyncio.create_task(worker.run())
    try:
        for number in range(5):
            await a_job(merchant, str(number))
            await hands.until_done(number + 1)
    finally:
        worker.stop()
        await asyncio.wait_for(running, 5)
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)


async def test_a_worker_outlives_the_loss_of_its_connections(db: str, merchant: Merchant) -> None:
    hands = Hands()
    worker = Worker({"task": hands})
    listener = asyncio.create_task(listen(db, worker))
    running = asyncio.create_task(worker.run())
    administrator = await connect(db)
    try:
        await a_job(merchant, "before")
        await hands.until_done(1)
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await a_job(merchant, "after")
        worker.wake()
        await hands.until_done(2)
    finally:
        await administrator.close()
        worker.stop()
        await asyncio.wait_for(running, 5)
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    assert hands.did == ["before", "after"]


async def test_a_chore_that_breaks_keeps_nothing_else_from_being_done(merchant: Merchant) -> None:
    async def breaks(_now: Now) -> int:
        raise ValueError

    hands = Hands()
    await a_job(merchant, "task")
    await Worker({"task": hands}, [breaks]).run_once()
    assert hands.did == ["task"]


async def test_sessions_whose_time_is_over_expire(merchant: Merchant, worker: Worker) -> None:
    await a_session(merchant)
    await db.in_tx(lambda: clock.set_offset_s(int(timedelta(days=1, seconds=1).total_seconds())))
    await worker.run_once()
    assert await db.fetch_value("SELECT state FROM checkout_sessions") == "expired"
    types = await db.fetch_all("SELECT type FROM events ORDER BY id")
    assert [row["type"] for row in types] == ["session.expired", "order.expired"]


async def test_a_purchase_is_followed_by_one_receipt(merchant: Merchant, worker: Worker) -> None:
    shopper = await a_shopper_at_confirm(merchant, a_line(), a_line("Soap <b>", "4.50", quantity=3))
    flow = await shopper.confirm()
    await worker.run_once()
    await worker.run_once()
    [mail] = [each for each in await messages(channel="email") if not each.attachments]
    assert mail.to == "aino@example.test"
    assert mail.subject == "Receipt from Havu & Kivi, €142.50"
    for part in ("Soap <b>, 3 \u00d7 €4.50: €13.50", "25.5%", "€113.55", "Due date", "shop@havu.example"):
        assert part in mail.body
    assert mail.html is not None
    assert "Soap &lt;b&gt;" in mail.html
    order = await order_for_api(merchant.id, flow.order_public_id)
    assert order is not None
    timeline = await order_timeline(merchant.id, order.id)
    delivered = [entry.what for entry in timeline if entry.kind == "delivery"]
    assert sorted(delivered) == ["agreement", "invoice", "mail", "mail", "mail"]
    assert {"order.created", "order.paid", "session.opened"} <= {entry.what for entry in timeline}
    assert [entry.at for entry in timeline] == sorted(entry.at for entry in timeline)


async def test_the_receipt_of_instalments_shows_the_schedule_and_what_it_costs(
    merchant: Merchant, worker: Worker
) -> None:
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant))
    quote = await shopper.choose("instalments", months=6)
    await shopper.type_code(await shopper.ask_code())
    await shopper.be_decided()
    await shopper.confirm()
    await worker.run_once()
    [mail] = [each for each in await messages(channel="email") if not each.attachments]
    assert "Payment schedule" in mail.body
    assert mail.body.count("2026") + mail.body.count("2027") >= len(quote.schedule)
    assert "14.9% a year" in mail.body


async def test_the_job_of_a_receipt_holds_no_personal_data(merchant: Merchant, worker: Worker) -> None:
    shopper = await a_shopper_at_confirm(merchant)
    await shopper.confirm()
    await worker.run_once()
    texts = await db.fetch_all("SELECT payload::text || coalesce(key, '') AS kept FROM outbox")
    assert not any("aino" in row["kept"].lower() or "+358" in row["kept"] for row in texts)
