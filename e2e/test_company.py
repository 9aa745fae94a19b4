"""A company buys on an invoice in Danish, and its shop and its bookkeeping get what they need."""

from __future__ import annotations

from xml.etree import ElementTree

from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.pages.flow import ConfirmPage, IdentifyPage, MethodPage, OutcomePage
from e2e.sandbox import Sandbox
from e2e.shop import Shop

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def test_a_danish_company_buys_in_danish_and_gets_an_invoice_that_its_bookkeeping_reads(
    new_phone: Phones, shop: Shop, sandbox: Sandbox
) -> None:
    shopper = sandbox.shopper("business")
    session = shop.open_session(129_00, knows=shopper, locale="da", buyer="business")
    phone: Phone = new_phone(lang="da")
    phone.open(session.path)
    phone.sees("Which company is buying?")
    phone.type(phone.textbox("Company number"), "DK13585629")
    phone.type(phone.textbox("Company name"), "Nordlys ApS")
    phone.type(phone.textbox("Your reference"), "IO-2026-7")
    phone.tap(phone.button("Continue"))
    phone.text("This is no company number. Check it digit by digit.").last.wait_for()
    phone.type(phone.textbox("Company number"), "DK 13 58 56 28")
    phone.tap(phone.button("Continue"))

    page = MethodPage(phone).shown()
    for consumers_own in ("MobilePay", "Instalments"):
        assert not phone.radio(consumers_own).count()
    phone.choose(phone.radio("Invoice"))
    phone.choose(phone.tab.get_by_role("radio", name="Netto 30 dage"))
    phone.choose(phone.radio("As an e-invoice file"))
    page.go_on()
    step = IdentifyPage(phone).shown()
    assert not phone.link("Identify with my bank").count()
    step.send_code()
    step.type_code(sandbox.code_of(shopper))

    confirm = ConfirmPage(phone).shown()
    assert not phone.text("Annual percentage rate (APR)").count()
    for label, text in {"Name": "Ole Olsen", "Street address": "Lindevej 2", "City": "København"}.items():
        phone.type(phone.textbox(label), text)
    confirm.confirm()
    OutcomePage(phone).confirmed()

    order = shop.order_of(session)
    assert order["company"]["vat_id"] == "DK13585628"
    assert order["company"]["purchase_order"] == "IO-2026-7"
    told = [sandbox.next_message(shopper.email, "email").subject for _ in range(2)]
    assert len(set(told)) == 2, "the receipt and the invoice"
    [invoice] = shop.documents_of(session)
    file = shop.client.get(f"/api/v1/invoices/{invoice['id']}/e-invoice")
    root = ElementTree.fromstring(file.content)
    assert root.findtext(f".//{_CBC}PayableAmount") == "129.00"
    assert root.findtext(f"{_CBC}BuyerReference") == "IO-2026-7"
