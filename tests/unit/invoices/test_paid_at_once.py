"""Documents of purchases that card or MobilePay paid: they say how, and ask for nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest

from app import reactions
from app.checkout import paying
from app.checkout.books import check_books
from app.invoices import pdf
from app.invoices.content import Content, ProviderItem
from app.invoices.credits import EVERYTHING, take_back
from app.invoices.queries import payments_of
from app.invoices.rules import documents, opposing
from app.invoices.states import InvoiceState
from app.kernel import clock, outbox
from app.merchants.queries import Merchant
from app.messages.invoice import invoice_mail
from app.messages.receipt import receipt_mail
from app.plans.quote import Quote, beside_wallet, paid_quote
from tests.factories.invoices import drawn
from tests.factories.payments import a_paid_order, asked, choose_paid, confirmed, doors_to
from tests.factories.wallets_in_flow import a_shop_with_wallets, aino_identified, money_of_aino
from tests.support.providers import FakeProvider
from tests.unit.invoices.test_pdf import DAY, a_sale

PRICE = 14_250


def quoted(method: Literal["card", "mobilepay"], wallet_minor: int = 0) -> Quote:
    quote = paid_quote(method, PRICE - wallet_minor, "EUR", "FI", DAY, merchant="m_1")
    return beside_wallet(quote, wallet_minor) if wallet_minor else quote


def receipt_of(quote: Quote) -> Content:
    [document] = documents(replace(a_sale(), quote=quote, payee=None), "2026-00045", [])
    assert (document.kind, document.reference, document.due_on) == ("receipt", None, None)
    return document.content


def test_the_one_document_of_a_sale_by_card_is_a_receipt_that_says_so() -> None:
    content = receipt_of(quoted("card"))
    assert content.provider == ProviderItem("card", content.price_minor)
    assert (content.at_once_minor, content.payment, content.schedule) == (content.price_minor, None, ())


def test_beside_the_wallet_each_part_is_told() -> None:
    content = receipt_of(quoted("mobilepay", 3_000))
    assert content.provider is not None
    assert (content.wallet_minor, content.provider.amount_minor) == (3_000, content.price_minor - 3_000)


def test_what_is_stored_of_it_is_read_again() -> None:
    content = receipt_of(quoted("card", 3_000))
    assert Content.from_data(content.to_data()) == content


def test_its_credit_note_speaks_of_no_payment() -> None:
    sale = receipt_of(quoted("card"))
    note = opposing(sale, "2026-00046", DAY, take_back(sale, [], EVERYTHING))
    assert (note.provider, note.at_once_minor) == (None, 0)


@pytest.mark.parametrize(("method", "word"), [("card", "kortilla"), ("mobilepay", "MobilePaylla")])
def test_the_sheet_says_how_it_was_paid_and_that_nothing_is_left(
    method: Literal["card", "mobilepay"], word: str
) -> None:
    sheet = json.loads(pdf.worded(receipt_of(quoted(method, 3_000)), "fi"))
    assert [label for label, _ in sheet["sums"]][-1] == f"Maksettu {word}"
    assert sheet["total"][1].replace("\xa0", " ") == "0,00 €"
    assert any(word in note for note in sheet["notes"])
    assert sheet["payment"] is None


async def test_a_guests_receipt_is_paid_and_is_nobodys_debt(merchant: Merchant) -> None:
    order, _ = await a_paid_order(merchant, FakeProvider("card"))
    [receipt] = await drawn(merchant, order)
    assert (receipt.kind, receipt.state, receipt.open_minor) == ("receipt", InvoiceState.PAID, 0)
    assert (receipt.debtor_id, receipt.content.buyer.name) == (None, "Aino Virta")
    assert [(each.source, each.applied_minor) for each in await payments_of(merchant.id, receipt.id)] == [
        ("card", 12_900)
    ]
    assert await drawn(merchant, order) == (receipt,)
    assert await check_books() == []


async def test_a_guests_mails_say_that_it_is_paid_and_lead_to_no_page_of_an_account(
    merchant: Merchant,
) -> None:
    order, _ = await a_paid_order(merchant, FakeProvider("mobilepay"))
    receipt = await receipt_mail(merchant.id, order, base_url="https://pay.example")
    assert receipt is not None
    assert "Paid with MobilePay: €129.00" in receipt.text
    assert "there is nothing more to pay" in receipt.text
    for never in ("/purchases", "Left to pay", "Borrowing", "instalments"):
        assert never not in receipt.text + (receipt.html or "")
    [document] = await drawn(merchant, order)
    mail = await invoice_mail(merchant.id, document.public_id)
    assert mail is not None
    assert "It is paid: there is nothing more to pay." in mail.text


async def test_a_receipt_and_its_document_follow_from_a_purchase_by_card_and_no_agreement(
    merchant: Merchant,
) -> None:
    await a_paid_order(merchant, FakeProvider("card"))
    for job in await outbox.claim(20, 30, now=await clock.business_now()):
        if job.kind == outbox.EVENT_KIND:
            await reactions.react(job)
    followed = await outbox.claim(20, 30, now=await clock.business_now())
    assert sorted(job.kind for job in followed) == ["invoice", "mail"]


async def test_what_the_wallet_and_the_card_paid_are_two_payments_on_one_receipt(db: str) -> None:
    del db
    merchant, provider = await a_shop_with_wallets(), FakeProvider("card")
    await money_of_aino(merchant, 4_000)
    shopper = await aino_identified(merchant)
    await choose_paid(shopper, "card", 4_000)
    payment = await paying.open_at_provider(await confirmed(shopper), doors_to(provider))
    provider.approve(payment.provider_ref)
    settled = await asked(payment, provider)
    [receipt] = await drawn(merchant, settled.order_public_id)
    assert receipt.state is InvoiceState.PAID
    assert {each.source: each.applied_minor for each in await payments_of(merchant.id, receipt.id)} == {
        "wallet": 4_000,
        "card": 8_900,
    }
    mail = await receipt_mail(merchant.id, settled.order_public_id, base_url="https://pay.example")
    assert mail is not None
    for said in ("Paid from your wallet: €40.00", "Paid by card: €89.00", "/purchases/"):
        assert said in mail.text
    assert await check_books() == []
