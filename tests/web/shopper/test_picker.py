"""The plan picker as a picture: a bar, columns and a table, which say what the figures say."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest

from app.plans.disclosure import QuoteView, view_of
from app.plans.quote import Plan, make_quote
from app.web.shopper.picture import COLUMN, GAP, HEIGHT, picture_of
from tests.factories.checkout import a_merchant
from tests.web.shopper.test_offers import a_basket

_PIECE = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z")


def a_quote(months: int, **terms: object) -> QuoteView:
    plan = Plan(
        key="instalments",
        kind="instalments",
        currency="EUR",
        min_amount_minor=1,
        max_amount_minor=10_000_00,
        min_months=1,
        max_months=60,
        **terms,  # type: ignore[arg-type]
    )
    return view_of(make_quote(plan, 749_00, "EUR", "FI", date(2026, 11, 21), months, merchant="m_x"))


def pieces(path: str) -> list[tuple[int, int, int, int]]:
    """x, y, width and height of every piece."""
    return [tuple(map(int, found)) for found in _PIECE.findall(path)]  # type: ignore[misc]


@pytest.mark.parametrize("months", [3, 12, 36])
def test_every_payment_is_one_column_in_its_order(months: int) -> None:
    picture = picture_of(a_quote(months, nominal_rate=Decimal("14.9")).rows)

    assert [x for x, _, _, _ in pieces(picture.price)] == [COLUMN * n for n in range(months)]
    assert picture.width == months * COLUMN - GAP


def test_the_parts_of_a_column_stand_on_each_other_and_fill_the_largest_payment() -> None:
    picture = picture_of(
        a_quote(12, nominal_rate=Decimal("14.9"), fee_minor=300, arrangement_fee_minor=2000).rows
    )
    price, interest, fees = (pieces(path)[0] for path in (picture.price, picture.interest, picture.fees))

    assert price[1] + price[3] == HEIGHT
    assert interest[1] + interest[3] == price[1]
    assert fees[1] + fees[3] == interest[1]
    assert fees[1] == 0


def test_interest_shrinks_along_the_columns() -> None:
    heights = [h for _, _, _, h in pieces(picture_of(a_quote(36, nominal_rate=Decimal(20)).rows).interest)]

    assert all(later <= earlier for earlier, later in pairwise(heights))
    assert heights[0] > heights[-1]


def test_a_free_plan_shows_the_price_alone() -> None:
    picture = picture_of(a_quote(6).rows)

    assert (picture.interest, picture.fees) == ("", "")


async def test_pictures_are_hidden_from_a_screen_reader_and_follow_the_months(
    client: httpx.AsyncClient,
) -> None:
    session = await a_basket(await a_merchant(), 749_00)
    pages = [
        (
            await client.get(f"/pay/{session}?method=instalments&months={n}", headers={"HX-Request": "true"})
        ).text
        for n in (3, 12)
    ]

    for page, months in zip(pages, (3, 12), strict=True):
        drawings = re.findall(r"<svg[^>]*>", page)
        assert len(drawings) == 2
        assert all('aria-hidden="true"' in drawing for drawing in drawings)
        assert f'viewBox="0 0 {months * COLUMN - GAP} 100"' in page
        figures = page[page.index('id="figures"') :]
        assert "<svg" in figures
        assert "style=" not in page


async def test_all_plans_stand_side_by_side_by_total_cost_only_when_asked_for(
    client: httpx.AsyncClient,
) -> None:
    session = await a_basket(await a_merchant(), 749_00)
    closed, opened = [(await client.get(f"/pay/{session}{query}")).text for query in ("", "?compare=1")]

    assert "Compare all plans" in closed
    assert "schedule compare" not in closed
    assert f'href="/pay/{session}?compare=1#compare"' in closed
    table = opened[
        opened.index('<table class="schedule compare">') : opened.index(
            "Borrowing money", opened.index("schedule compare")
        )
    ]
    rows = [re.findall(r"<b>(.*?)</b>", table), re.findall(r"€([\d.]+)</td></tr>", table)]
    assert rows[0] == ["Invoice", "3 payments", "6 payments", "12 payments", "24 payments", "36 payments"]
    assert [Decimal(total) for total in rows[1]] == sorted(Decimal(total) for total in rows[1])
    assert rows[1][0] == "749.00"
    assert "67.57 a month" in table
    assert "16.0%" in table


async def test_a_term_that_is_not_on_offer_is_not_compared(client: httpx.AsyncClient) -> None:
    session = await a_basket(await a_merchant(), 129_00)
    page = (await client.get(f"/pay/{session}?compare=1")).text

    assert "6 payments" in page
    assert "12 payments" not in page


async def test_comparing_chooses_nothing(client: httpx.AsyncClient) -> None:
    session = await a_basket(await a_merchant(), 749_00)

    assert not re.search(r'type="radio"[^>]* checked', (await client.get(f"/pay/{session}?compare=1")).text)
