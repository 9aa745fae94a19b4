"""One quote, the same figures in a real browser, the API, the books, the documents and their PDFs.

`make test` buys on 25 random plans, `make torture` on 1,000 (KOLME_FIGURES says how many). The same without a browser,
for 1,000 plans of any shape, is `tests/web/shopper/test_one_quote.py`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import httpx
import pypdfium2
import pytest

from app.invoices import pdf
from app.invoices.queries import InvoiceView
from app.kernel.i18n import format_date, format_money, format_percent
from app.kernel.money import Money
from app.plans.quote import Quote
from app.plans.schedule import Instalment
from app.web.shopper.visit import _COOKIE as BROWSER_COOKIE
from e2e import figures
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.figures import Batch, Kept, Ready
from e2e.pages.flow import ConfirmPage, MethodPage, OutcomePage
from e2e.world import World
from tests.factories.plans import as_told

SEED: Final = 20_261_121
BATCH: Final = 25
BATCHES: Final = -(-int(os.environ.get("KOLME_FIGURES", BATCH)) // BATCH)

# Every pair of a list of figures that can be seen, and every row of the schedule, its fold opened.
_READ: Final = """() => {
    const cells = (row, what) => [...row.querySelectorAll(what)].map((cell) => cell.innerText.trim());
    document.querySelectorAll("main details").forEach((fold) => { fold.open = !!fold.querySelector(".schedule"); });
    const seen = [...document.querySelectorAll("main :is(.figures, .ends) div")].filter((row) => row.checkVisibility());
    return {
        pairs: Object.fromEntries(seen.map((row) => [cells(row, "dt")[0], cells(row, "dd")[0]])),
        rows: [...document.querySelectorAll("main .schedule tbody tr")].map((row) => cells(row, "td")),
    };
}"""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("batch_number", range(BATCHES))
def test_what_a_browser_shows_is_what_is_told_posted_drawn_and_sent(
    world: World, new_phone: Phones, batch_number: int
) -> None:
    batch = figures.inside(world, lambda: figures.get_ready(SEED + batch_number, BATCH))
    assert len({each.quote.id for each in batch.ready}) == BATCH
    phone = new_phone(trace=False)
    for each in batch.ready:
        buy_reading_every_figure(phone, each)

    kept = figures.inside(world, lambda: figures.kept_of(batch))

    with told_by(world, batch) as api:
        for each in batch.ready:
            assert api.get(f"/api/v1/orders/{each.order}").json()["quote"] == as_told(each.quote), each
            assert_posted(kept[each.order], each.quote)
            assert_drawn(kept[each.order], each.quote)
            assert_printed(kept[each.order], each.quote)
            assert_signed(kept[each.order], each.quote)


def buy_reading_every_figure(phone: Phone, ready: Ready) -> None:
    """The first page, the last one before the purchase, and the one after it."""
    context, quote = phone.tab.context, ready.quote
    context.add_cookies([{"name": BROWSER_COOKIE, "value": ready.cookie, "url": phone.base_url}])
    phone.open(f"/pay/{ready.session}?method={quote.method}&months={quote.months}&delivery={quote.delivery}")
    MethodPage(phone).shown()
    assert_shown(read(phone), quote)
    if quote.method == "instalments":
        chosen = phone.tab.locator("#monthly option:checked").inner_text()
        assert chosen == money(quote.monthly_minor, quote)

    phone.open(f"/pay/{ready.session}/confirm")
    page = ConfirmPage(phone).shown()
    assert_shown(read(phone), quote)
    for label, text in (("Street address", "Puistokatu 12 B 4"), ("City", "Helsinki")):
        if phone.textbox(label).count():
            phone.type(phone.textbox(label), text)
    page.confirm()

    OutcomePage(phone).confirmed()
    told = read(phone)["pairs"]
    first = "Due date" if quote.method == "invoice" else "First payment"
    expected = {"You pay in all": money(quote.total_payable_minor, quote), first: day(quote.first_due)}
    assert expected.items() <= told.items(), quote


def read(phone: Phone) -> dict[str, Any]:
    found: dict[str, Any] = phone.tab.evaluate(_READ)
    return found


def assert_shown(shown: Mapping[str, Any], quote: Quote) -> None:
    pairs: dict[str, str] = shown["pairs"]
    expected = {"Annual percentage rate (APR)": format_percent(quote.apr, "en")}
    if quote.method == "invoice":
        expected["You pay in all"] = money(quote.total_payable_minor, quote)
        expected["Due date"] = day(quote.last_due)
        expected["Interest and fees"] = money(quote.interest_minor + quote.fees_minor, quote)
        assert expected.items() <= pairs.items(), (pairs, quote)
        return
    expected[f"Interest, {format_percent(quote.nominal_rate, 'en')} a year"] = money(
        quote.interest_minor, quote
    )
    expected["Fees"] = money(quote.fees_minor, quote)
    expected["First payment"], expected["Last payment"] = day(quote.first_due), day(quote.last_due)
    assert expected.items() <= pairs.items(), (pairs, quote)
    assert f"{money(quote.total_payable_minor, quote)} in all" in pairs.values(), (pairs, quote)
    assert shown["rows"] == [
        [
            day(row.due),
            money(row.amount_minor, quote),
            money(row.interest_minor, quote),
            money(row.balance_after_minor, quote),
        ]
        for row in quote.schedule
    ]


def assert_posted(kept: Kept, quote: Quote) -> None:
    sums = {
        "bank": quote.total_payable_minor,
        "merchant_payable": quote.amount_minor,
        "interest_income": quote.interest_minor,
        "fee_income": quote.fees_minor,
    }
    assert kept.posted == {kind: amount for kind, amount in sums.items() if amount}, quote


def assert_drawn(kept: Kept, quote: Quote) -> None:
    drawn = [
        (one.due_on, one.amount_minor, one.principal_minor, one.interest_minor, one.fee_minor)
        for one in kept.documents
        if one.kind in {"invoice", "notice"}
    ]
    assert drawn == [
        (row.due, row.amount_minor, row.principal_minor, row.interest_minor, row.fee_minor)
        for row in quote.schedule
    ]


def assert_printed(kept: Kept, quote: Quote) -> None:
    """The sale's PDF as it was sent, and the first and the last notice drawn as they will be."""
    sale = text_of(kept.sent)
    if quote.method == "invoice":
        [only] = quote.schedule
        asked = f"To pay {money(only.amount_minor, quote)}"
        assert asked in sale, sale
        assert day(only.due) in sale, sale
        return
    nominal, apr = format_percent(quote.nominal_rate, "en"), format_percent(quote.apr, "en")
    rates = f"Interest {nominal} a year, annual percentage rate {apr}."
    assert rates in sale, sale
    for row in quote.schedule:
        parts = [row.principal_minor, row.interest_minor, *([row.fee_minor] if quote.fees_minor else [])]
        cells = [
            str(row.number),
            day(row.due),
            *(money(part, quote) for part in (*parts, row.amount_minor)),
        ]
        assert " ".join(cells) in sale, (cells, sale)
    notices = [one for one in kept.documents if one.kind == "notice"]
    assert_notice_printed(notices[0], quote, quote.schedule[0])
    assert_notice_printed(notices[-1], quote, quote.schedule[-1])


def assert_notice_printed(notice: InvoiceView, quote: Quote, row: Instalment) -> None:
    said = text_of(pdf.draw(notice.content, "en"))
    assert f"To pay {money(row.amount_minor, quote)}" in said, said
    assert day(row.due) in said, said


def assert_signed(kept: Kept, quote: Quote) -> None:
    """The agreement's PDF names the quote and holds its table, row by row."""
    said = text_of(kept.agreement)
    figures_told = [
        money(quote.amount_minor, quote),
        money(quote.total_payable_minor, quote),
        format_percent(quote.apr, "en"),
        quote.id,
    ]
    assert [each for each in figures_told if each not in said] == [], said
    for row in quote.schedule:
        parts = (row.principal_minor, row.interest_minor, row.fee_minor, row.amount_minor)
        cells = [money(part, quote) for part in (*parts, row.balance_after_minor)]
        assert " ".join([str(row.number), day(row.due), *cells]) in said, (row, said)


def text_of(document: bytes) -> str:
    """The words of a PDF in their order, one space between them."""
    opened = pypdfium2.PdfDocument(document)
    try:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in opened).split())
    finally:
        opened.close()


def told_by(world: World, batch: Batch) -> httpx.Client:
    return httpx.Client(base_url=world.base_url, headers={"Authorization": f"Bearer {batch.api_key}"})


def money(amount_minor: int, quote: Quote) -> str:
    return format_money(Money(amount_minor, quote.currency), "en")


def day(day: date) -> str:
    return format_date(day, "en", "medium")
