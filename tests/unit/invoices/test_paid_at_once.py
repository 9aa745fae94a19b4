"""Documents of purchases that card or MobilePay paid: they say how, and ask for nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

import pytest

from app.invoices import pdf
from app.invoices.content import Content, ProviderItem
from app.invoices.credits import EVERYTHING, take_back
from app.invoices.rules import documents, opposing
from app.plans.quote import Quote, beside_wallet, paid_quote
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
