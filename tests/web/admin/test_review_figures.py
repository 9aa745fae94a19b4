"""The page of how reviews go, and its tables as files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.cases.states import CaseState
from app.kernel import clock
from app.merchants.queries import Merchant
from app.risk.rules import BUILT_IN
from tests.factories.reviews import a_risk_decision, a_session_id, an_ended_case
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

PAGE = "/admin/reviews/figures"
HOUR = timedelta(hours=1)


async def signed_in(app: ASGIApp, merchant: Merchant, role: str) -> AsyncIterator[httpx.AsyncClient]:
    async with pages.browser(app) as client:
        person = await a_person(merchant, f"{role}@havu.example", role=role)
        assert (await sign_in(client, person)).status_code == 303
        yield client


@pytest.fixture
async def reviewer(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    async for client in signed_in(app, merchant, "reviewer"):
        yield client


@pytest.fixture
async def cashier(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    async for client in signed_in(app, merchant, "cashier"):
        yield client


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


async def some_answers(merchant: Merchant) -> None:
    """Two approved within minutes, one declined after an hour and a half, one that nobody answered."""
    session, opened_at = await a_session_id(merchant), await clock.business_now() - 3 * HOUR
    await an_ended_case(merchant, session, opened_at, waited=timedelta(minutes=4))
    await an_ended_case(merchant, session, opened_at, waited=timedelta(minutes=5))
    await an_ended_case(merchant, session, opened_at, waited=1.5 * HOUR, state=CaseState.DECLINED)
    await an_ended_case(merchant, session, opened_at, state=CaseState.LAPSED)
    await a_risk_decision(
        merchant, session, opened_at, [("rule_unknown", False)], bad=[("reviewer", True), ("unpaid", True)]
    )


async def test_a_shop_without_cases_is_told_so(desk: httpx.AsyncClient) -> None:
    page = await desk.get(PAGE)
    assert page.status_code == 200
    assert "No case was answered in this time." in page.text
    assert "No rule found anything in this time." in page.text
    assert "Nothing fell due long enough ago to tell." in page.text


async def test_the_page_tells_how_long_people_wait_and_what_they_hear(
    reviewer: httpx.AsyncClient, merchant: Merchant
) -> None:
    await some_answers(merchant)
    page = (await reviewer.get(PAGE)).text
    headlines = re.findall(r'<dt>([^<]+)</dt><dd class="headline">([^<]+)</dd>', page)
    assert '<dd class="headline">2 of 3 <span class="small soft">67%</span></dd>' in page
    assert dict(headlines) | {"answers an hour at work": ""} == {
        "answers": "3",
        "half of them within": "5 min",
        "nine of ten within": "1 h 30 min",
        "answers an hour at work": "",
        "not answered in time": "1",
    }
    assert "rule_unknown" in page, "a rule that is there no more is still told"
    assert '1 of 1 <span class="small soft">100%</span>' in page


async def test_days_and_months_are_asked_for_in_the_address(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    session, long_ago = await a_session_id(merchant), await clock.business_now() - timedelta(days=60)
    await an_ended_case(merchant, session, long_ago)
    found = {by: (await desk.get(f"{PAGE}?by={by}")).text for by in ("day", "week", "month", "nonsense'")}
    assert [by for by, page in found.items() if "No case was answered" not in page] == [
        "week",
        "month",
        "nonsense'",
    ]
    assert found["day"].count("<tr><th scope") >= 30


async def test_every_table_comes_as_a_file(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    await some_answers(merchant)
    page = (await desk.get(f"{PAGE}?by=day")).text
    addresses = [
        each.replace("&amp;", "&")
        for each in re.findall(r'href="(/admin/reviews/figures/export[^"]+)"', page)
    ]
    files = {each.split("of=")[1].split("&")[0]: await desk.get(each) for each in addresses}
    assert set(files) == {"answers", "kinds", "hours", "overturned", "rules"}
    assert all(each.headers["content-type"].startswith("text/csv") for each in files.values())
    assert files["rules"].headers["content-disposition"] == 'attachment; filename="reviews-rules-by-day.csv"'
    assert len(rows_of(files["answers"].text)) == 1 + 30
    assert rows_of(files["kinds"].text)[1] == ["risk", "3", "2", "1", "1", "300", "5400"]
    assert rows_of(files["rules"].text)[1] == ["rule_unknown", "", "0", "1", "1", "1", "100"]
    assert rows_of((await desk.get(f"{PAGE}/export?of=losses")).text)[0][0] == "days"


async def test_a_rules_name_does_not_run_in_a_spreadsheet(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    session = await a_session_id(merchant)
    await a_risk_decision(merchant, session, await clock.business_now() - HOUR, [("=1+1", False)])
    assert rows_of((await desk.get(f"{PAGE}/export?of=rules")).text)[1][0] == "'=1+1"


async def test_figures_are_for_owners_and_reviewers(
    cashier: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for path in (PAGE, f"{PAGE}/export?of=rules"):
        assert (await cashier.get(path)).status_code == 403
        assert (await stranger.get(path)).headers["location"].startswith("/admin/sign-in")


async def test_the_queue_leads_to_the_figures(reviewer: httpx.AsyncClient) -> None:
    assert f'href="{PAGE}"' in (await reviewer.get("/admin/reviews")).text


async def test_every_rule_that_shops_share_is_called_by_its_name(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    session = await a_session_id(merchant)
    found = [(rule, False) for rule in BUILT_IN]
    await a_risk_decision(merchant, session, await clock.business_now() - HOUR, found)
    page = (await desk.get(PAGE)).text
    assert "Many orders from one phone" in page
    assert [rule for rule in BUILT_IN if f">{rule}<" in page or f">{rule} " in page] == []
