"""A door to the outside is shut, slow or mad: the purchase stands, the page says so, the other ways stay open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.checkout.books import check_books
from app.doors import WorkerDoors, mail_door
from app.kernel import clock
from app.kernel import db as database
from app.main import build
from app.merchants.actions import create_webhook_endpoint
from app.merchants.queries import Merchant, forget_kept_merchants
from app.messages import codes
from app.messages import delivery as mail_delivery
from app.orders.queries import DeliveryView, deliveries_about
from app.outside.webhook_door import HttpWebhookDoor
from app.plans.queries import forget_kept_plans
from app.settings import Settings
from app.worker import Worker, chores, handlers
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session, a_shopper_at_confirm
from tests.support.mail_server import MailServer
from tests.support.pages import browser, settings_in
from tests.support.product import free_port
from tests.support.receiver import Answer, Receiver
from tests.support.waiting import until
from tests.web.admin.conftest import a_person, sign_in

HOUR_S = 3600
DROPS = Answer(drops=True)
HANGS = Answer(hangs=True)
# The request waits three seconds for the gateway; the rest is for this machine, which does other things as well.
CODE_ANSWERS_WITHIN_S = 5.0
BANK_ANSWERS_WITHIN_S = 8.0


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    forget_kept_merchants()
    forget_kept_plans()


# --- what the worker delivers -------------------------------------------------------------------------------


@dataclass
class Delivering:
    """A purchase that was made, and the worker that tells of it."""

    merchant: Merchant
    order: str
    worker: Worker
    settings: Settings

    async def try_again_after(self, seconds: int) -> None:
        """The sandbox's clock moves on, and the worker looks at what is due."""
        offset_s = await clock.read_offset_s()
        await database.in_tx(lambda: clock.set_offset_s(offset_s + seconds))
        await self.worker.run_once()

    async def delivery(self, kind: str) -> DeliveryView:
        found = await deliveries_about(self.merchant.id, self.order)
        # The invoice and the agreement are mails of their own; the receipt is the one that is looked at.
        [delivery] = [
            each
            for each in found
            if each.kind == kind and each.payload.get("template") not in {"invoice", "agreement"}
        ]
        return delivery

    async def tries(self, kind: str) -> list[tuple[str, str]]:
        return [(found.outcome, found.detail) for found in (await self.delivery(kind)).tries]


@asynccontextmanager
async def a_purchase(settings: Settings, receiver_url: str) -> AsyncIterator[Delivering]:
    app = build(settings)
    assert app is not None
    merchant = await a_merchant()
    await create_webhook_endpoint(merchant.id, receiver_url, ["order.paid"], clock.wall())
    shopper = await a_shopper_at_confirm(merchant)
    flow = await shopper.confirm()
    through = WorkerDoors(mail_door(settings), HttpWebhookDoor(settings, timeout_s=0.3))
    worker = Worker(handlers(through), chores())
    await worker.run_once()
    yield Delivering(merchant, flow.order_public_id, worker, settings)
    state = await database.fetch_value("SELECT state FROM orders WHERE public_id = $1", flow.order_public_id)
    assert state == "paid", "the purchase stands whatever becomes of its messages"
    assert await check_books([flow.order_public_id]) == []


async def test_a_receiver_that_fails_stalls_and_closes_gets_its_webhook_once_it_is_back(
    db: str, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path, db)
    receiver = Receiver()
    receiver.will_answer(Answer(500), HANGS, DROPS)
    async with receiver.listening():
        port = receiver.port
        async with a_purchase(settings, receiver.url) as purchase:
            await purchase.try_again_after(10)
            await purchase.try_again_after(HOUR_S)
            assert await purchase.tries("webhook") == [
                ("failed", "answered 500"),
                ("failed", "timeout"),
                ("failed", "unreachable"),
            ]
            page = await order_page(purchase)
            for told in ("answered 500", "timeout", "unreachable"):
                assert told in page, "the shop sees why its webhook has not come"
            receiver.will_answer(Answer(204))
            await purchase.try_again_after(3 * HOUR_S)
            assert (await purchase.tries("webhook"))[3:] == [("done", "answered 204")]
            assert (await purchase.delivery("webhook")).done_at is not None
            assert "answered 204" in await order_page(purchase)
            assert port == receiver.port
    assert len({received.headers["webhook-id"] for received in receiver.book}) == 1
    assert len({received.body for received in receiver.book}) == 1


async def test_a_mail_server_that_is_gone_busy_or_slow_takes_the_receipt_once_it_is_back(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_delivery, "SEND_TIMEOUT_S", 0.5)
    port = free_port()
    settings = settings_in(
        tmp_path, db, KOLME_SMTP_URL=f"smtp://127.0.0.1:{port}", KOLME_MAIL_FROM="receipts@kolme.example"
    )
    async with Receiver().listening() as receiver, a_purchase(settings, receiver.url) as purchase:
        assert await purchase.tries("mail") == [("failed", "no_answer")]
        assert "no_answer" in await order_page(purchase)
        server = MailServer()
        for fault, told in ((busy, "status_451"), (slow, "no_answer"), (well, "handed to the mail server")):
            server = MailServer()
            fault(server)
            async with server.listening() as mails:
                at_its_port = settings_in(
                    tmp_path,
                    db,
                    KOLME_SMTP_URL=f"smtp://127.0.0.1:{mails.port}",
                    KOLME_MAIL_FROM="receipts@kolme.example",
                )
                through = WorkerDoors(mail_door(at_its_port), HttpWebhookDoor(settings, timeout_s=0.3))
                purchase.worker = Worker(handlers(through), chores())
                await purchase.try_again_after(HOUR_S)
                assert (await purchase.tries("mail"))[-1][1] == told
        assert len(await purchase.tries("mail")) == 4
        [receipt] = [mail for mail in server.taken if not list(mail.iter_attachments())]
        assert receipt["To"] == "aino@example.test"
        assert "handed to the mail server" in await order_page(purchase)


def busy(server: MailServer) -> None:
    server.data_says = "451 come back later"


def slow(server: MailServer) -> None:
    server.hangs = True


def well(server: MailServer) -> None:
    server.data_says = "250 taken"


async def order_page(purchase: Delivering) -> str:
    """The order as its shop's owner sees it."""
    async with browser(build(purchase.settings)) as desk:
        owner = await a_person(purchase.merchant, email=f"owner-{time.monotonic_ns()}@havu.example")
        assert (await sign_in(desk, owner)).status_code == 303
        answer = await desk.get(f"/admin/orders/{purchase.order}")
        assert answer.status_code == 200, answer.text
        return answer.text


# --- the SMS gateway ----------------------------------------------------------------------------------------


@asynccontextmanager
async def a_shopper_in_step_2(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    async with browser(build(settings)) as client:
        session = await a_session(await a_merchant())
        answer = await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
        assert answer.headers["location"] == f"/pay/{session}/identify"
        yield client, f"/pay/{session}"


def with_a_gateway(tmp_path: Path, database_url: str, port: int) -> Settings:
    (tmp_path / "secrets").mkdir(exist_ok=True)
    (tmp_path / "secrets" / "sms_token").write_text("token\n")
    return settings_in(tmp_path, database_url, KOLME_SMS_URL=f"http://127.0.0.1:{port}/messages")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer(500), "unknown"),
        (HANGS, "unknown"),
        (DROPS, "unknown"),
        (Answer(401), "failed"),
        (Answer(202), "sent"),
    ],
    ids=["fails", "stalls", "drops", "refuses", "works"],
)
async def test_a_bad_gateway_holds_nobody_up_and_one_tap_sends_one_code(
    db: str, tmp_path: Path, answer: Answer, state: str
) -> None:
    async with Receiver().listening() as gateway:
        gateway.will_answer(answer)
        settings = with_a_gateway(tmp_path, db, gateway.port)
        async with a_shopper_in_step_2(settings) as (client, url):
            began = time.monotonic()
            sent = await client.post(f"{url}/code", data={"phone": PHONE, "postcode": POSTCODE})
            assert time.monotonic() - began < CODE_ANSWERS_WITHIN_S
            assert sent.status_code == 303
            page = (await client.get(f"{url}/identify")).text
            assert f'href="{url}/bank"' in page, "the bank is offered beside the code"
            assert await the_challenges_state() == state
            assert ("Code from the SMS" in page) == (state != "failed")
            assert ("We do not know whether the SMS left" in page) == (state == "unknown")
            assert len(gateway.book) == 1


async def test_a_gateway_that_is_not_there_is_told_at_once_and_the_bank_is_offered(
    db: str, tmp_path: Path
) -> None:
    async with a_shopper_in_step_2(with_a_gateway(tmp_path, db, free_port())) as (client, url):
        await client.post(f"{url}/code", data={"phone": PHONE, "postcode": POSTCODE})
        page = (await client.get(f"{url}/identify")).text
        assert await the_challenges_state() == "failed"
        assert 'role="alert"' in page or 'role="status"' in page
        assert f'href="{url}/bank"' in page


async def test_while_twenty_wait_for_a_stalled_gateway_everybody_else_is_served(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "SEND_TIMEOUT_S", 50.0)
    gateway = Receiver()
    gateway.will_answer(HANGS)
    merchant = await a_merchant()
    async with asyncio.TaskGroup() as everybody, gateway.listening():
        client = browser(build(with_a_gateway(tmp_path, db, gateway.port)))
        waiting = [
            everybody.create_task(asks_for_a_code(client, await a_session(merchant), f"04812345{number:02}"))
            for number in range(20)
        ]

        async def all_wait() -> bool:
            return len(gateway.book) == len(waiting)

        await until(all_wait, 30)
        assert not any(task.done() for task in waiting)
        size, idle = database.pool_sizes()
        assert size == idle, "nobody who waits holds a connection"
        assert (await client.get(f"/pay/{await a_session(merchant)}")).status_code == 200
    # The gateway has closed every line without a word; each code was asked for once.
    assert [task.result() for task in waiting] == [303] * len(waiting)
    assert len(gateway.book) == len(waiting)
    await client.aclose()


async def asks_for_a_code(client: httpx.AsyncClient, session: str, phone: str) -> int:
    """The status of the answer, for a browser of its own."""
    page = await client.get(f"/pay/{session}")
    headers = {"Cookie": page.headers["set-cookie"].split(";")[0]}
    client.cookies.clear()
    form = {"method": "invoice", "delivery": "email"}
    await client.post(f"/pay/{session}", data=form, headers=headers)
    form = {"phone": phone, "postcode": POSTCODE}
    return (await client.post(f"/pay/{session}/code", data=form, headers=headers)).status_code


async def the_challenges_state() -> str:
    return str(await database.fetch_value("SELECT state FROM code_challenges"))


# --- the bank -----------------------------------------------------------------------------------------------


def at_bank(tmp_path: Path, database_url: str, port: int) -> Settings:
    (tmp_path / "secrets").mkdir(exist_ok=True)
    (tmp_path / "secrets" / "bank_client_secret").write_text("secret\n")
    return settings_in(
        tmp_path,
        database_url,
        KOLME_BANK_ISSUER=f"http://127.0.0.1:{port}/bank",
        KOLME_BANK_CLIENT_ID="kolme",
    )


@pytest.mark.parametrize(
    "answer",
    [Answer(500), HANGS, DROPS, Answer(pad_bytes=2_000), Answer(302, {"location": "http://127.0.0.1:1/"})],
    ids=["fails", "stalls", "drops", "talks nonsense", "sends elsewhere"],
)
async def test_a_bad_bank_is_told_on_the_same_page_and_the_code_stays_open(
    db: str, tmp_path: Path, answer: Answer
) -> None:
    async with Receiver().listening() as bank:
        bank.will_answer(answer)
        await see_the_bank_down_and_the_code_open(at_bank(tmp_path, db, bank.port))


async def test_a_bank_that_is_not_there_is_told_on_the_same_page_and_the_code_stays_open(
    db: str, tmp_path: Path
) -> None:
    await see_the_bank_down_and_the_code_open(at_bank(tmp_path, db, free_port()))


async def see_the_bank_down_and_the_code_open(settings: Settings) -> None:
    async with a_shopper_in_step_2(settings) as (client, url):
        began = time.monotonic()
        answer = await client.get(f"{url}/bank")
        assert time.monotonic() - began < BANK_ANSWERS_WITHIN_S
        assert answer.status_code == 503
        assert "Who is paying?" in answer.text
        assert "bank" in notice_of(answer.text).lower()
        sent = await client.post(f"{url}/code", data={"phone": PHONE, "postcode": POSTCODE})
        assert sent.status_code == 303
        assert "Code from the SMS" in (await client.get(f"{url}/identify")).text


def notice_of(page: str) -> str:
    """What stands between the page's heading and its form."""
    start = page.index("Who is paying?")
    return page[start : page.index("<form", start)]
