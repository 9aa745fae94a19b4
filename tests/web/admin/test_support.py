"""What shoppers say, as staff read it, and what they tell them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock
from app.merchants.queries import Merchant
from app.support import actions
from app.support.queries import news_told
from tests.factories.checkout import a_merchant
from tests.factories.reviews import a_session_id
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

PAGE = "/admin/support"


async def signed_in(app: ASGIApp, merchant: Merchant, role: str) -> AsyncIterator[httpx.AsyncClient]:
    async with pages.browser(app) as client:
        person = await a_person(merchant, f"{role}@havu.example", role=role)
        assert (await sign_in(client, person)).headers["location"] in {"/admin", PAGE}
        yield client


@pytest.fixture
async def support(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    async for client in signed_in(app, merchant, "support"):
        yield client


@pytest.fixture
async def owner(app: ASGIApp, merchant: Merchant) -> AsyncIterator[httpx.AsyncClient]:
    async for client in signed_in(app, merchant, "owner"):
        yield client


async def voices(merchant: Merchant, *said: tuple[int, str | None]) -> None:
    for ease, words in said:
        session = await a_session_id(merchant)
        at = clock.wall() - timedelta(minutes=1)
        await actions.say(
            merchant.id, session, outcome="confirmed", ease=ease, words=words, lang="en", now=at
        )


async def test_support_reads_the_trend_and_the_words_with_their_order(
    support: httpx.AsyncClient, merchant: Merchant
) -> None:
    await voices(merchant, (5, None), (2, "The <i>code</i> came late."))
    await voices(await a_merchant("Meri & Sora"), (1, "of another shop"))
    page = (await support.get(PAGE)).text
    assert "The &lt;i&gt;code&lt;/i&gt; came late." in page
    assert "of another shop" not in page
    assert ">3.5<" in page, "the mean of five and two"
    rows = list(csv.DictReader(io.StringIO((await support.get(f"{PAGE}/export?by=day")).text)))
    assert len(rows) == 30
    assert (rows[-1]["answers"], rows[-1]["easy"], rows[-1]["hard"], rows[-1]["mean"]) == (
        "2",
        "1",
        "1",
        "3.5",
    )


async def test_an_owner_tells_what_changed_and_nobody_else_does(
    support: httpx.AsyncClient, owner: httpx.AsyncClient, merchant: Merchant
) -> None:
    assert (await support.post(f"{PAGE}/news", data={"lang": "en", "words": "No."})).status_code == 403
    assert (await owner.post(f"{PAGE}/news", data={"lang": "en", "words": "Sooner."})).status_code == 303
    assert [each.words for each in (await news_told(merchant.id)).values()] == ["Sooner."]
    assert "Sooner." in (await owner.get(PAGE)).text
    long = await owner.post(f"{PAGE}/news", data={"lang": "en", "words": "x" * 301})
    assert long.status_code == 422
    assert "x" * 301 in long.text, "what was typed stays"
    assert (await owner.post(f"{PAGE}/news", data={"lang": "xx", "words": "No."})).status_code == 422


async def test_a_shop_that_nobody_has_spoken_to_has_a_calm_page(support: httpx.AsyncClient) -> None:
    page = (await support.get(f"{PAGE}?by=month&cursor=nonsense")).text
    assert "Nobody has answered in this time." in page
    assert "Nobody has written anything yet." in page
