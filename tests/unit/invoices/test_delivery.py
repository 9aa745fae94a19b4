"""How documents reach people: by e-mail with the PDF, on paper through the print door, and reminders by SMS."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from app.checkout.actions import record_payment
from app.checkout.books import check_books
from app.doors import WorkerDoors
from app.invoices import actions
from app.invoices.errors import NotCreditable
from app.invoices.queries import InvoiceView, invoices_of_order
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.messages.invoice import addressed, letter_of
from app.messages.ports import Attachment, Letter, Mail, NeverTaken
from app.messages.sandbox_outbox import SandboxMessage, messages
from app.messages.sandbox_screens import attachment
from app.orders.queries import order_by_id, order_timeline
from app.outside.letters import LetterFolder, NoPrinter
from app.outside.mail import SandboxLetterbox, composed
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.invoices import a_purchase, days_later, paid
from tests.factories.links import an_open_order
from tests.factories.recorded import received

UUID_1: Final = UUID(int=1)


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


@pytest.fixture
def worker(db: str) -> Worker:
    return Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), chores())


async def bought(merchant: Merchant, worker: Worker, months: int = 0) -> tuple[InvoiceView, ...]:
    """The documents of a purchase after the worker did its part."""
    order = await a_purchase(merchant, months=months)
    await worker.run_once()
    return await invoices_of_order(merchant.id, order)


async def with_pdf(channel: str = "email") -> list[SandboxMessage]:
    """What was sent with a document of this room; the signed agreement goes by a mail of its own."""
    found = await messages(channel="email" if channel == "email" else "letter")
    return [
        message
        for message in found
        if message.attachments and not message.attachments[0].startswith("agreement-")
    ]


async def test_a_purchase_is_followed_by_its_invoice_with_the_pdf(merchant: Merchant, worker: Worker) -> None:
    [invoice] = await bought(merchant, worker)
    [mail] = await with_pdf()
    assert mail.to == "aino@example.test"
    assert mail.subject == f"Invoice {invoice.number} from Havu & Kivi, €129.00"
    assert mail.attachments == (f"invoice-{invoice.number}.pdf",)
    assert "FI21 1234 5600 0007 85" in mail.body
    sheet = await attachment(mail.id, 1)
    assert sheet is not None
    assert sheet.data.startswith(b"%PDF-")
    await worker.run_once()
    assert len(await with_pdf()) == 1


async def test_instalments_send_the_receipt_at_once_and_each_notice_in_its_time(
    merchant: Merchant, worker: Worker
) -> None:
    receipt, first, *_ = await bought(merchant, worker, months=3)
    assert [mail.attachments for mail in await with_pdf()] == [(f"receipt-{receipt.number}.pdf",)]
    today = merchant.local_date(await clock.business_now())
    await days_later((first.issue_on - today).days)
    await worker.run_once()
    _, notice = await with_pdf()
    assert notice.attachments == (f"notice-{receipt.number}-1.pdf",)
    assert notice.subject.startswith(f"Payment notice {first.number}")


async def test_a_credit_note_is_sent_too(merchant: Merchant, worker: Worker) -> None:
    [invoice] = await bought(merchant, worker)
    now = await clock.business_now()
    note = await db.in_tx(
        lambda: actions.credit_in_full(merchant, invoice.public_id, actor="staff:x", now=now)
    )
    await worker.run_once()
    assert (await with_pdf())[-1].attachments == (f"credit-note-{note.number}.pdf",)


async def test_the_first_reminder_is_a_free_sms_after_the_days_of_grace(
    merchant: Merchant, worker: Worker
) -> None:
    [invoice] = await bought(merchant, worker)
    assert invoice.due_on is not None
    to_due = (invoice.due_on - merchant.local_date(await clock.business_now())).days
    await days_later(to_due + 2)
    await worker.run_once()
    assert await messages(channel="sms") == ()
    await days_later(1)
    await worker.run_once()
    await worker.run_once()
    [sms] = await messages(channel="sms")
    assert invoice.number in sms.body
    assert "free" in sms.body
    order = await order_by_id(merchant.id, invoice.order_id)
    assert order is not None
    timeline = await order_timeline(merchant.id, order.id)
    said = [(entry.kind, entry.what) for entry in timeline if entry.what in {"reminder", "invoice.overdue"}]
    assert said == [("invoice", "invoice.overdue"), ("delivery", "reminder")]


async def test_the_second_reminder_is_a_mail_that_asks_for_the_rest(
    merchant: Merchant, worker: Worker
) -> None:
    [invoice] = await bought(merchant, worker)
    await days_later(20)
    await worker.run_once()
    await paid(merchant, invoice, 2_900)
    await days_later(15)
    await worker.run_once()
    mail = (await with_pdf())[-1]
    assert mail.subject == f"Reminder: invoice {invoice.number} from Havu & Kivi, €100.00"
    assert mail.attachments == (f"reminder-{invoice.number}.pdf",)


async def test_a_payment_five_minutes_ago_stops_a_reminder(merchant: Merchant, worker: Worker) -> None:
    [invoice] = await bought(merchant, worker)
    now = await days_later(20)
    # The reminder is decided and waits on the outbox; then the money comes.
    await actions.mark_overdue(now, 100)
    assert await actions.remind_due(now, 100) == 1
    await paid(merchant, invoice, 12_900)
    await days_later(timedelta(minutes=5) / timedelta(days=1))
    await worker.run_once()
    assert await messages(channel="sms") == ()
    await days_later(60)
    await worker.run_once()
    assert await messages(channel="sms") == ()


def a_letter(letter_id: str = "inv_1") -> Letter:
    return Letter(
        to=("Aino Virta", "Puistokatu 12 B 4", "00100 Helsinki"),
        subject="Invoice 2026-00001",
        sheet=Attachment("invoice-2026-00001.pdf", "application/pdf", b"%PDF-1.7 sheet"),
        letter_id=letter_id,
        merchant_id=UUID_1,
    )


def in_manifest(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


async def test_a_letter_is_a_pdf_and_a_line_of_the_manifest_and_a_repeat_adds_nothing(tmp_path: Path) -> None:
    door = LetterFolder(tmp_path / "post")
    for letter_id in ("inv_1", "inv_1", "inv_2"):
        await door.send(a_letter(letter_id), timeout_s=5)
    entries = in_manifest(tmp_path / "post")
    assert [entry["id"] for entry in entries] == ["inv_1", "inv_2"]
    assert entries[0]["to"] == ["Aino Virta", "Puistokatu 12 B 4", "00100 Helsinki"]
    for entry in entries:
        assert (tmp_path / "post" / str(entry["file"])).read_bytes() == b"%PDF-1.7 sheet"
    assert list((tmp_path / "post").glob("*.part")) == []


async def test_without_a_printer_a_letter_is_given_up() -> None:
    with pytest.raises(NeverTaken):
        await NoPrinter().send(a_letter(), timeout_s=5)


async def test_an_incomplete_address_makes_no_letter(merchant: Merchant, worker: Worker) -> None:
    [invoice] = await bought(merchant, worker)
    found = await addressed(merchant.id, invoice.public_id)
    assert found is not None
    nowhere = replace(found, contact=replace(found.contact, street=None))
    assert await letter_of(nowhere, invoice.content, "inv_1") is None


async def test_a_letter_lands_in_the_sandboxs_letterbox(merchant: Merchant, worker: Worker) -> None:
    await db.in_tx(lambda: db.execute("UPDATE plans SET paper_fee_minor = 290"))
    order = await a_purchase(merchant, delivery="paper")
    await worker.run_once()
    [invoice] = await invoices_of_order(merchant.id, order)
    assert (invoice.amount_minor, invoice.fee_minor) == (13_190, 290)
    [letter] = await with_pdf("letter")
    assert letter.to == "Aino Virta"
    assert letter.body == "Aino Virta\nPuistokatu 12 B 4\n00100 Helsinki"
    assert letter.attachments == (f"invoice-{invoice.number}.pdf",)


def test_an_attachment_travels_with_its_name_and_type() -> None:
    mail = Mail(
        to="aino@example.test",
        subject="Invoice",
        text="Your invoice",
        html="<p>Your invoice</p>",
        reply_to="shop@havu.example",
        from_name="Havu & Kivi",
        message_id="invoice.inv_1",
        merchant_id=UUID_1,
        attachments=(Attachment("invoice-2026-00001.pdf", "application/pdf", b"%PDF-1.7"),),
    )
    message = composed(mail, "receipts@kolme.example")
    [attached] = list(message.iter_attachments())
    assert (attached.get_filename(), attached.get_content_type()) == (
        "invoice-2026-00001.pdf",
        "application/pdf",
    )
    assert attached.get_content() == b"%PDF-1.7"
    html = message.get_body(("html",))
    assert html is not None
    assert "Your invoice" in html.get_content()


async def test_money_that_staff_recorded_is_followed_by_receipts_and_by_no_agreement(
    merchant: Merchant, worker: Worker
) -> None:
    order = await an_open_order(merchant)
    now = await clock.business_now()
    await record_payment(merchant, order.public_id, await received(merchant, source="cash"), now)
    await worker.run_once()
    await worker.run_once()
    [receipt] = await invoices_of_order(merchant.id, order.public_id)
    assert (receipt.kind, receipt.state, receipt.amount_minor, receipt.open_minor) == (
        "receipt",
        "issued",
        203_00,
        0,
    )
    assert receipt.number.endswith("-00001")
    [sheet] = await with_pdf()
    assert sheet.attachments == (f"receipt-{receipt.number}.pdf",)
    assert "muuta maksettavaa ei ole" in sheet.body
    [mail] = [each for each in await messages(channel="email") if not each.attachments]
    assert ": Käteinen, " in mail.body
    jobs = {row["kind"] for row in await db.fetch_all("SELECT kind FROM outbox")}
    assert jobs == {"event", "mail", "invoice"}, "no agreement is drawn, and no points are earned"
    assert "korko" not in mail.body.lower(), "nothing is lent"
    assert (
        await db.fetch_value("SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL OR done_at IS NULL")
        == 0
    )
    assert await check_books() == []


async def test_a_sale_that_recorded_money_has_paid_is_not_taken_back_here(
    merchant: Merchant, worker: Worker
) -> None:
    order = await an_open_order(merchant)
    await record_payment(merchant, order.public_id, await received(merchant), await clock.business_now())
    await worker.run_once()
    [receipt] = await invoices_of_order(merchant.id, order.public_id)
    now = await clock.business_now()
    with pytest.raises(NotCreditable):
        await db.in_tx(lambda: actions.credit_in_full(merchant, receipt.public_id, actor="staff:x", now=now))
