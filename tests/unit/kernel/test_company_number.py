"""A company has one number, however it was typed."""

from __future__ import annotations

import pytest

from app.kernel.company_number import CompanyNumber, CompanyNumberRefused, parse_company_number


@pytest.mark.parametrize(
    ("typed", "country", "number", "printed", "vat_id"),
    [
        ("2077474-0", "FI", CompanyNumber("FI", "20774740"), "2077474-0", "FI20774740"),
        ("20774740", "FI", CompanyNumber("FI", "20774740"), "2077474-0", "FI20774740"),
        ("fi 2077474 0", "DK", CompanyNumber("FI", "20774740"), "2077474-0", "FI20774740"),
        ("13 58 56 28", "DK", CompanyNumber("DK", "13585628"), "13585628", "DK13585628"),
        ("DK13585628", "FI", CompanyNumber("DK", "13585628"), "13585628", "DK13585628"),
        ("556036-0793", "SE", CompanyNumber("SE", "5560360793"), "556036-0793", "SE556036079301"),
        ("SE556036079301", "FI", CompanyNumber("SE", "5560360793"), "556036-0793", "SE556036079301"),
        ("175 074 752", "BG", CompanyNumber("BG", "175074752"), "175074752", "BG175074752"),
        ("BG175074752", "BG", CompanyNumber("BG", "175074752"), "175074752", "BG175074752"),
        ("DE136695976", "FI", CompanyNumber("DE", "136695976"), "DE136695976", "DE136695976"),
        (
            "\uff12\uff10\uff17\uff17\uff14\uff17\uff14\uff0d\uff10",
            "FI",
            CompanyNumber("FI", "20774740"),
            "2077474-0",
            "FI20774740",
        ),
    ],
)
def test_a_number_is_read(typed: str, country: str, number: CompanyNumber, printed: str, vat_id: str) -> None:
    read = parse_company_number(typed, country)
    assert (read, read.printed, read.vat_id) == (number, printed, vat_id)


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("2077474-1", "FI"),
        ("13585629", "DK"),
        ("556036-0794", "SE"),
        ("175074753", "BG"),
        ("DE136695977", "FI"),
        ("US123456789", "FI"),
        ("2077474-0", "DE"),
        ("фирма", "BG"),
        ("1" * 33, "FI"),
        ("<script>", "FI"),
    ],
)
def test_what_is_no_number_is_refused(typed: str, country: str) -> None:
    with pytest.raises(CompanyNumberRefused) as refusal:
        parse_company_number(typed, country)
    assert refusal.value.reason == "malformed"


def test_nothing_typed_is_said_to_be_empty() -> None:
    with pytest.raises(CompanyNumberRefused) as refusal:
        parse_company_number(" \u200b ", "FI")
    assert refusal.value.reason == "empty"
