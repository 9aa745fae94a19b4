"""References, the bank barcode and the QR code, against published vectors and their own laws."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TypedDict

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from app.invoices.errors import BarcodeRefused, ReferenceRefused
from app.invoices.references import (
    epc_qr,
    finnish_reference,
    iban_in_groups,
    in_groups,
    rf_reference,
    virtual_barcode,
)
from app.kernel.money import Money

IBAN = "FI21 1234 5600 0007 85"


class Barcode(TypedDict):
    iban: str
    reference: str
    cents: int
    due: str | None
    barcode: str


class Pair(TypedDict):
    base: str
    reference: str
    rf: str


class Vectors(TypedDict):
    barcodes: list[Barcode]
    references: list[Pair]
    invalid_references: list[str]


_FILE = Path(__file__).resolve().parents[2] / "data" / "invoice_vectors.json"
VECTORS: Vectors = json.loads(_FILE.read_text(encoding="utf-8"))
BASES = st.from_regex(r"[1-9][0-9]{2,18}", fullmatch=True)


@pytest.mark.parametrize("vector", VECTORS["barcodes"], ids=lambda vector: vector["barcode"])
def test_a_published_barcode_comes_out_digit_by_digit(vector: Barcode) -> None:
    due = date.fromisoformat(vector["due"]) if vector["due"] else None
    version = int(vector["barcode"][0])
    made = virtual_barcode(vector["iban"], vector["reference"], vector["cents"], due, version)
    assert made == vector["barcode"]


@pytest.mark.parametrize("pair", VECTORS["references"], ids=lambda pair: pair["base"])
def test_a_published_pair_of_references_comes_out(pair: Pair) -> None:
    assert finnish_reference(pair["base"]) == pair["reference"]
    assert rf_reference(pair["reference"]) == pair["rf"]


@pytest.mark.parametrize(
    "text", [*VECTORS["invalid_references"], "1008", "12 3456O", "RF18 1008", "RF", "²³⁴⁵"]
)
def test_what_is_no_reference_is_refused_everywhere(text: str) -> None:
    with pytest.raises(ReferenceRefused):
        rf_reference(text)
    for version in (4, 5):
        with pytest.raises(ReferenceRefused):
            virtual_barcode(IBAN, text, 100, None, version)


@pytest.mark.parametrize("base", ["", "12", "1" * 20, "000", "1a23", "-123"])
def test_what_is_no_base_is_refused(base: str) -> None:
    with pytest.raises(ReferenceRefused):
        finnish_reference(base)


@given(base=BASES)
def test_every_reference_has_a_valid_rf_form_and_says_so_to_both_barcodes(base: str) -> None:
    reference = finnish_reference(base)
    rf = rf_reference(reference)
    assert iso11649.is_valid(rf)
    assert rf[4:] == reference
    for version in (4, 5):
        national = virtual_barcode(IBAN, reference, 12_345, date(2027, 1, 31), version)
        assert len(national) == 54
        assert national == virtual_barcode(IBAN, in_groups(rf), 12_345, date(2027, 1, 31), version)


@given(base=BASES, place=st.integers(0, 18), by=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(base: str, place: int, by: int) -> None:
    reference = finnish_reference(base)
    at = 1 + place % (len(reference) - 1)
    wrong = reference[:at] + str((int(reference[at]) + by) % 10) + reference[at + 1 :]
    with pytest.raises(ReferenceRefused):
        rf_reference(wrong)


def test_spaces_and_leading_zeros_change_nothing() -> None:
    assert finnish_reference("00 100") == "1009"
    assert rf_reference(" 0010 09 ") == "RF181009"
    assert rf_reference("rf18 1009") == "RF181009"


def test_without_a_due_date_the_barcode_ends_in_zeros() -> None:
    assert virtual_barcode(IBAN, "1009", 100, None, 4).endswith("000000")


@pytest.mark.parametrize(
    ("iban", "amount_minor", "version", "field"),
    [
        ("SE4550000000058398257466", 100, 4, "iban"),
        ("FI2112345600000786", 100, 4, "iban"),
        ("", 100, 4, "iban"),
        (IBAN, -1, 4, "amount_minor"),
        (IBAN, 100_000_000, 5, "amount_minor"),
        (IBAN, 100, 3, "version"),
    ],
)
def test_what_no_barcode_can_carry_is_refused_by_name(
    iban: str, amount_minor: int, version: int, field: str
) -> None:
    with pytest.raises(BarcodeRefused) as refused:
        virtual_barcode(iban, "1009", amount_minor, None, version)
    assert refused.value.field == field


def test_an_rf_reference_with_letters_has_no_barcode() -> None:
    with pytest.raises(ReferenceRefused):
        virtual_barcode(IBAN, iso11649.validate("RF185390075470Y"), 100, None, 5)


def test_the_qr_code_is_small_enough_to_print_and_takes_a_long_name() -> None:
    code = epc_qr("Ä" * 100, IBAN, Money(10_000_000_00, "EUR"), "1009")
    assert int(code.version) <= 13
    assert code.error == "M"


@pytest.mark.parametrize("name", ["Verkkokauppa Oy", "Myllymäki & Å Oy", "Търговско дружество ЕООД"])
def test_the_qr_code_holds_the_transfer_in_utf_8_line_by_line(name: str) -> None:
    lines = ("BCD", "002", "1", "SCT", "", name, IBAN.replace(" ", ""), "EUR12.3", "", "RF181009")
    code = epc_qr(name, IBAN, Money(12_30, "EUR"), "1009")
    expected = segno.make_qr("\n".join(lines).encode(), error="m", boost_error=False)
    assert code.matrix == expected.matrix


def test_the_qr_code_is_for_euros_alone() -> None:
    with pytest.raises(BarcodeRefused):
        epc_qr("Havu", IBAN, Money(100, "SEK"), "1009")
    with pytest.raises(BarcodeRefused):
        epc_qr("Havu", IBAN, Money(0, "EUR"), "1009")


def test_references_and_accounts_are_written_in_groups() -> None:
    assert in_groups("1000000106") == "10000 00106"
    assert in_groups("1234561") == "12 34561"
    assert in_groups("RF071000000106") == "RF07 1000 0001 06"
    assert iban_in_groups("FI2112345600000785") == "FI21 1234 5600 0007 85"
