"""What a company is invoiced: its documents, and the same as an e-invoice file whose sums agree to the minor unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checkout.facts import own_history
from app.credit.rules import Facts, decide
from app.invoices.content import Content, LateItem, Party
from app.invoices.rules import items_of, vat_of
from app.invoices.ubl import can_be_ubl, ubl_of
from app.kernel import clock, db
from app.kernel.company_number import CompanyNumber
from app.merchants.queries import Merchant
from app.messages.invoice import invoice_mail
from app.orders.companies import Company
from app.orders.rules import Line
from tests.factories.checkout import a_line
from tests.factories.companies import an_invoice_of_a_company
from tests.factories.invoices import again, chores_done, days_later

DAY: Final = date(2026, 11, 22)
NAMES: Final = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def told(file: bytes, path: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(file).findall(path, NAMES)]


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


async def test_the_invoice_names_the_company_its_terms_and_its_reference(merchant: Merchant) -> None:
    invoice = await an_invoice_of_a_company(merchant)
    content = invoice.content
    assert content.buyer.name == "Kone Oy"
    assert content.buyer.company_id == "2077474-0"
    assert content.buyer.vat_id is None
    assert content.purchase_order == "PO-77"
    assert content.due_on is not None
    assert (content.due_on - content.purchased_on).days == 30
    assert content.late.reminder_fee_minor == 0


async def test_a_company_of_another_country_is_named_with_its_vat_number(merchant: Merchant) -> None:
    company = Company(CompanyNumber("DE", "136695976"), "Maschinen GmbH")
    invoice = await an_invoice_of_a_company(merchant, company=company)
    assert invoice.content.buyer.vat_id == "DE136695976"


async def test_the_mail_brings_the_file_where_that_was_chosen_and_only_there(
    merchant: Merchant,
) -> None:
    chosen = await an_invoice_of_a_company(merchant)
    mail = await invoice_mail(merchant.id, chosen.public_id)
    assert mail is not None
    assert [each.content_type for each in mail.attachments] == ["application/pdf", "application/xml"]
    assert mail.attachments[1].name == f"invoice-{chosen.content.number}.xml"
    plain = await an_invoice_of_a_company(merchant, delivery="email", phone="+358480000102")
    mail = await invoice_mail(merchant.id, plain.public_id)
    assert mail is not None
    assert [each.content_type for each in mail.attachments] == ["application/pdf"]


async def test_the_file_says_what_the_document_says(merchant: Merchant) -> None:
    content = (await an_invoice_of_a_company(merchant, a_line(), a_line("Lamp", "0.99", 3))).content
    file = ubl_of(content)
    assert told(file, "cbc:ID") == [content.number]
    assert told(file, "cac:OrderReference/cbc:ID") == ["PO-77"]
    assert told(file, "cac:PaymentMeans/cbc:PaymentID") != []
    assert minor(told(file, "cac:LegalMonetaryTotal/cbc:PayableAmount")[0]) == content.amount_minor
    assert minor(told(file, "cac:TaxTotal/cbc:TaxAmount")[0]) == sum(each.vat_minor for each in content.vat)
    assert told(file, "cac:AccountingCustomerParty/cac:Party/cbc:EndpointID") == ["003720774740"]


async def test_a_company_is_reminded_by_e_mail_after_three_days_and_ten(merchant: Merchant) -> None:
    invoice = await an_invoice_of_a_company(merchant)
    await days_later(30 + 3 + 1.5)
    await chores_done()
    await days_later(7)
    await chores_done()
    sent = await db.fetch_all("SELECT step, channel FROM invoice_reminders ORDER BY step")
    assert [(row["step"], row["channel"]) for row in sent] == [(1, "email"), (2, "email")]
    assert (await again(merchant, invoice)).state == "overdue"


async def test_while_an_invoice_of_it_is_overdue_a_person_decides_on_a_company(merchant: Merchant) -> None:
    await an_invoice_of_a_company(merchant)
    await days_later(32)
    await chores_done()
    company = await db.fetch_value("SELECT customer_id FROM companies")
    history = await own_history(merchant.id, company, "EUR", await clock.business_now())
    facts = Facts(
        amount_minor=100,
        currency="EUR",
        exposure_minor=history.exposure_minor,
        limit_minor=merchant.company_limit_minor,
        answer=None,
        late_payments=history.late_payments,
        for_company=True,
    )
    assert decide(facts).outcome == "referred"
    assert decide(facts).reasons == ("late_payments",)


def a_document(lines: tuple[Line, ...]) -> Content:
    total = sum(line.total_minor for line in lines)
    return Content(
        kind="invoice",
        number="2026-00001",
        sale_number=None,
        order_reference="SHOP-1",
        seller=Party("Havu & Kivi", country="FI"),
        buyer=Party("Kone Oy", company_id="2077474-0", country="FI"),
        purchased_on=DAY,
        issue_on=DAY,
        due_on=DAY,
        currency="EUR",
        lines=items_of(lines),
        vat=vat_of(lines),
        price_minor=total,
        interest_minor=0,
        fee_minor=0,
        amount_minor=total,
        payment=None,
        instalment=0,
        instalments=0,
        schedule=(),
        nominal_rate="0",
        apr="0",
        late=LateItem(None, None, 0),
        quote_id="",
        quote_hash="",
        for_company=True,
    )


RATES: Final = [Decimal("25.5"), Decimal(14), Decimal(10), Decimal(0)]
ITEMS = st.builds(
    Line,
    st.just("item"),
    st.just("Thing"),
    st.integers(1, 99),
    st.integers(0, 999_99),
    st.sampled_from(RATES),
)
DISCOUNTS = st.builds(
    Line, st.just("discount"), st.just("Off"), st.just(1), st.integers(-500_00, -1), st.sampled_from(RATES)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=6), st.lists(DISCOUNTS, max_size=2))
def test_lines_rates_and_totals_agree_to_the_minor_unit(items: list[Line], discounts: list[Line]) -> None:
    lines = (*items, *discounts)
    total = sum(line.total_minor for line in lines)
    file = ubl_of(a_document(lines))
    net = [minor(text) for text in told(file, "cac:InvoiceLine/cbc:LineExtensionAmount")]
    taxed = [minor(text) for text in told(file, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount")]
    vat = [minor(text) for text in told(file, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount")]
    assert sum(net) == sum(taxed) == minor(told(file, "cac:LegalMonetaryTotal/cbc:LineExtensionAmount")[0])
    assert sum(vat) == minor(told(file, "cac:TaxTotal/cbc:TaxAmount")[0])
    assert sum(taxed) + sum(vat) == total
    quantities = [Decimal(text) for text in told(file, "cac:InvoiceLine/cbc:InvoicedQuantity")]
    prices = [Decimal(text) for text in told(file, "cac:InvoiceLine/cac:Price/cbc:PriceAmount")]
    assert all(price >= 0 for price in prices)
    for quantity, price, each in zip(quantities, prices, net, strict=True):
        assert abs(quantity * price * 100 - each) < Decimal("0.5")


def test_a_consumers_document_is_no_e_invoice() -> None:
    document = a_document((Line("item", "Thing", 1, 100, Decimal("25.5")),))
    assert can_be_ubl(document)
    assert not can_be_ubl(replace(document, for_company=False))
    assert not can_be_ubl(replace(document, kind="notice"))
    with pytest.raises(ValueError, match="no e-invoice"):
        ubl_of(replace(document, for_company=False))


def test_a_line_of_a_document_keeps_its_name_whatever_is_in_it() -> None:
    document = a_document((Line("item", '<script>&"', 1, 100, Decimal("25.5")),))
    assert told(ubl_of(document), "cac:InvoiceLine/cac:Item/cbc:Name") == ['<script>&"']
