"""Invoices at the desk: the list, one of them, crediting after a look, early repayment, and the seller's details."""

from __future__ import annotations

import re

import httpx
import pytest

from app.checkout.books import check_books
from app.invoices.lists import list_invoices
from app.invoices.queries import Seller, seller_of
from app.invoices.states import InvoiceState
from app.kernel import db
from app.merchants.queries import Merchant
from tests.factories.checkout import a_line, a_merchant
from tests.factories.invoices import a_purchase, again, an_invoice, chores_done, days_later, drawn, paid
from tests.web.admin.conftest import a_person


def numbers(page: httpx.Response) -> list[str]:
    return re.findall(r'href="/admin/invoices/inv_\w+">([\d/-]+)</a>', page.text)


def hidden(page: httpx.Response) -> dict[str, str]:
    """What the page's last form carries along."""
    form = page.text[page.text.rindex("<form method") :]
    return dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', form))


async def test_the_list_shows_who_owes_what_and_filters_by_state(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    late = await an_invoice(merchant)
    await days_later(20)
    await chores_done()
    settled = await an_invoice(merchant)
    await paid(merchant, settled, 12_900)
    whole = await desk.get("/admin/invoices")
    assert numbers(whole) == [settled.number, late.number]
    assert "€129.00" in whole.text
    assert numbers(await desk.get("/admin/invoices?state=overdue")) == [late.number]
    assert numbers(await desk.get("/admin/invoices?state=open")) == [late.number]
    assert numbers(await desk.get("/admin/invoices?state=paid")) == [settled.number]
    assert numbers(await desk.get("/admin/invoices?state=credited")) == []
    assert numbers(await desk.get("/admin/invoices?state=nonsense")) == [settled.number, late.number]


async def test_an_invoice_is_found_by_how_its_number_reference_or_customer_begins(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    first, second = await an_invoice(merchant), await an_invoice(merchant)
    assert first.reference is not None
    payment = first.content.payment
    assert payment is not None
    assert numbers(await desk.get(f"/admin/invoices?q={first.number}")) == [first.number]
    assert numbers(await desk.get(f"/admin/invoices?q={first.reference[:6]}+{first.reference[6:]}")) == [
        first.number
    ]
    assert numbers(await desk.get(f"/admin/invoices?q={payment.rf_reference}")) == [first.number]
    for beginning in ("Aino", "vir", "virta+ai"):
        assert numbers(await desk.get(f"/admin/invoices?q={beginning}")) == [second.number, first.number]
    for nobody in ("irta", "%25", "'", "Aino+Korhonen", "\\"):
        assert numbers(await desk.get(f"/admin/invoices?q={nobody}")) == []


async def test_notices_to_come_are_listed_where_they_are_asked_for(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    receipt, *notices = await drawn(merchant, await a_purchase(merchant, months=3))
    assert numbers(await desk.get("/admin/invoices")) == [receipt.number]
    assert numbers(await desk.get("/admin/invoices?state=scheduled")) == [
        each.number for each in reversed(notices)
    ]


async def test_a_list_goes_on_page_by_page_without_losing_or_repeating(merchant: Merchant, db: str) -> None:
    _ = db
    for _each in range(3):
        await drawn(merchant, await a_purchase(merchant, a_line(price="200.00"), months=4))
    seen: list[str] = []
    cursor = None
    while True:
        page = await list_invoices(merchant.id, cursor=cursor, limit=4)
        seen += [invoice.number for invoice in page.invoices]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 15


@pytest.mark.parametrize("shown", ["all", "sent", "open", InvoiceState.OVERDUE])
async def test_a_page_is_read_from_an_index_in_its_order(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    statements: list[tuple[str, tuple[object, ...]]] = []
    read = db.fetch_all

    async def listening(sql: str, *arguments: object) -> list[db.Record]:
        statements.append((sql, arguments))
        return await read(sql, *arguments)

    monkeypatch.setattr("app.invoices.lists.db.fetch_all", listening)
    await list_invoices(merchant.id, shown=shown, limit=4)  # type: ignore[arg-type]
    [(sql, arguments)] = statements

    async def plan() -> str:
        for way in ("seqscan", "sort", "bitmapscan", "hashjoin"):
            await db.execute(f"SET LOCAL enable_{way} = off")
        return "\n".join(row[0] for row in await read(f"EXPLAIN {sql}", *arguments))

    said = await db.in_tx(plan)
    assert "Sort" not in said
    assert "Seq Scan on invoices" not in said


async def test_one_invoice_shows_figures_payments_and_what_happened(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    invoice = await an_invoice(merchant)
    await paid(merchant, invoice, 2_900)
    page = await desk.get(f"/admin/invoices/{invoice.public_id}")
    assert page.status_code == 200
    for said in (
        invoice.number,
        "Aino Virta",
        "€129.00",
        "€29.00",
        "€100.00",
        "Invoice issued",
        "Record payment",
    ):
        assert said in page.text
    sheet = await desk.get(f"/admin/invoices/{invoice.public_id}/pdf")
    assert (sheet.headers["content-type"], sheet.content[:5]) == ("application/pdf", b"%PDF-")
    assert sheet.headers["content-disposition"] == f'attachment; filename="invoice-{invoice.number}.pdf"'


async def test_a_payment_is_recorded_once_and_a_wrong_one_says_where(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    invoice = await an_invoice(merchant)
    address = f"/admin/invoices/{invoice.public_id}/payments"
    typed = {
        "key": "0197a2c4-0000-7000-8000-000000000001",
        "amount": "29,00",
        "paid_on": str(invoice.issue_on),
    }
    for _ in range(2):
        assert (await desk.post(address, data=typed)).status_code == 303
    assert (await again(merchant, invoice)).paid_minor == 2_900
    wrong = await desk.post(address, data={**typed, "amount": "much", "paid_on": "2999-01-01"})
    assert wrong.status_code == 422
    assert 'value="much"' in wrong.text


async def test_another_shops_invoice_is_not_there(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    _ = merchant
    other = await a_merchant("Other shop")
    invoice = await an_invoice(other)
    for path in ("", "/pdf"):
        assert (await desk.get(f"/admin/invoices/{invoice.public_id}{path}")).status_code == 404
    assert (await desk.get(f"/admin/orders/{invoice.order_public_id}/settlement")).status_code == 404
    assert numbers(await desk.get("/admin/invoices")) == []


async def test_an_instalment_purchase_is_settled_by_the_days_figure(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await a_purchase(merchant, months=6)
    _, *notices = await drawn(merchant, order)
    address = f"/admin/orders/{order}/settlement"
    assert f'href="{address}"' in (await desk.get(f"/admin/orders/{order}")).text
    page = await desk.get(address)
    assert "€129.00" in page.text
    typed = {**hidden_of_payment(page), "paid_on": str(notices[0].content.purchased_on)}
    wrong = await desk.post(address, data={**typed, "amount": "128.99"})
    assert (wrong.status_code, "This is not the sum" in wrong.text) == (422, True)
    for _ in range(2):
        assert (await desk.post(address, data={**typed, "amount": "129.00"})).status_code == 303
    assert {(await again(merchant, notice)).state for notice in notices} == {InvoiceState.PAID}
    # Nothing is left to settle: the page leads back to the order.
    assert (await desk.get(address)).status_code == 303
    assert await check_books() == []


def hidden_of_payment(page: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(key)" value="([^"]*)"', page.text))


SELLER = {
    "name": "Havu ja Kivi Oy",
    "company_id": "20774740",
    "vat_id": "FI 20774740",
    "street": "Satamakatu 3",
    "postcode": "00160",
    "city": "Helsinki",
    "email": "laskut@havu.example",
    "phone": "+358 9 123 4567",
    "iban": "FI21 1234 5600 0007 85",
    "bic": "ndeafihh",
    "footer": "Open  Mon-Fri\n10-18",
}


async def test_the_sellers_details_are_checked_saved_and_printed(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    assert (await desk.post("/admin/settings/seller", data=SELLER)).headers[
        "location"
    ] == "/admin/settings?saved=seller"
    saved = await seller_of(merchant.id)
    assert (saved.company_id, saved.vat_id, saved.iban) == ("2077474-0", "FI20774740", "FI2112345600000785")
    assert (saved.bic, saved.footer) == ("NDEAFIHH", "Open Mon-Fri\n10-18")
    assert "FI21 1234 5600 0007 85" in (await desk.get("/admin/settings")).text
    invoice = await an_invoice(merchant)
    said = invoice.content
    assert (said.seller.name, said.seller.phone, said.footer) == (
        "Havu ja Kivi Oy",
        "+358 9 123 4567",
        saved.footer,
    )
    lines = await db.fetch_all("SELECT actor, detail FROM audit_log WHERE action = 'seller.changed'")
    assert len(lines) == 1
    assert "Satamakatu" not in str(lines[0]["detail"])


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("company_id", "2077474-1"),
        ("vat_id", "FI20774741"),
        ("iban", "FI2112345600000786"),
        ("bic", "X"),
        ("email", "nobody"),
        ("footer", "x" * 301),
    ],
)
async def test_a_slip_is_found_at_its_field_and_nothing_is_saved(
    desk: httpx.AsyncClient, merchant: Merchant, field: str, text: str
) -> None:
    page = await desk.post("/admin/settings/seller", data={**SELLER, field: text})
    assert page.status_code == 422
    assert f'id="f-{field}-wrong"' in page.text
    assert 'value="Havu ja Kivi Oy"' in page.text
    assert await seller_of(merchant.id) == Seller()


async def test_staff_without_the_role_are_kept_out(stranger: httpx.AsyncClient, merchant: Merchant) -> None:
    cashier = await a_person(merchant, "till@havu.example", "cashier")
    await stranger.post("/admin/sign-in", data=cashier.form())
    for path in ("/admin/invoices", "/admin/settings"):
        assert (await stranger.get(path)).status_code == 403
