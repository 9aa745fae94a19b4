"""A link goes out once, in the words that were read before it was sent, and what became of it is written down."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from app.checkout.actions import cancel_order
from app.doors import WorkerDoors
from app.kernel import clock, db, ids
from app.kernel.jobs import Now
from app.kernel.phone import PhoneRefused
from app.links import actions, sending
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import LinkView
from app.links.sending import SendView, Wanted, send_in_tx, sends_of_link
from app.links.wording import checked_words, save_words
from app.merchants.errors import FieldRefused
from app.merchants.queries import Merchant, forget_kept_merchants
from app.messages.ports import Mail, NotTaken, Sms
from app.messages.sandbox_outbox import SandboxMessage, messages
from app.orders.actions import Contact, Contents, edit
from app.orders.queries import order_by_id, order_for_api
from app.outside.mail import SandboxLetterbox, composed
from app.outside.sms import SandboxPhone
from app.privacy.retention import forget_links_sent
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.checkout import a_merchant
from tests.factories.links import EMAIL, LINES, STAFF, a_link, an_open_order

BASE: Final = "https://pay.example.com"


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


class Sulking:
    """A door that takes nothing, certainly or perhaps."""

    def __init__(self, *, certain: bool) -> None:
        self.certain = certain
        self.tries = 0

    async def send(self, message: Mail | Sms, timeout_s: float) -> None:
        del message, timeout_s
        self.tries += 1
        raise NotTaken("no_answer", certain=self.certain)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


@pytest.fixture
def worker(db: str) -> Worker:
    doors = WorkerDoors(SandboxLetterbox(), NoWebhooks(), SandboxPhone(), base_url=BASE)
    return Worker(handlers(doors), chores())


async def ask(link: LinkView, to: str = EMAIL, channel: sending.Channel = "email", **words: str) -> UUID:
    return await actions.ask_to_send(
        link.merchant_id,
        link,
        channel=channel,
        recipient=to,
        lang="en",
        subject=words.get("subject"),
        message=words.get("message"),
        actor=STAFF,
        now=await clock.business_now(),
    )


async def the_send(link: LinkView) -> SendView:
    [send] = await sends_of_link(link.merchant_id, link.id)
    return send


async def the_mail() -> SandboxMessage:
    [mail] = await messages(channel="email")
    return mail


async def events(kind: str) -> list[dict[str, object]]:
    rows = await db.fetch_all("SELECT data FROM events WHERE type = $1 ORDER BY id", kind)
    return [row["data"] for row in rows]


async def test_the_mail_has_a_pay_button_the_contents_and_the_words_that_were_typed(
    merchant: Merchant, worker: Worker
) -> None:
    link = await a_link(merchant, lasts=timedelta(days=3))
    await ask(link, subject="Your blanket\nis here", message="Hi <b>Aino</b>,\n\nas we said on the phone.")
    await worker.run_once()
    mail = await the_mail()
    assert (mail.to, mail.subject) == (EMAIL, "Your blanket is here")
    url = f"{BASE}/link/{link.token}"
    assert mail.body.startswith("Hi <b>Aino</b>,\n\nas we said on the phone.\n\n")
    assert f"Pay: {url}" in mail.body
    assert "€18.50: €74.00" in mail.body
    assert "You can pay until" in mail.body
    assert mail.html is not None
    assert f'<a href="{url}">Pay</a>' in mail.html
    assert "Hi &lt;b&gt;Aino&lt;/b&gt;" in mail.html
    assert "€203.00" in mail.html


async def test_a_send_is_queued_then_sent_then_delivered_and_the_shop_hears_of_it(
    merchant: Merchant, worker: Worker
) -> None:
    link = await a_link(merchant)
    await ask(link)
    assert (await the_send(link)).state == "queued"
    await worker.run_once()
    send = await the_send(link)
    assert (send.state, send.reason, send.actor) == ("delivered", None, STAFF)
    assert send.sent_at is not None
    assert send.settled_at is not None
    assert await events("link.sent") == [
        {
            "link_id": link.public_id,
            "order_id": link.order_public_id,
            "reference": "COUNTER-7",
            "channel": "email",
            "reminder": False,
        }
    ]


async def test_without_words_of_its_own_the_shop_sends_ours_with_the_gaps_filled(
    merchant: Merchant, worker: Worker
) -> None:
    await ask(await a_link(merchant))
    await worker.run_once()
    mail = await the_mail()
    assert mail.subject == "Your order COUNTER-7 from Havu & Kivi"
    assert mail.body.startswith("Hello Aino Virta,")
    assert "{" not in mail.body


async def test_one_form_sent_twice_is_sent_once(merchant: Merchant, worker: Worker) -> None:
    link, now = await a_link(merchant), await clock.business_now()
    wanted = Wanted("email", EMAIL, "en", id=ids.internal_id())

    async def press() -> UUID:
        return await db.in_tx(lambda: send_in_tx(link, wanted, actor=STAFF, now=now))

    assert set(await asyncio.gather(press(), press(), press())) == {wanted.id}
    await worker.run_once()
    await press()
    await worker.run_once()
    assert len(await messages(channel="email")) == 1
    assert len(await events("link.sent")) == 1


async def test_a_mailbox_that_does_not_exist_bounces_at_once_and_is_not_told_as_sent(
    merchant: Merchant, worker: Worker
) -> None:
    link = await a_link(merchant)
    await ask(link, to="bounce@example.test")
    await worker.run_once()
    send = await the_send(link)
    assert (send.state, send.reason, send.sent_at) == ("bounced", "recipient_refused", None)
    assert await events("link.sent") == []
    assert await messages(channel="email") == ()


async def test_a_mail_that_comes_back_later_bounces_later(merchant: Merchant, worker: Worker) -> None:
    link = await a_link(merchant)
    await ask(link, to="late-bounce@example.test")
    await worker.run_once()
    send = await the_send(link)
    assert (send.state, send.reason) == ("bounced", "returned")
    assert send.sent_at is not None
    assert len(await events("link.sent")) == 1


async def test_a_text_message_holds_the_words_and_the_address_alone(
    merchant: Merchant, worker: Worker
) -> None:
    link = await a_link(merchant)
    await ask(link, to="048 000 0101", channel="sms")
    await worker.run_once()
    [text] = await messages(channel="sms")
    assert text.to == "+358480000101"
    assert text.body == (
        f"Havu & Kivi: your order COUNTER-7 of €203.00 is ready to be paid: {BASE}/link/{link.token}"
    )
    assert (await the_send(link)).state == "sent"


async def test_a_mail_server_that_is_away_is_asked_again_and_the_mailbox_can_tell_a_repeat(
    merchant: Merchant,
) -> None:
    link = await a_link(merchant)
    send_id = await ask(link)
    door = Sulking(certain=False)
    away = Worker(handlers(WorkerDoors(door, NoWebhooks(), SandboxPhone(), base_url=BASE)))
    await away.run_once()
    assert (door.tries, (await the_send(link)).state) == (1, "queued")
    mail = Mail(
        to=EMAIL,
        subject="s",
        text="t",
        html="h",
        reply_to="shop@havu.example",
        from_name="Havu",
        message_id=(await the_send(link)).message_id,
        merchant_id=merchant.id,
    )
    assert composed(mail, "pay@example.com")["Message-ID"] == f"<link.{send_id}@example.com>"


async def test_a_text_message_that_may_have_left_is_not_sent_again(merchant: Merchant) -> None:
    link = await a_link(merchant)
    await ask(link, to="0480000101", channel="sms")
    door = Sulking(certain=False)
    away = Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks(), door, base_url=BASE)))
    await away.run_once()
    send = await the_send(link)
    assert (door.tries, send.state, send.reason) == (1, "failed", "no_answer")


async def test_the_mail_shows_the_order_as_it_is_when_it_leaves(merchant: Merchant, worker: Worker) -> None:
    link = await a_link(merchant)
    await ask(link)
    order = await order_by_id(merchant.id, link.order_id)
    assert order is not None
    contact = order.contact
    contents = Contents(
        "COUNTER-7", LINES[:1], Contact(contact.name, contact.email, None, None, None, None), None
    )
    now = await clock.business_now()
    await db.in_tx(
        lambda: edit(
            merchant.id,
            order.public_id,
            contents,
            version=1,
            edit_id=ids.internal_id(),
            actor=STAFF,
            now=now,
        )
    )
    await worker.run_once()
    mail = await the_mail()
    assert "Total: €129.00" in mail.body
    assert "Birch cup" not in mail.body


@pytest.mark.parametrize("end", ["pause", "withdraw", "cancel", "lapse"])
async def test_a_link_that_ends_before_its_mail_leaves_is_not_sent(
    merchant: Merchant, worker: Worker, end: str
) -> None:
    link = await a_link(merchant, lasts=timedelta(hours=1))
    await ask(link)
    now = await clock.business_now()
    match end:
        case "pause":
            await actions.pause(merchant.id, link.order_public_id, actor=STAFF, now=now)
        case "withdraw":
            await actions.withdraw(merchant.id, link.order_public_id, actor=STAFF, now=now)
        case "cancel":
            await cancel_order(merchant.id, link.order_public_id, actor=STAFF, now=now)
        case _:
            await db.in_tx(lambda: clock.set_offset_s(3600))
    await worker.run_once()
    assert await messages(channel="email") == ()
    assert (await the_send(link)).state == "failed"


async def test_a_link_that_leads_nowhere_is_not_sent(merchant: Merchant) -> None:
    link, now = await a_link(merchant), await clock.business_now()
    paused = await actions.pause(merchant.id, link.order_public_id, actor=STAFF, now=now)
    with pytest.raises(LinkPaused):
        await ask(paused)
    gone = await actions.withdraw(merchant.id, link.order_public_id, actor=STAFF, now=now)
    with pytest.raises(LinkEnded):
        await ask(gone)


@pytest.mark.parametrize(
    ("to", "words", "field"),
    [
        ("aino", {}, "email"),
        ("a@b.example\nBcc: c@d.example", {}, "email"),
        (EMAIL, {"subject": " \n "}, "subject"),
        (EMAIL, {"subject": "x" * 151}, "subject"),
        (EMAIL, {"message": "\u200b"}, "message"),
        (EMAIL, {"message": "x" * 2001}, "message"),
    ],
)
async def test_what_no_mail_can_be_is_refused_and_nothing_is_queued(
    merchant: Merchant, to: str, words: dict[str, str], field: str
) -> None:
    link = await a_link(merchant)
    with pytest.raises(FieldRefused) as refused:
        await ask(link, to, "email", **words)
    assert refused.value.field == field
    assert await sends_of_link(merchant.id, link.id) == ()


async def test_a_number_that_is_no_mobile_phone_is_refused(merchant: Merchant) -> None:
    link = await a_link(merchant)
    with pytest.raises(PhoneRefused):
        await ask(link, to="09 1234567", channel="sms")


async def test_a_long_name_never_keeps_a_link_from_being_sent(merchant: Merchant) -> None:
    order = await an_open_order(merchant, reference="R" * 100)
    link = await a_link(merchant, order)
    long = "UPDATE merchants SET name = repeat('Havu', 20) WHERE id = $1"
    await db.in_tx(lambda: db.execute(long, merchant.id))
    forget_kept_merchants()
    await ask(link)
    send = await the_send(link)
    assert send.subject is not None
    assert len(send.subject) == 150


async def test_words_of_which_nothing_is_left_are_replaced_by_ours(merchant: Merchant) -> None:
    words = checked_words("{name}", "{until}", "{name}")
    now = await clock.business_now()
    await save_words(merchant, "en", "link", words, actor=STAFF, now=now)
    link = await a_link(merchant, await an_open_order(merchant, contact=Contact(email=EMAIL)))
    await ask(link)
    send = await the_send(link)
    assert send.subject == "Your order COUNTER-7 from Havu & Kivi"
    assert send.body is not None
    assert send.body.startswith("Hello,\n")


async def test_to_whom_a_link_went_is_forgotten_a_month_after_it_has_ended(
    merchant: Merchant, worker: Worker
) -> None:
    link = await a_link(merchant)
    await ask(link)
    await worker.run_once()
    now = await clock.business_now()
    later = Now(now + timedelta(days=31), clock.wall())
    assert await forget_links_sent(later) == 0
    await actions.withdraw(merchant.id, link.order_public_id, actor=STAFF, now=now)
    assert await forget_links_sent(Now(now + timedelta(days=29), clock.wall())) == 0
    assert await forget_links_sent(later) == 1
    send = await the_send(link)
    assert (send.recipient, send.subject, send.body, send.state) == (None, None, None, "delivered")
    assert await order_for_api(merchant.id, link.order_public_id) is not None
