"""Documents of purchases that the wallet paid, alone or in part: the whole price, and what is asked for beside it."""

from __future__ import annotations

import pytest

from app.checkout.books import check_books
from app.invoices.queries import InvoiceView, payments_of
from app.invoices.rules import notice_of, reminder_of
from app.invoices.states import InvoiceState
from app.kernel import db
from app.merchants.queries import Merchant
from app.messages.receipt import receipt_mail
from tests.factories.checkout import a_merchant
from tests.factories.invoices import ADDRESS, again, drawn, paid
from tests.factories.wallets import switched
from tests.factories.wallets_in_flow import (
    a_shop_with_wallets,
    aino_identified,
    money_of_aino,
    pay_all_from_wallet,
    pay_part_from_wallet,
)

pytestmark = pytest.mark.usefixtures("db")

PRICE = 12_900


async def bought_in_part(
    merchant: Merchant, wallet_minor: int = 2_900, kind: str = "invoice", months: int = 0
) -> str:
    await money_of_aino(merchant, 15_000)
    shopper = await aino_identified(merchant)
    await pay_part_from_wallet(shopper, wallet_minor, kind, months)
    await shopper.be_decided()
    return (await shopper.confirm(ADDRESS)).order_public_id


async def bought_by_wallet(merchant: Merchant) -> str:
    await money_of_aino(merchant, 15_000)
    shopper = await aino_identified(merchant)
    await pay_all_from_wallet(shopper)
    return (await shopper.confirm(ADDRESS)).order_public_id


async def sources_of(merchant: Merchant, *documents: InvoiceView) -> list[tuple[str, int]]:
    payments = await payments_of(merchant.id, *(each.id for each in documents))
    return [(each.source, each.applied_minor) for each in payments]


async def test_an_invoice_says_the_whole_price_and_asks_for_what_the_wallet_left() -> None:
    merchant = await a_shop_with_wallets()
    [invoice] = await drawn(merchant, await bought_in_part(merchant))
    assert (invoice.amount_minor, invoice.paid_minor, invoice.open_minor) == (PRICE, 2_900, 10_000)
    assert invoice.state is InvoiceState.PARTLY_PAID
    content = invoice.content
    assert (content.price_minor, content.wallet_minor, content.amount_minor) == (PRICE, 2_900, 10_000)
    assert sum(group.gross_minor for group in content.vat) == PRICE
    assert content.payment is not None
    assert content.payment.barcode is not None
    assert "010000" in content.payment.barcode
    assert await sources_of(merchant, invoice) == [("wallet", 2_900)]
    assert await check_books() == []


async def test_paying_the_rest_pays_the_invoice() -> None:
    merchant = await a_shop_with_wallets()
    [invoice] = await drawn(merchant, await bought_in_part(merchant))
    await paid(merchant, invoice, 10_000)
    assert (await again(merchant, invoice)).state is InvoiceState.PAID
    assert await db.fetch_value("SELECT exposure_minor FROM credit_exposures") == 0
    assert await check_books() == []


async def test_a_reminder_asks_for_what_is_open_and_speaks_of_no_more() -> None:
    merchant = await a_shop_with_wallets()
    [invoice] = await drawn(merchant, await bought_in_part(merchant))
    await paid(merchant, invoice, 4_000)
    now = await again(merchant, invoice)
    sheet = reminder_of(now.content, now.off, now.issue_on)
    assert (sheet.price_minor, sheet.paid_minor, sheet.amount_minor) == (10_000, 4_000, 6_000)
    assert sheet.wallet_minor == 0


async def test_a_receipt_of_instalments_names_the_wallets_part_and_notices_ask_for_the_rest() -> None:
    merchant = await a_shop_with_wallets()
    receipt, *notices = await drawn(merchant, await bought_in_part(merchant, kind="instalments", months=4))
    assert (receipt.kind, receipt.amount_minor, receipt.paid_minor) == ("receipt", PRICE, 2_900)
    assert receipt.state is InvoiceState.ISSUED
    assert sum(notice.principal_minor for notice in notices) == 10_000
    assert all(notice.paid_minor == 0 and notice.content.wallet_minor == 0 for notice in notices)
    assert notice_of(notices[0].content, notices[0].off) == notices[0].content
    assert await check_books() == []


async def test_a_sale_that_the_wallet_paid_has_a_paid_receipt_and_nothing_asks_for_money() -> None:
    merchant = await a_shop_with_wallets()
    [receipt] = await drawn(merchant, await bought_by_wallet(merchant))
    assert (receipt.kind, receipt.amount_minor, receipt.open_minor) == ("receipt", PRICE, 0)
    assert receipt.state is InvoiceState.PAID
    assert (receipt.content.wallet_minor, receipt.content.payment, receipt.reference) == (PRICE, None, None)
    assert await sources_of(merchant, receipt) == [("wallet", PRICE)]
    assert await check_books() == []


async def test_a_second_drawing_records_nothing_twice() -> None:
    merchant = await a_shop_with_wallets()
    order = await bought_in_part(merchant)
    [invoice] = await drawn(merchant, order)
    [same] = await drawn(merchant, order)
    assert same.id == invoice.id
    assert await sources_of(merchant, invoice) == [("wallet", 2_900)]


async def test_a_shop_without_an_account_sells_for_money_of_the_wallet() -> None:
    merchant = await switched(await a_merchant(creditor="merchant"))
    [receipt] = await drawn(merchant, await bought_by_wallet(merchant))
    assert receipt.state is InvoiceState.PAID


async def test_the_mail_says_what_the_wallet_paid_and_warns_of_credit_only_where_there_is_some() -> None:
    merchant = await a_shop_with_wallets()
    in_part = await receipt_mail(merchant.id, await bought_in_part(merchant))
    assert in_part is not None
    assert "Paid from your wallet: €29.00" in in_part.text
    assert "Left to pay: €100.00" in in_part.text
    assert "Borrowing money costs money" in in_part.text


async def test_the_mail_of_a_purchase_by_wallet_speaks_of_no_credit() -> None:
    merchant = await a_shop_with_wallets()
    mail = await receipt_mail(merchant.id, await bought_by_wallet(merchant))
    assert mail is not None
    assert "Paid from your wallet: €129.00" in mail.text
    assert "there is nothing more to pay" in mail.text
    assert "Left to pay" not in mail.text
    assert "Borrowing" not in mail.text + (mail.html or "")
