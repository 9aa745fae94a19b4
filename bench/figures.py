"""How fast figures are made: a quote, a change of plan as the web process answers it, and an invoice's PDF."""

from __future__ import annotations

import json
import statistics
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx

from app.invoices import pdf
from app.invoices.content import Content, Party
from app.invoices.references import finnish_reference
from app.invoices.rules import Payee, Sale, documents
from app.orders.rules import Line
from app.plans.caps import broken_caps
from app.plans.quote import Plan, make_quote
from app.plans.schedule import load_calendars

QUOTES = 2_000
SWAPS = 300
MONTHS = 36
PDFS = 20
QUOTE_MAX_MS = 1.0
SWAP_MAX_MS = 5.0
PDF_MAX_MS = 150.0
START = date(2026, 11, 21)

_PLAN = Plan(
    key="instalments",
    kind="instalments",
    currency="EUR",
    min_amount_minor=60_00,
    max_amount_minor=5_000_00,
    nominal_rate=Decimal("14.9"),
    min_months=3,
    max_months=MONTHS,
)
_INVOICE = Plan(
    key="invoice",
    kind="invoice",
    currency="EUR",
    min_amount_minor=1,
    max_amount_minor=5_000_00,
    due_days=14,
)


def quote_ms() -> float:
    """Median milliseconds of a quote with 36 instalments, hash and caps included; no two amounts are alike."""
    load_calendars(START)
    step = (_PLAN.max_amount_minor - _PLAN.min_amount_minor) // QUOTES
    amounts = [_PLAN.min_amount_minor + turn * step for turn in range(QUOTES)]
    times = []
    for amount in amounts:
        began = time.perf_counter()
        quote = make_quote(_PLAN, amount, "EUR", "FI", START, MONTHS, merchant="m_bench")
        lawful = not broken_caps(quote)
        times.append(time.perf_counter() - began)
        assert lawful
    return 1000 * statistics.median(times)


def swap_ms(base_url: str, session: str, log: Path) -> float:
    """Median milliseconds that the web process says a change of plan took it, one request after the other."""
    with httpx.Client(base_url=base_url, headers={"HX-Request": "true"}) as browser:
        # The first ones fill what the process keeps.
        _change_plans(browser, session, SWAPS // 10)
        already = log.stat().st_size
        _change_plans(browser, session, SWAPS)
    with log.open("rb") as written:
        written.seek(already)
        lines = written.read().decode(errors="replace").splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{")]
    took = [float(line["ms"]) for line in said if line.get("route") == "/pay/{session_id}"]
    assert len(took) > SWAPS // 2, "the web process logs each request"
    return statistics.median(took)


def _change_plans(browser: httpx.Client, session: str, times: int) -> None:
    for turn in range(times):
        months = 3 + turn % 4
        answer = browser.get(f"/pay/{session}?method=instalments&months={months}&shown_months=12")
        assert answer.status_code == 200, answer.text


def pdf_ms() -> float:
    """Median milliseconds of an invoice's PDF as the worker draws it, barcode and QR code too; no two are alike."""
    contents = [_invoice(number) for number in range(PDFS + 1)]
    # The first one reads layout and fonts.
    pdf.draw(contents.pop(), "fi")
    times = []
    for content in contents:
        began = time.perf_counter()
        drawn = pdf.draw(content, "fi")
        times.append(time.perf_counter() - began)
        assert drawn.startswith(b"%PDF-")
    return 1000 * statistics.median(times)


def _invoice(number: int) -> Content:
    """Three lines, to be paid in fourteen days."""
    lines = (
        Line("item", "Wool blanket", 1, 129_00 + number, Decimal("25.5")),
        Line("item", "Candle", 2, 12_50, Decimal("25.5")),
        Line("item", "Soap", 3, 6_90, Decimal("25.5")),
    )
    total = sum(line.total_minor for line in lines)
    sale = Sale(
        order_reference=f"BENCH-{number}",
        lines=lines,
        quote=make_quote(_INVOICE, total, "EUR", "FI", START, merchant="m_bench"),
        seller=Party("Havu & Kivi Oy", ("Satamakatu 3", "00160 Helsinki"), "1234567-1"),
        buyer=Party("Aino Virta", ("Puistokatu 12 B 4", "00100 Helsinki")),
        payee=Payee("Kolme Sandbox", "0000000-0", "FI2112345600000785", assigned=True),
        purchased_on=START,
    )
    [invoice] = documents(sale, f"2026-{number:05d}", [finnish_reference(100_000 + number)])
    return invoice.content


def table(base_url: str, session: str, log: Path) -> bool:
    quote, swap, drawn = quote_ms(), swap_ms(base_url, session, log), pdf_ms()
    print("\n| figures | median |\n|---|---|")
    print(
        f"| a quote of {MONTHS} instalments, hash and caps | **{quote:.2f} ms** (at most {QUOTE_MAX_MS:.0f}) |"
    )
    print(f"| a change of plan, server time | **{swap:.1f} ms** (at most {SWAP_MAX_MS:.0f}) |")
    print(
        f"| an invoice's PDF, barcode and QR code, in the worker | **{drawn:.0f} ms** (at most {PDF_MAX_MS:.0f}) |"
    )
    return quote <= QUOTE_MAX_MS and swap <= SWAP_MAX_MS and drawn <= PDF_MAX_MS
