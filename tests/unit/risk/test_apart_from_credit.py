"""Two judgements that never meet: whether an order looks right, and whether it can be repaid. Neither reads, imports
nor is told anything of the other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.credit import rules as credit
from app.risk.facts import Facts, Purchase

APP = Path(__file__).resolve().parents[3] / "app"


@pytest.mark.parametrize(
    ("room", "foreign"),
    [
        ("credit", r"app\.risk|from app import .*\brisk\b|\brisk_\w+"),
        ("risk", r"app\.credit|from app import .*\bcredit\b|\bcredit_\w+"),
    ],
)
def test_neither_room_names_the_other_s_code_or_tables(room: str, foreign: str) -> None:
    texts = {path.name: path.read_text() for path in (APP / room).glob("**/*.py")}
    assert texts
    assert {name: re.findall(foreign, text) for name, text in texts.items() if re.search(foreign, text)} == {}


def test_what_each_is_told_has_little_more_than_the_sum_in_common() -> None:
    told_to_credit = {field.name for field in fields(credit.Facts)}
    told_to_risk = set(Facts.__struct_fields__) | {field.name for field in fields(Purchase)}
    assert told_to_credit & told_to_risk <= {"amount_minor", "currency"}


@pytest.mark.parametrize(
    "word", ["income", "loan", "debt", "register", "exposure", "limit", "decision", "quote"]
)
def test_risk_is_told_nothing_that_a_credit_decision_rests_on(word: str) -> None:
    told = [*Facts.__struct_fields__, *(field.name for field in fields(Purchase))]
    assert [name for name in told if word in name] == []


@pytest.mark.parametrize(
    "word", ["phone", "email", "address", "device", "network", "velocity", "fraud", "session"]
)
def test_credit_is_told_nothing_of_habits_or_of_whom_an_order_looks_like(word: str) -> None:
    assert [field.name for field in fields(credit.Facts) if word in field.name] == []
