"""Fees of ways to pay and insurances, as the owner of a shop sets them; the law is told where it says no."""

from __future__ import annotations

import re

import httpx
import pytest

from app.extras.queries import fees_now, offers_of
from app.extras.rules import MethodFee
from app.merchants.queries import Merchant
from tests.factories.extras import an_insurance_offer

FEES = "/admin/settings/fees"
INSURANCE = "/admin/settings/insurance"
OFFER = {
    "name": "Accident and theft",
    "insurer": "Turva",
    "covers_fi": "Saat uuden.",
    "terms_url": "https://turva.example/terms",
    "cancel_days": "14",
    "from": "100",
    "rate": "8.5",
    "least": "15,00",
}


async def test_discounts_and_fees_of_companies_are_saved_and_shown_again(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    typed = {"consumer-card": "-1.50", "consumer-wallet": "-2 %", "business-card": "1,5%"}
    answer = await desk.post(FEES, data=typed)
    assert answer.headers["location"] == f"{FEES}?saved=1", answer.text
    assert set(await fees_now(merchant.id)) == {
        MethodFee("consumer", "card", fixed_minor=-150),
        MethodFee("consumer", "wallet", rate_points=-200),
        MethodFee("business", "card", rate_points=150),
    }
    page = (await desk.get(FEES)).text
    for text in ('value="-1.50"', 'value="-2 %"', 'value="1.5 %"'):
        assert text in page


async def test_a_surcharge_on_a_consumers_card_is_refused_with_its_source_and_nothing_is_saved(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    answer = await desk.post(
        FEES, data={"consumer-card": "2.00", "consumer-invoice": "1", "business-card": "1"}
    )
    assert answer.status_code == 422
    assert "A consumer may not pay more for this way to pay." in answer.text
    assert "Directive (EU) 2015/2366 (PSD2) art. 62(4)" in answer.text
    assert "belongs into the plan" in answer.text
    assert 'value="2.00"' in answer.text
    assert await fees_now(merchant.id) == ()


async def test_what_is_no_sum_is_told_at_its_field(desk: httpx.AsyncClient) -> None:
    answer = await desk.post(FEES, data={"business-invoice": "two"})
    assert answer.status_code == 422
    assert 'id="f-business-invoice-wrong"' in answer.text
    assert 'value="two"' in answer.text


@pytest.mark.parametrize("typed", ["0.005 %", "0.00%", "0", "-0,001", "1.555 %"])
async def test_what_is_too_fine_to_be_kept_is_refused_at_its_field_and_not_dropped(
    desk: httpx.AsyncClient, merchant: Merchant, typed: str
) -> None:
    answer = await desk.post(FEES, data={"business-card": typed, "business-invoice": "1.50"})
    assert answer.status_code == 422
    assert "0.01 % at least" in answer.text.split('id="f-business-card-wrong"')[1]
    assert f'value="{typed}"' in answer.text
    assert 'value="1.50"' in answer.text
    assert await fees_now(merchant.id) == ()


async def test_an_insurance_is_offered_changed_and_ended(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    answer = await desk.post(f"{INSURANCE}/new", data=OFFER)
    assert answer.headers["location"] == f"{INSURANCE}?saved=on", answer.text
    [first] = await offers_of(merchant.id)
    assert (first.offer.rate_points, first.offer.least_minor, first.offer.from_minor) == (850, 1_500, 10_000)
    url = f"{INSURANCE}/{first.offer.public_id}"
    page = (await desk.get(url)).text
    assert 'value="8.5"' in page
    assert 'value="15.00"' in page
    await desk.post(url, data={**OFFER, "rate": "9"})
    on, ended = await offers_of(merchant.id)
    assert (on.offer.rate_points, on.ended_at) == (900, None)
    assert ended.offer == first.offer
    await desk.post(f"{INSURANCE}/{on.offer.public_id}", data={"do": "end"})
    assert all(each.ended_at for each in await offers_of(merchant.id))
    assert (await desk.get(url)).headers["location"] == INSURANCE


async def test_what_is_missing_or_wrong_is_told_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    answer = await desk.post(
        f"{INSURANCE}/new",
        data={"name": "Theft", "from": "100", "fixed": "9.90", "rate": "8", "cancel_days": "7"},
    )
    assert answer.status_code == 422
    for text in (
        "Fill in this field.",
        "Say in the language of your shop what is covered.",
        "Give the address of the terms, or their text.",
        "Give one price",
        "Enter whole days, from 14 to 365.",
        'value="Theft"',
    ):
        assert text in answer.text
    assert await offers_of(merchant.id) == ()


async def test_the_report_has_a_row_for_every_offer(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    await an_insurance_offer(merchant)
    page = (await desk.get("/admin/insurance", params={"days": "7"})).text
    assert "Accident and theft" in page
    assert re.search(r'href="/admin/insurance\?days=7" aria-current="page"', page)
