"""The price line that other sites frame: lawful, small, cached, and alone in being framed."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import brotli
import httpx
import pytest

from app.kernel import clock
from app.merchants.actions import NewMerchant, create_merchant
from app.plans.actions import create_plan
from app.plans.rules import standard_plans
from tests.factories.checkout import a_merchant
from tests.support.pages import settings_in
from tests.support.whole import framework_of, whole_product
from tests.web.shopper.test_offers import a_shop_in

SIZE_MAX = 5_000


def address(merchant: str, amount: int | str = 749_00, **more: str) -> str:
    return str(httpx.URL("/widget", params={"amount_minor": amount, "merchant": merchant, **more}))


async def test_the_line_says_the_smallest_monthly_amount_with_warning_and_example(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get(address((await a_merchant()).public_id, lang="en"))).text

    assert "<li>Invoice, 14 days</li>" in page
    assert "<li><b>From €25.93 a month</b></li>" in page
    assert page.index("Invoice, 14 days") < page.index("From €25.93"), "in the order of the country's law"
    assert page.index("Borrowing money costs money") < page.index("<details>"), "seen without a click"
    for figure in ("€749.00", "<dd>36</dd>", "14.9%", "16.0%", "€933.37"):
        assert figure in page[page.index("<details>") :], figure


async def test_it_speaks_the_merchant_s_language_unless_another_is_asked_for(
    client: httpx.AsyncClient,
) -> None:
    merchant = (await a_merchant()).public_id
    by_itself = await client.get(address(merchant), headers={"Accept-Language": "da"})
    asked = await client.get(address(merchant, lang="sv"))
    nonsense = await client.get(address(merchant, lang="xx"))

    assert '<html lang="fi">' in by_itself.text
    assert "Luottoesimerkki" in by_itself.text
    assert '<html lang="sv">' in asked.text
    assert asked.headers["content-language"] == "sv"
    assert '<html lang="fi">' in nonsense.text


async def test_it_is_small_has_no_script_and_may_be_kept_by_anybody(client: httpx.AsyncClient) -> None:
    answer = await client.get(address((await a_merchant()).public_id, lang="bg"))

    assert len(brotli.compress(answer.content, quality=4)) < SIZE_MAX
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in answer.headers


async def test_any_site_may_frame_it(client: httpx.AsyncClient) -> None:
    headers = (await client.get(address((await a_merchant()).public_id))).headers

    assert headers["content-security-policy"].endswith("frame-ancestors *")
    assert "script-src" not in headers["content-security-policy"]
    assert "form-action 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "x-frame-options" not in headers


async def test_nothing_else_may_be_framed(client: httpx.AsyncClient, db: str, secrets_folder: Path) -> None:
    app = framework_of(whole_product(settings_in(secrets_folder, db)))
    paths = {re.sub(r"\{[^}]*\}", "x", route.path) for route in app.routes} - {"/widget"}
    assert len(paths) > 30

    for path in sorted(paths | {"/widget/", "/widget/x", "/widgets", "/nothing-here"}):
        headers = (await client.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path


@pytest.mark.parametrize("merchant", ["", "m_", "nobody", "m_0123456789abcdefghjkmnpqrs", "m_%00"])
async def test_an_unknown_merchant_has_no_line(client: httpx.AsyncClient, merchant: str) -> None:
    answer = await client.get(address(merchant))

    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("amount", ["", "0", "-1", "12.40", "1e3", "٣", " 5", "1000000000001", "9" * 400])
async def test_an_amount_that_is_no_price_is_refused(client: httpx.AsyncClient, amount: str) -> None:
    answer = await client.get(address((await a_merchant()).public_id, amount))

    assert answer.status_code == 422
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "amount_minor=12900&amount_minor=x",
        "amount_minor=%00",
        "amount_minor=%ff",
        "lang=xx&amount_minor=12900",
    ],
)
async def test_a_strange_query_is_a_line_or_a_refusal(client: httpx.AsyncClient, query: str) -> None:
    merchant = (await a_merchant()).public_id

    answer = await client.get(f"/widget?merchant={merchant}&{query}")

    assert answer.status_code in {200, 400, 422}


@pytest.mark.parametrize("amount_minor", [90_000_00, 10**12])
async def test_a_price_outside_every_plan_gives_a_calm_line_without_figures(
    client: httpx.AsyncClient, amount_minor: int
) -> None:
    answer = await client.get(address((await a_merchant()).public_id, amount_minor, lang="en"))

    assert answer.status_code == 200
    assert "Paying later is not offered for this price." in answer.text
    assert "<details" not in answer.text


async def test_a_small_price_is_offered_the_invoice_with_an_example_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get(address((await a_merchant()).public_id, 25_00, lang="en"))).text

    assert "Invoice, 14 days" in page
    assert "a month" not in page
    assert "Borrowing money costs money" in page
    assert "<dt>Due date</dt>" in page


@pytest.mark.parametrize(("country", "currency", "money"), [("SE", "SEK", "kr"), ("DK", "DKK", "kr")])
async def test_a_swedish_and_a_danish_shop_show_their_own_money_and_warning(
    client: httpx.AsyncClient, country: str, currency: str, money: str
) -> None:
    merchant = await a_shop_in(country, currency)
    page = (
        await client.get(
            address(
                merchant.public_id, 4_900_00, lang=country.lower().replace("se", "sv").replace("dk", "da")
            )
        )
    ).text

    assert money in page
    assert 'class="note warn"' in page


async def test_a_danish_shop_with_a_dear_plan_advertises_no_credit_at_all(client: httpx.AsyncClient) -> None:
    # Above 25 % a year a plan may be sold there, and nothing of the firm's credit marketed.
    dear, lawful = Decimal(24), Decimal(22)
    pages = {}
    for rate in (dear, lawful):
        merchant = await a_shop_in("DK", "DKK", rate)
        pages[rate] = (await client.get(address(merchant.public_id, 4_900_00, lang="en"))).text

    assert "The ways to pay are shown at the checkout." in pages[dear]
    for of_credit in ("<li>", "<details", "a month", "%"):
        assert of_credit not in pages[dear].split("</head>")[1]
    assert "a month" in pages[lawful]


async def test_where_a_person_identifies_the_plans_are_advertised_as_anywhere(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_shop_in("BG", "EUR")

    assert "<li>" in (await client.get(address(merchant.public_id))).text


async def test_a_free_plan_is_shown_with_its_warning_too(client: httpx.AsyncClient) -> None:
    now = clock.wall()
    new = NewMerchant(
        name="Puoti", country="FI", contact_email="shop@puoti.example", credit_limit_minor=5_000_000
    )
    merchant = await create_merchant(new, now=now)
    instalments = standard_plans("EUR")[1]
    await create_plan(merchant.id, replace(instalments, nominal_rate=0 * instalments.nominal_rate), now=now)
    page = (await client.get(address(merchant.public_id, 360_00, lang="en"))).text

    assert "From €20.00 a month" in page
    assert "0.0%" in page
    assert "Borrowing money costs money" in page
