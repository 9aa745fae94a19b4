"""How it was: asked once a purchase has ended, in the browser that made it, with a script and without."""

from __future__ import annotations

from pathlib import Path

import httpx

from app.kernel import clock
from app.kernel import db as database
from app.support import actions
from tests.factories.checkout import a_merchant, a_session
from tests.support.pages import browser, settings_in
from tests.support.whole import whole_product
from tests.web.shopper.test_flow import HTMX
from tests.web.shopper.test_refusal import the_register_says, through_step_two

QUESTION = "How easy was this?"


async def a_cancelled_purchase(client: httpx.AsyncClient) -> str:
    session = await a_session(await a_merchant())
    await client.get(f"/pay/{session}")
    await client.post(f"/pay/{session}/cancel")
    return f"/pay/{session}"


async def kept() -> list[tuple[str, int, str | None]]:
    rows = await database.fetch_all("SELECT outcome, ease, words FROM feedback")
    return [(row["outcome"], row["ease"], row["words"]) for row in rows]


async def test_one_tap_says_it_and_words_may_follow(client: httpx.AsyncClient) -> None:
    pay = await a_cancelled_purchase(client)
    assert QUESTION in (await client.get(f"{pay}/outcome")).text
    piece = await client.post(f"{pay}/feedback", data={"ease": "2"}, headers=HTMX)
    assert piece.headers["HX-Retarget"] == "#feedback"
    assert "Thank you for telling us" in piece.text
    assert "<html" not in piece.text
    await client.post(f"{pay}/feedback", data={"ease": "2", "words": "The code came late."}, headers=HTMX)
    assert await kept() == [("cancelled", 2, "The code came late.")]
    page = await client.get(f"{pay}/outcome")
    assert "People in the shop read what you wrote." in page.text
    assert QUESTION not in page.text


async def test_without_a_script_the_page_comes_back_at_the_thanks(client: httpx.AsyncClient) -> None:
    pay = await a_cancelled_purchase(client)
    answer = await client.post(f"{pay}/feedback", data={"ease": "5"})
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/outcome#feedback")
    too_long = await client.post(f"{pay}/feedback", data={"ease": "5", "words": "x" * 1001})
    assert too_long.status_code == 422
    assert "At most 1,000 characters." in too_long.text
    assert "x" * 1001 in too_long.text, "what was typed stays"
    card = await client.post(f"{pay}/feedback", data={"ease": "5", "words": "Mine is 4111 1111 1111 1111"})
    assert "This holds a card number. Leave it out." in card.text
    wrong = await client.post(f"{pay}/feedback", data={"ease": "9"})
    assert wrong.status_code == 422
    assert await kept() == [("cancelled", 5, None)]


async def test_shoppers_read_what_changed_because_of_them(client: httpx.AsyncClient) -> None:
    pay = await a_cancelled_purchase(client)
    merchant_id = await database.fetch_value("SELECT id FROM merchants")
    await actions.tell(merchant_id, "en", "Codes <b>arrive</b> sooner.", actor="staff:st_1", now=clock.wall())
    piece = await client.post(f"{pay}/feedback", data={"ease": "4"}, headers=HTMX)
    assert "Changed because shoppers said so:" in piece.text
    assert "Codes &lt;b&gt;arrive&lt;/b&gt; sooner." in piece.text


async def test_nobody_says_it_for_another_browser_or_before_the_end(
    client: httpx.AsyncClient, db: str, secrets_folder: Path
) -> None:
    session = await a_session(await a_merchant())
    pay = f"/pay/{session}"
    await the_register_says(income_minor_month=300_000)
    await through_step_two(client, session)
    await client.post(f"{pay}/cancel")
    assert QUESTION in (await client.get(f"{pay}/outcome")).text
    async with browser(whole_product(settings_in(secrets_folder, db))) as stranger:
        assert QUESTION not in (await stranger.get(f"{pay}/outcome")).text
        await stranger.post(f"{pay}/feedback", data={"ease": "1"})
    open_one = f"/pay/{await a_session(await a_merchant('Meri & Sora'))}"
    await client.get(open_one)
    await client.post(f"{open_one}/feedback", data={"ease": "1"})
    # While a provider is asked for the money the purchase has not ended either.
    await database.execute_alone("UPDATE checkout_sessions SET state = 'processing' WHERE state = 'open'")
    assert (await client.post(f"{open_one}/feedback", data={"ease": "1"})).status_code < 500
    assert (await client.post("/pay/cs_nothing/feedback", data={"ease": "1"})).status_code == 404
    assert await kept() == []
