"""A document of a sale as an e-invoice: UBL 2.1 after Peppol BIS Billing 3.0 (EN 16931). Pure.

Every figure is the stored document's, the same that its PDF shows. Prices include VAT here and exclude it there: the
net of each rate is divided among its lines, so that lines and totals agree to the minor unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from app.invoices.content import Content, LineItem, Party, VatItem
from app.kernel.company_number import CompanyNumberRefused, parse_company_number
from app.kernel.money import allocate
from app.plans.company import net_days

CUSTOMIZATION: Final = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
PROFILE: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
_CAC: Final = f"{_UBL}CommonAggregateComponents-2"
_CBC: Final = f"{_UBL}CommonBasicComponents-2"
# Code lists: UNTDID 1001 and 4461, UN/ECE Recommendation 20.
_INVOICE, _CREDIT_NOTE = "380", "381"
_TRANSFER: Final = "30"
# Denmark allows other codes: its own banks', and this one for an account by IBAN.
_TRANSFER_OF: Final = {"DK": "58"}
_ONE: Final = "C62"
# Electronic addresses by the country of the company (EAS): a number of the country's own, else its VAT number.
_OWN_SCHEME: Final = {"FI": "0216", "SE": "0007", "DK": "0184"}
_VAT_SCHEME: Final = {
    "AT": "9914", "BE": "9925", "BG": "9926", "CY": "9928", "CZ": "9929", "DE": "9930", "EE": "9931", "ES": "9920",
    "FR": "9957", "GR": "9933", "HR": "9934", "HU": "9910", "IE": "9935", "IT": "0211", "LT": "9937", "LU": "9938",
    "LV": "9939", "MT": "9943", "NL": "9944", "PL": "9945", "PT": "9946", "RO": "9947", "SI": "9949", "SK": "9950",
}  # fmt: skip
# Registers of companies (ICD).
_REGISTER: Final = {"FI": "0212", "SE": "0007", "DK": "0184"}

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _NetLine:
    line: LineItem
    net_minor: int


def can_be_ubl(content: Content) -> bool:
    """Whether the document is of a sale to a company: what collects an instalment, or reminds, is no invoice."""
    return content.for_company and content.kind in {"invoice", "receipt", "credit_note"}


def ubl_of(content: Content) -> bytes:
    """The file. A sale that was paid at once is an invoice of which nothing is left to pay. Raises ValueError for what
    `can_be_ubl` denies."""
    if not can_be_ubl(content):
        raise ValueError(f"a {content.kind} is no e-invoice")
    is_note = content.kind == "credit_note"
    root = Element(
        "CreditNote" if is_note else "Invoice",
        {
            "xmlns": f"{_UBL}{'CreditNote' if is_note else 'Invoice'}-2",
            "xmlns:cac": _CAC,
            "xmlns:cbc": _CBC,
        },
    )
    _head(root, content, is_note=is_note)
    _party(SubElement(root, "cac:AccountingSupplierParty"), content.seller)
    _party(SubElement(root, "cac:AccountingCustomerParty"), content.buyer)
    _payment(root, content)
    _tax(root, content)
    _total(root, content)
    for number, net in enumerate(_net_lines(content), start=1):
        _line(root, number, net, content.currency, is_note=is_note)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def file_name(content: Content) -> str:
    return f"{content.kind.replace('_', '-')}-{content.number.replace('/', '-')}.xml"


def _head(root: Element, content: Content, *, is_note: bool) -> None:
    told: list[tuple[str, str]] = [
        ("CustomizationID", CUSTOMIZATION),
        ("ProfileID", PROFILE),
        ("ID", content.number),
        ("IssueDate", content.issue_on.isoformat()),
    ]
    if not is_note and content.due_on is not None:
        told.append(("DueDate", content.due_on.isoformat()))
    told += [
        ("CreditNoteTypeCode" if is_note else "InvoiceTypeCode", _CREDIT_NOTE if is_note else _INVOICE),
        ("DocumentCurrencyCode", content.currency),
        ("BuyerReference", content.purchase_order or content.order_reference),
    ]
    _basic(root, told)
    order = SubElement(root, "cac:OrderReference")
    # The buyer's own number is asked for first; the seller's stands beside it.
    _basic(order, [("ID", content.purchase_order or "NA"), ("SalesOrderID", content.order_reference)])
    if is_note and content.sale_number is not None:
        before = SubElement(SubElement(root, "cac:BillingReference"), "cac:InvoiceDocumentReference")
        _basic(before, [("ID", content.sale_number)])


def _party(parent: Element, party: Party) -> None:
    node = SubElement(parent, "cac:Party")
    address, scheme = _address_of(party)
    if address:
        _basic(node, [("EndpointID", address)], schemeID=scheme)
    _basic(SubElement(node, "cac:PartyName"), [("Name", party.name)])
    _place(node, party)
    if party.vat_id:
        tax = SubElement(node, "cac:PartyTaxScheme")
        _basic(tax, [("CompanyID", party.vat_id)])
        _basic(SubElement(tax, "cac:TaxScheme"), [("ID", "VAT")])
    legal = SubElement(node, "cac:PartyLegalEntity")
    _basic(legal, [("RegistrationName", party.name)])
    if party.company_id:
        scheme = _REGISTER.get(party.country or "", "")
        number = party.company_id if party.country == "FI" else party.company_id.replace("-", "")
        _basic(legal, [("CompanyID", number)], **({"schemeID": scheme} if scheme else {}))
    reach: Fields = [
        (name, value)
        for name, value in (
            ("Name", party.contact),
            ("Telephone", party.phone),
            ("ElectronicMail", party.email),
        )
        if value
    ]
    if reach:
        _basic(SubElement(node, "cac:Contact"), reach)


def _place(node: Element, party: Party) -> None:
    place = SubElement(node, "cac:PostalAddress")
    told = (("StreetName", party.street), ("CityName", party.city), ("PostalZone", party.postcode))
    _basic(place, [(name, value) for name, value in told if value])
    _basic(SubElement(place, "cac:Country"), [("IdentificationCode", party.country or "")])


def _address_of(party: Party) -> tuple[str, str]:
    """Where the party receives e-invoices by default: its number under the scheme of its country."""
    try:
        number = parse_company_number(party.company_id or party.vat_id or "", party.country or "")
    except CompanyNumberRefused:
        return "", ""
    scheme = _OWN_SCHEME.get(number.country)
    if scheme is None:
        return number.vat_id, _VAT_SCHEME.get(number.country, "")
    # The Finnish address is the business id behind the mark of the register.
    return (f"0037{number.value}" if number.country == "FI" else number.value), scheme


def _payment(root: Element, content: Content) -> None:
    payment = content.payment
    if payment is None:
        return
    if payment.assigned:
        payee = SubElement(root, "cac:PayeeParty")
        _basic(SubElement(payee, "cac:PartyName"), [("Name", payment.payee)])
        if payment.payee_id:
            _basic(SubElement(payee, "cac:PartyLegalEntity"), [("CompanyID", payment.payee_id)])
    means = SubElement(root, "cac:PaymentMeans")
    reference = payment.reference if payment.barcode else payment.rf_reference
    code = _TRANSFER_OF.get(content.seller.country or "", _TRANSFER)
    _basic(means, [("PaymentMeansCode", code), ("PaymentID", reference)])
    account = SubElement(means, "cac:PayeeFinancialAccount")
    _basic(account, [("ID", payment.iban), ("Name", payment.payee)])
    if payment.bic:
        _basic(SubElement(account, "cac:FinancialInstitutionBranch"), [("ID", payment.bic)])
    if content.due_on is not None:
        days = net_days(content.purchased_on, content.due_on)
        _basic(SubElement(root, "cac:PaymentTerms"), [("Note", f"{days} days net")])


def _tax(root: Element, content: Content) -> None:
    sign, currency = _sign(content), content.currency
    total = SubElement(root, "cac:TaxTotal")
    _amount(total, "TaxAmount", sign * sum(group.vat_minor for group in content.vat), currency)
    for group in content.vat:
        part = SubElement(total, "cac:TaxSubtotal")
        _amount(part, "TaxableAmount", sign * group.net_minor, currency)
        _amount(part, "TaxAmount", sign * group.vat_minor, currency)
        _category(SubElement(part, "cac:TaxCategory"), group.percent)


def _category(node: Element, percent: str) -> None:
    """Taxed at the standard or a reduced rate, or at none."""
    rate = Decimal(percent)
    _basic(node, [("ID", "S" if rate else "Z"), ("Percent", f"{rate.normalize():f}")])
    _basic(SubElement(node, "cac:TaxScheme"), [("ID", "VAT")])


def _total(root: Element, content: Content) -> None:
    sign, currency = _sign(content), content.currency
    net_minor = sign * sum(group.net_minor for group in content.vat)
    gross_minor = sign * sum(group.gross_minor for group in content.vat)
    node = SubElement(root, "cac:LegalMonetaryTotal")
    _amount(node, "LineExtensionAmount", net_minor, currency)
    _amount(node, "TaxExclusiveAmount", net_minor, currency)
    _amount(node, "TaxInclusiveAmount", gross_minor, currency)
    if content.at_once_minor:
        _amount(node, "PrepaidAmount", content.at_once_minor, currency)
    _amount(node, "PayableAmount", gross_minor - content.at_once_minor, currency)


def _net_lines(content: Content) -> list[_NetLine]:
    """The lines as they are printed, each with its part of the net of its rate."""
    net: dict[int, int] = {}
    for group in content.vat:
        members = [
            i for i, line in enumerate(content.lines) if _rate(line.vat_percent) == _rate(group.percent)
        ]
        parts = _shares(group, [content.lines[i].total_minor for i in members])
        net |= dict(zip(members, parts, strict=True))
    return [_NetLine(line, net[index]) for index, line in enumerate(content.lines)]


def _shares(group: VatItem, totals: Sequence[int]) -> list[int]:
    """The net of a rate by its lines: each loses its own share of the VAT, and what rounding leaves goes to the
    largest. A discount keeps its sign."""
    if group.gross_minor > 0 and all(total >= 0 for total in totals):
        return list(allocate(group.net_minor, totals))
    exact = [Decimal(total) * 100 / (100 + _rate(group.percent)) for total in totals]
    parts = [int(value.to_integral_value(rounding="ROUND_HALF_UP")) for value in exact]
    left = group.net_minor - sum(parts)
    largest = max(range(len(parts)), key=lambda index: abs(totals[index]))
    parts[largest] += left
    return parts


def _line(root: Element, number: int, net: _NetLine, currency: str, *, is_note: bool) -> None:
    line, sign = net.line, -1 if is_note else 1
    quantity, net_minor = sign * line.quantity, sign * net.net_minor
    if net_minor < 0 < quantity:
        # A price is never below nothing: what comes off is bought minus once.
        quantity = -quantity
    node = SubElement(root, "cac:CreditNoteLine" if is_note else "cac:InvoiceLine")
    _basic(node, [("ID", str(number))])
    _basic(node, [("CreditedQuantity" if is_note else "InvoicedQuantity", str(quantity))], unitCode=_ONE)
    _amount(node, "LineExtensionAmount", net_minor, currency)
    item = SubElement(node, "cac:Item")
    _basic(item, [("Name", line.name or "-")])
    if line.sku:
        _basic(SubElement(item, "cac:SellersItemIdentification"), [("ID", line.sku)])
    _category(SubElement(item, "cac:ClassifiedTaxCategory"), line.vat_percent)
    price = (Decimal(net_minor) / (100 * quantity)).quantize(Decimal("0.000001"))
    _basic(SubElement(node, "cac:Price"), [("PriceAmount", f"{price.normalize():f}")], currencyID=currency)


def _rate(percent: str) -> Decimal:
    return Decimal(percent)


def _sign(content: Content) -> int:
    """A credit note tells positive sums of what it takes back."""
    return -1 if content.kind == "credit_note" else 1


def _amount(parent: Element, name: str, amount_minor: int, currency: str) -> None:
    _basic(parent, [(name, f"{Decimal(amount_minor) / 100:.2f}")], currencyID=currency)


def _basic(parent: Element, told: Fields, **attributes: str) -> None:
    for name, value in told:
        SubElement(parent, f"cbc:{name}", attributes).text = value
