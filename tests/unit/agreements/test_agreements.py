"""The agreement of a purchase: drawn once, kept for ever, sent once, and the reminder that one may withdraw."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

import asyncpg
import pytest

from app.agreements import actions
from app.agreements.jobs import draw
from app.agreements.queries import agreement_of_order, document_of_order, sheet_of_order
from app.checkout import shown
from app.checkout.actions import confirm
from app.checkout.books import check_books
from app.invoices.actions import credit_in_full
from app.invoices.queries import invoices_of_order
from app.kernel import clock, db, outbox
from app.kernel.outbox import Job
from app.law.actions import confirm as confirm_law
from app.merchants.queries import Merchant, forget_kept_merchants, merchant_by_id
from app.messages.sandbox_outbox import SandboxMessage, messages
from app.messages.sandbox_screens import attachment
from app.orders.queries import order_for_api, order_timeline
from app.worker import Worker
from tests.factories.checkout import Shopper, a_session
from tests.factories.invoices import ADDRESS, OPERATOR, a_purchase, days_later
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import (
    aino_identified,
    money_of_aino,
    pay_all_from_wallet,
    pay_part_from_wallet,
)

REMINDER: Final = "You may still withdraw from your credit, order SHOP-1001"
LEASE_S: Final = 30


async def mails(subject: str) -> list[SandboxMessage]:
    return [mail for mail in await messages(channel="email") if mail.subject.startswith(subject)]


async def reminders() -> list[SandboxMessage]:
    return await mails(REMINDER)


async def bought(merchant: Merchant, worker: Worker, months: int = 0) -> str:
    """A confirmed order after the worker did its part."""
    order = await a_purchase(merchant, months=months)
    await worker.run_once()
    return order


@pytest.mark.parametrize("months", [0, 6])
async def test_a_purchase_leaves_its_agreement_with_the_quotes_id_and_hash(
    merchant: Merchant, worker: Worker, months: int
) -> None:
    order = await bought(merchant, worker, months)
    agreement, stored = (
        await agreement_of_order(merchant.id, order),
        await document_of_order(merchant.id, order),
    )
    sheet, view = await sheet_of_order(merchant.id, order), await order_for_api(merchant.id, order)
    assert agreement is not None
    assert stored is not None
    assert sheet is not None
    assert view is not None
    assert sheet.signed is not None
    assert (agreement.quote_id, agreement.quote_hash) == (sheet.quote.id, sheet.quote.hash)
    assert agreement.quote_id == view.quote_id
    assert agreement.signed_at == sheet.signed.signed_at == view.paid_at
    assert agreement.document_hash == hashlib.sha256(stored.data).hexdigest()
    assert sheet.signed.borrower.name == "Aino Virta"
    assert sheet.creditor.name == "Kolme Sandbox"
    assert [item.name for item in sheet.goods] == ["Wool blanket"]
    assert await check_books() == []


async def test_a_part_from_the_wallet_is_no_part_of_the_agreement_and_all_from_it_leaves_none(
    merchant: Merchant, worker: Worker
) -> None:
    shop = await switched(merchant)
    await money_of_aino(shop, 20_000)
    in_part, alone = await aino_identified(shop), await aino_identified(shop)
    await pay_part_from_wallet(in_part, 2_900)
    assert await in_part.be_decided() == "approved"
    order = (await in_part.confirm(ADDRESS)).order_public_id
    await pay_all_from_wallet(alone)
    other = (await alone.confirm(ADDRESS)).order_public_id
    await worker.run_once()
    sheet = await sheet_of_order(shop.id, order)
    assert sheet is not None
    assert (sheet.quote.amount_minor, sheet.quote.wallet_minor) == (10_000, 2_900)
    assert await agreement_of_order(shop.id, other) is None
    assert [each.kind for each in await invoices_of_order(shop.id, other)] == ["receipt"]
    assert await check_books() == []


async def test_it_is_mailed_once_and_exactly_as_it_is_kept(merchant: Merchant, worker: Worker) -> None:
    order = await bought(merchant, worker)
    await worker.run_once()
    [mail] = await mails("Your credit agreement, order SHOP-1001")
    sent, stored = await attachment(mail.id, 1), await document_of_order(merchant.id, order)
    assert sent is not None
    assert stored is not None
    assert (sent.name, sent.data) == (stored.name, stored.data)
    assert "Borrowing money costs money" in mail.body


async def test_it_is_written_in_the_language_of_the_page_that_was_confirmed(
    merchant: Merchant, worker: Worker
) -> None:
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.return_from_bank()
    await shopper.be_decided()
    field = shown.sign(await shopper.flow())
    bought_in = await confirm(shopper.session, shopper.browser, field, ADDRESS, lang="bg")
    await worker.run_once()
    agreement = await agreement_of_order(merchant.id, bought_in.order_public_id)
    assert agreement is not None
    assert agreement.lang == "bg"
    [mail] = await mails("Вашият договор за кредит")
    assert "Заемането на пари струва пари" in mail.body


async def the_job(order: str) -> Job:
    """The drawing's job, claimed as a worker does it; whatever else is due meanwhile is left to its lease."""
    jobs = await outbox.claim(50, LEASE_S, now=await clock.business_now())
    [job] = [job for job in jobs if job.kind == actions.DRAW_JOB and job.about == order]
    return job


async def test_a_worker_that_dies_after_drawing_leaves_one_agreement_and_one_mail(
    merchant: Merchant, worker: Worker
) -> None:
    order = await a_purchase(merchant)
    await db.in_tx(lambda: actions.ask_to_draw(merchant.id, order, "en"))
    job = await the_job(order)
    # Two workers hold the same job: one is slow, its lease ended, and another one took it over.
    ended = await asyncio.gather(draw(job, OPERATOR), draw(job, OPERATOR), return_exceptions=True)
    assert len([end for end in ended if not isinstance(end, BaseException)]) >= 1
    await days_later(1 / 24)
    await worker.run_once()
    assert await db.fetch_value("SELECT count(*) FROM agreements") == 1
    [_] = await mails("Your credit agreement")
    assert await check_books() == []


async def test_an_agreement_never_changes(merchant: Merchant, worker: Worker) -> None:
    await bought(merchant, worker)
    for sql in ("UPDATE agreements SET lang = 'fi'", "DELETE FROM agreements"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await db.in_tx(lambda sql=sql: db.execute(sql))  # type: ignore[misc]


async def test_a_document_that_is_not_its_hash_is_refused_by_the_database(
    merchant: Merchant, worker: Worker
) -> None:
    await bought(merchant, worker)
    with pytest.raises(asyncpg.CheckViolationError):
        await db.in_tx(
            lambda: db.execute(
                "INSERT INTO agreements SELECT (jsonb_populate_record(a, jsonb_build_object("
                "'id', gen_random_uuid(), 'document', '\\x00'))).* FROM agreements a"
            )
        )


async def test_the_books_find_an_agreement_of_another_quote(merchant: Merchant, worker: Worker) -> None:
    await bought(merchant, worker)
    await db.in_tx(_with_another_hash)
    assert "I14 an agreement is of its order's quote" in {each.invariant for each in await check_books()}


async def _with_another_hash() -> None:
    await db.execute("ALTER TABLE agreements DISABLE TRIGGER agreements_only_grow")
    await db.execute("UPDATE agreements SET quote_hash = repeat('0', 64)")
    await db.execute("ALTER TABLE agreements ENABLE TRIGGER agreements_only_grow")


async def test_on_the_third_day_the_shopper_is_reminded_of_the_right_to_withdraw_once(
    merchant: Merchant, worker: Worker
) -> None:
    order = await bought(merchant, worker)
    agreement, view = await agreement_of_order(merchant.id, order), await order_for_api(merchant.id, order)
    assert agreement is not None
    assert view is not None
    signed_on = merchant.local_date(agreement.signed_at)
    assert (merchant.local_date(agreement.remind_at) - signed_on).days == 3
    await days_later((agreement.remind_at - await clock.business_now()).total_seconds() / 86_400 - 0.01)
    await worker.run_once()
    assert await reminders() == []
    await days_later(0.02)
    await worker.run_once()
    await days_later(5)
    await worker.run_once()
    [mail] = await reminders()
    assert mail.to == "aino@example.test"
    assert "without giving a reason" in mail.body
    timeline = await order_timeline(merchant.id, view.id)
    [entry] = [entry for entry in timeline if entry.what == actions.REMIND_JOB]
    assert (entry.kind, entry.outcome) == ("delivery", "done")


async def test_a_purchase_that_was_taken_back_is_not_reminded_of(merchant: Merchant, worker: Worker) -> None:
    order = await bought(merchant, worker)
    [invoice] = await invoices_of_order(merchant.id, order)
    now = await clock.business_now()
    await db.in_tx(lambda: credit_in_full(merchant, invoice.public_id, actor="staff:x", now=now))
    await days_later(8)
    await worker.run_once()
    assert await reminders() == []
    tried = await db.fetch_value(
        "SELECT t.detail FROM outbox j JOIN outbox_tries t ON t.merchant_id = j.merchant_id AND t.outbox_id = j.id"
        " WHERE j.kind = $1",
        actions.REMIND_JOB,
    )
    assert tried == "the purchase was taken back"


async def test_who_left_no_address_is_reminded_by_sms(merchant: Merchant, worker: Worker) -> None:
    await bought(merchant, worker)
    await db.in_tx(lambda: db.execute("UPDATE order_contacts SET email = NULL, phone = '+358480000101'"))
    await days_later(8)
    await worker.run_once()
    assert await reminders() == []
    [sms] = await messages(channel="sms")
    assert "you may withdraw from your credit from Kolme Sandbox" in sms.body


async def test_an_agreement_is_official_once_an_operator_has_vouched_for_the_wording(
    merchant: Merchant, worker: Worker
) -> None:
    now = await clock.business_now()
    today = merchant.local_date(now)
    unofficial = await sheet_of_order(merchant.id, await bought(merchant, worker))
    await confirm_law("FI", ["information"], by="Olli", source="Finlex", on=today, now=now)
    shopper = Shopper.at(await a_session(merchant))
    assert (await shopper.flow()).official_wording
    official = await sheet_of_order(merchant.id, await bought(merchant, worker))
    assert unofficial is not None
    assert official is not None
    assert (unofficial.official, official.official) == (False, True)


async def test_a_shop_that_lends_itself_is_the_creditor(merchant: Merchant, worker: Worker) -> None:
    await db.in_tx(lambda: db.execute("UPDATE merchants SET creditor = 'merchant'"))
    await db.in_tx(
        lambda: db.execute(
            "INSERT INTO invoice_sellers (merchant_id, company_id, street, postcode, city, iban)"
            " VALUES ($1, '1234567-1', 'Satamakatu 3', '00160', 'Helsinki', 'FI2112345600000785')",
            merchant.id,
        )
    )
    forget_kept_merchants()
    lending = await merchant_by_id(merchant.id)
    assert lending is not None
    sheet = await sheet_of_order(merchant.id, await bought(lending, worker))
    assert sheet is not None
    assert sheet.intermediary is None
    assert (sheet.creditor.name, sheet.creditor.address) == ("Havu & Kivi", "Satamakatu 3, 00160 Helsinki")
