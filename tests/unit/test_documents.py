"""What the documents draw is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.cases.states import MACHINE as CASE
from app.checkout.states import MACHINE as SESSION
from app.checkout.steps import OPEN_PAGES
from app.extras.states import MACHINE as INSURANCE
from app.invoices.states import MACHINE as INVOICE
from app.kernel.states import Machine
from app.ledger.states import MACHINE as HOLD
from app.links.bulk.states import MACHINE as IMPORT
from app.links.reusable.states import MACHINE as REUSABLE
from app.links.states import MACHINE as LINK
from app.orders.states import MACHINE as ORDER
from app.payments.states import DISPUTES, REFUNDING
from app.payments.states import MACHINE as PAYMENT
from app.returns.states import REFUNDS, RETURNS
from app.subscriptions.states import EXCHANGES, PLANS
from app.subscriptions.states import MACHINE as SUBSCRIPTION
from app.wallet.states import ADJUSTMENTS
from app.wallet.states import MACHINE as PAYOUT

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    "machine",
    [
        ORDER,
        SESSION,
        INVOICE,
        CASE,
        LINK,
        IMPORT,
        REUSABLE,
        PAYMENT,
        REFUNDING,
        DISPUTES,
        HOLD,
        ADJUSTMENTS,
        PAYOUT,
        REFUNDS,
        RETURNS,
        INSURANCE,
        SUBSCRIPTION,
        PLANS,
        EXCHANGES,
    ],
    ids=lambda machine: machine.name,
)
def test_the_drawn_life_cycles_are_the_programs(machine: Machine) -> None:
    assert f"```mermaid\n{machine.drawing()}\n```" in (DOCS / "states.md").read_text()


def test_every_progress_of_the_flow_is_in_the_table_of_pages() -> None:
    table = (DOCS / "purchase.md").read_text()
    rows = table.split("|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert len(rows) == len(OPEN_PAGES)


def test_every_test_that_the_table_of_attacks_names_exists() -> None:
    table = (DOCS / "identity.md").read_text().split("## Attacks, and what stops each")[1]
    named = set(re.findall(r"`(test_\w+)`", table))
    assert len(named) > 50
    written: set[str] = set()
    for folder in ("tests", "e2e"):
        for path in (DOCS.parent / folder).rglob("test_*.py"):
            written |= set(re.findall(r"def (test_\w+)\(", path.read_text()))
    assert named - written == set()
