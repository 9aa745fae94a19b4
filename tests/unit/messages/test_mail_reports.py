"""A mail server's report of a link that was mailed: read, matched to what was sent, and written down once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from app.doors import WorkerDoors
from app.kernel import clock, db
from app.links import actions
from app.links.queries import LinkView
from app.links.sending import SendView, sends_of_link
from app.merchants.queries import Merchant
from app.messages.delivered import read_report, take_returned_mail
from app.messages.ports import Mail
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, handlers
from tests.factories.checkout import a_merchant
from tests.factories.links import EMAIL, STAFF, a_link


def a_report(message_id: str, action: str, *, whole: bool = False, groups: int = 1) -> bytes:
    """As RFC 3464 writes one, with the mail's header (or the whole mail) given back."""
    recipients = "".join(
        f"Final-Recipient: rfc822; aino{n}@example.test\r\nAction: {action}\r\nStatus: 5.1.1\r\n\r\n"
        for n in range(groups)
    )
    original = f"Message-ID: <{message_id}@pay.example>\r\nSubject: Your order\r\n\r\n"
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    return (
        "From: MAILER-DAEMON@mail.example\r\nTo: pay@pay.example\r\nSubject: Undelivered\r\n"
        "Message-ID: <their-own@mail.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="cut"\r\n\r\n'
        "--cut\r\nContent-Type: text/plain\r\n\r\nWe are sorry.\r\n"
        "--cut\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mail.example\r\n\r\n{recipients}"
        f"--cut\r\nContent-Type: {kind}\r\n\r\n{original}{'The mail.' if whole else ''}\r\n--cut--\r\n"
    ).encode()


class Quiet:
    """A mail server that takes everything and a shop's server that nobody asks."""

    async def send(self, message: Mail, timeout_s: float) -> None:
        pass

    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


@pytest.fixture
def worker(db: str) -> Worker:
    return Worker(handlers(WorkerDoors(Quiet(), Quiet(), base_url="https://pay.example")))


async def a_sent_link(merchant: Merchant) -> tuple[LinkView, UUID]:
    link, now = await a_link(merchant), await clock.business_now()
    send_id = await actions.ask_to_send(
        merchant.id, link, channel="email", recipient=EMAIL, lang="fi", actor=STAFF, now=now
    )
    return link, send_id


async def the_send(link: LinkView) -> SendView:
    [send] = await sends_of_link(link.merchant_id, link.id)
    return send


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("action", "outcome"), [("failed", "bounced"), ("Delivered", "delivered")])
def test_a_report_names_the_mail_and_what_became_of_it(action: str, outcome: str, *, whole: bool) -> None:
    report = a_report("link.0190", action, whole=whole)
    assert read_report(report) == ("link.0190", outcome)


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\x00\r\n\r\n\xfe",
        b"Subject: I am away\r\nAuto-Submitted: auto-replied\r\n\r\nUntil Monday.",
        a_report("link.0190", "delayed"),
        a_report("link.0190", "relayed"),
        a_report("link.0190", ""),
        a_report("link.0190", "failed", groups=0),
        a_report("link.0190", "failed").replace(b"Message-ID: <link.0190", b"X-Nothing: <"),
        a_report("link.0190", "failed").replace(b"text/rfc822-headers", b"text/plain"),
    ],
)
def test_any_other_mail_says_nothing(mail: bytes) -> None:
    assert read_report(mail) is None


def test_one_failure_among_several_recipients_is_a_failure() -> None:
    report = a_report("link.0190", "delivered", groups=2)
    mixed = report.replace(b"Action: delivered", b"Action: failed", 1)
    assert read_report(mixed) == ("link.0190", "bounced")


async def test_a_mail_that_came_back_is_written_down_once(merchant: Merchant, worker: Worker) -> None:
    link, send_id = await a_sent_link(merchant)
    await worker.run_once()
    assert (await the_send(link)).state == "sent"
    for _ in range(2):
        assert await take_returned_mail(a_report(f"link.{send_id}", "failed")) == "bounced"
        await worker.run_once()
    send = await the_send(link)
    assert (send.state, send.reason) == ("bounced", "returned")
    assert await take_returned_mail(a_report(f"link.{send_id}", "delivered")) == "delivered"
    await worker.run_once()
    assert (await the_send(link)).state == "bounced"


async def test_a_report_that_is_faster_than_we_are_waits_until_the_mail_is_sent(
    merchant: Merchant, worker: Worker
) -> None:
    link, send_id = await a_sent_link(merchant)
    payload = {"send": str(send_id), "outcome": "delivered"}
    early = "UPDATE outbox SET run_at = run_at + interval '1 hour' WHERE kind = 'link_send'"
    await db.in_tx(lambda: db.execute(early))
    assert await take_returned_mail(a_report(f"link.{send_id}", "delivered")) == payload["outcome"]
    await worker.run_once()
    assert (await the_send(link)).state == "queued"
    await db.in_tx(lambda: clock.set_offset_s(3601))
    await worker.run_once()
    await db.in_tx(lambda: clock.set_offset_s(3610))
    await worker.run_once()
    assert (await the_send(link)).state == "delivered"


async def test_a_report_of_what_we_never_sent_is_let_pass(merchant: Merchant) -> None:
    for message_id in (f"link.{uuid4()}", "link.nothing", "receipt.ord_1", "their-own"):
        assert await take_returned_mail(a_report(message_id, "failed")) is None
