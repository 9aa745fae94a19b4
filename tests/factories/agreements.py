"""An information sheet of a plan, before and after signing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from app.agreements.content import Item, Party, Sheet, Signed
from app.agreements.rules import information_on
from app.law.rules import law_of
from app.plans.quote import Plan, make_quote

DAY: Final = date(2026, 11, 21)
CREDITOR: Final = Party(
    "Kolme Sandbox", "0000000-0", "Esimerkkikatu 3, 00100 Helsinki", "credit@kolme.example"
)
SHOP: Final = Party("Havu & Kivi", email="shop@havu.example")


def a_sheet(
    country: str = "FI", months: int = 12, amount_minor: int = 36_000, *, official: bool = False
) -> Sheet:
    """Instalments over so many months, or with 0 an invoice, in the country's currency; the operator lends."""
    currency = law_of(country).currency
    plan = (
        Plan("invoice", "invoice", currency, 1, 500_000, due_days=14)
        if months == 0
        else Plan(
            "instalments",
            "instalments",
            currency,
            1,
            500_000,
            nominal_rate=Decimal("14.9"),
            min_months=1,
            max_months=36,
        )
    )
    return information_on(
        make_quote(plan, amount_minor, currency, country, DAY, months, merchant="m_1"),
        creditor=CREDITOR,
        intermediary=SHOP,
        goods=(Item("Wool blanket", 2, amount_minor),),
        official=official,
    )


def signed(sheet: Sheet) -> Sheet:
    borrower = Party("Aino Virta", address="Puistokatu 12 B 4, 00100 Helsinki")
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    return replace(sheet, signed=Signed(borrower, "SHOP-1001", at, "Europe/Helsinki"))
