"""A browser that is remembered spares typing and proves nothing; one whose answer was lost is not logged out."""

from __future__ import annotations

import re

import httpx
import pytest

from app.identity.actions import browsers
from app.kernel import db
from app.merchants.queries import Merchant, forget_kept_merchants
from tests.factories.checkout import PHONE, POSTCODE, a_known_person, a_merchant, a_session
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, the_code

CHOICE = {"method": "invoice", "delivery": "email"}
ASKED = {"phone": PHONE, "postcode": POSTCODE}
# On one line: it does not break between its parts.
MASKED = "+358 •• ••• 0101".replace(" ", "\u00a0")
NEW_PERSON = {"phone": "+358480000199", "postcode": "00200"}


async def at_step_2(client: httpx.AsyncClient, merchant: Merchant) -> str:
    """The session's address, in step 2. What the shop passed is left out: nothing but the cookie tells of anybody."""
    session = await a_session(merchant)
    await change("UPDATE order_contacts SET phone = NULL, postcode = NULL")
    await client.post(f"/pay/{session}", data=CHOICE)
    return f"/pay/{session}"


async def change(sql: str, *values: object) -> None:
    await db.in_tx(lambda: db.execute(sql, *values))


def put_back(client: httpx.AsyncClient, name: str, value: str) -> None:
    """The cookie as it was before, where the browser keeps it."""
    [cookie] = [cookie for cookie in client.cookies.jar if cookie.name == name]
    cookie.value = value


async def later_code_is_free() -> None:
    await change("DELETE FROM limits WHERE scope LIKE 'code.phone%'")


async def identified(client: httpx.AsyncClient, url: str, form: dict[str, str]) -> httpx.Response:
    await later_code_is_free()
    await client.post(f"{url}/code", data=form)
    return await client.post(f"{url}/identify", data={"code": await the_code()})


async def a_remembered_browser(client: httpx.AsyncClient) -> Merchant:
    await a_known_register_entry()
    merchant = await a_merchant()
    url = await at_step_2(client, merchant)
    answer = await identified(client, url, {**ASKED, "remember": "1"})
    assert answer.headers["location"] == f"{url}/confirm"
    assert "kolme_known" in client.cookies
    return merchant


async def test_whoever_asks_to_be_remembered_types_only_the_code_next_time(client: httpx.AsyncClient) -> None:
    merchant = await a_remembered_browser(client)
    first = client.cookies["kolme_known"]
    url = await at_step_2(client, merchant)
    page = (await client.get(f"{url}/identify")).text
    assert MASKED in page
    assert 'name="phone"' not in page
    assert PHONE not in page
    answer = await identified(client, url, {"known": "1"})
    assert answer.headers["location"] == f"{url}/confirm"
    assert client.cookies["kolme_known"] != first, "its secret is exchanged at every use"


async def test_nobody_is_remembered_who_did_not_ask(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    merchant = await a_merchant()
    url = await at_step_2(client, merchant)
    page = (await client.get(f"{url}/identify")).text
    assert re.search(r'name="remember" value="1"(?! checked)', page)
    await identified(client, url, ASKED)
    assert "kolme_known" not in client.cookies
    assert 'name="phone"' in (await client.get(f"{await at_step_2(client, merchant)}/identify")).text


async def test_not_you_forgets_the_browser_here_and_on_the_server(client: httpx.AsyncClient) -> None:
    merchant = await a_remembered_browser(client)
    cookie = client.cookies["kolme_known"]
    url = await at_step_2(client, merchant)
    answer = await client.post(f"{url}/forget", data={}, headers=HTMX)
    assert 'name="phone"' in answer.text
    assert MASKED not in answer.text
    assert "kolme_known" not in client.cookies
    client.cookies.set("kolme_known", cookie)
    assert MASKED not in (await client.get(f"{url}/identify")).text, "the cookie is worth nothing any more"


async def test_a_remembered_browser_proves_nothing_without_the_code(client: httpx.AsyncClient) -> None:
    url = await at_step_2(client, await a_remembered_browser(client))
    await later_code_is_free()
    await client.post(f"{url}/code", data={"known": "1"})
    wrong = "000000" if await the_code() != "000000" else "111111"
    answer = await client.post(f"{url}/identify", data={"code": wrong})
    assert answer.status_code == 422
    assert (await client.get(f"{url}/confirm")).headers["location"] == f"{url}/identify"


async def test_a_cookie_that_is_not_ours_is_nobodys(client: httpx.AsyncClient) -> None:
    merchant = await a_remembered_browser(client)
    cookie = client.cookies["kolme_known"]
    client.cookies.set("kolme_known", cookie[:-3] + "abc")
    assert MASKED not in (await client.get(f"{await at_step_2(client, merchant)}/identify")).text


async def test_the_secret_before_is_good_for_a_while_in_case_the_answer_was_lost(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_remembered_browser(client)
    before = client.cookies["kolme_known"]
    await identified(client, await at_step_2(client, merchant), {"known": "1"})
    put_back(client, "kolme_known", before)
    url = await at_step_2(client, merchant)
    assert MASKED in (await client.get(f"{url}/identify")).text
    await change("UPDATE remembered_browsers SET previous_until = now() - interval '1 second'")
    assert MASKED not in (await client.get(f"{url}/identify")).text


async def test_a_shop_that_recognises_nobody_shows_nobody(client: httpx.AsyncClient) -> None:
    merchant = await a_remembered_browser(client)
    await change("UPDATE merchants SET recognise_returning = false WHERE id = $1", merchant.id)
    forget_kept_merchants()
    assert MASKED not in (await client.get(f"{await at_step_2(client, merchant)}/identify")).text


async def test_a_shop_that_is_its_own_creditor_knows_its_own_customers_alone(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_remembered_browser(client)
    await change("UPDATE merchants SET creditor = 'merchant' WHERE id = $1", merchant.id)
    forget_kept_merchants()
    url = await at_step_2(client, merchant)
    assert MASKED not in (await client.get(f"{url}/identify")).text
    answer = await identified(client, url, ASKED)
    assert answer.headers["location"] == f"{url}/identify", "a right code leads a stranger to the bank"
    await change(
        """INSERT INTO profiles (merchant_id, id, customer_id, created_at)
           SELECT $1, gen_random_uuid(), id, now() FROM customers""",
        merchant.id,
    )
    url = await at_step_2(client, merchant)
    assert MASKED in (await client.get(f"{url}/identify")).text
    assert (await identified(client, url, ASKED)).headers["location"] == f"{url}/confirm"


# --- an answer that was lost --------------------------------------------------------------------------------


async def whose_answer_was_lost(client: httpx.AsyncClient) -> str:
    """Identified, and back to the secret from before: as if the answer had never arrived."""
    await a_known_register_entry()
    url = await at_step_2(client, await a_merchant())
    await client.post(f"{url}/code", data=ASKED)
    before = client.cookies["kolme_browser"]
    answer = await client.post(f"{url}/identify", data={"code": await the_code()})
    assert answer.headers["location"] == f"{url}/confirm"
    assert client.cookies["kolme_browser"] != before
    put_back(client, "kolme_browser", before)
    return url


async def test_a_lost_answer_does_not_log_the_browser_out(client: httpx.AsyncClient) -> None:
    url = await whose_answer_was_lost(client)
    page = await client.get(f"{url}/confirm")
    assert "Check and confirm" in page.text
    await change("UPDATE browsers SET previous_until = now() - interval '1 second'")
    assert "Check and confirm" in (await client.get(f"{url}/confirm")).text, "it has got the new secret"


async def test_typing_the_code_once_more_after_a_lost_answer_goes_on(client: httpx.AsyncClient) -> None:
    url = await whose_answer_was_lost(client)
    answer = await client.post(f"{url}/identify", data={"code": "123456"})
    assert answer.headers["location"] == f"{url}/confirm"


@pytest.mark.parametrize(
    "otherwise",
    [
        "UPDATE browsers SET previous_until = now() - interval '1 second'",
        "UPDATE browsers SET device = 'another'",
        "UPDATE browsers SET device = NULL",
        "UPDATE browsers SET previous_digest = NULL, previous_until = NULL, handover = NULL",
    ],
    ids=["too late", "another device", "no device", "two steps back"],
)
async def test_the_secret_before_is_worth_nothing_otherwise(
    client: httpx.AsyncClient, otherwise: str
) -> None:
    url = await whose_answer_was_lost(client)
    await change(otherwise)
    assert (await client.get(f"{url}/confirm")).headers["location"] == f"{url}/identify"


async def test_a_secret_from_before_is_worth_nothing_to_another_program_or_network(
    client: httpx.AsyncClient,
) -> None:
    url = await whose_answer_was_lost(client)
    answer = await client.get(f"{url}/confirm", headers={"User-Agent": "somebody else"})
    assert answer.headers["location"] == f"{url}/identify"


def test_the_grace_is_ten_seconds() -> None:
    assert browsers.GRACE.total_seconds() == 10


async def test_once_the_new_secret_came_back_the_one_before_is_over(client: httpx.AsyncClient) -> None:
    url = await whose_answer_was_lost(client)
    before = client.cookies["kolme_browser"]
    await client.get(f"{url}/confirm")
    await client.post(url, data=CHOICE)
    put_back(client, "kolme_browser", before)
    assert (await client.get(f"{url}/confirm")).headers["location"] == f"{url}/identify"


async def test_no_secret_of_a_browser_can_be_read_in_the_database(client: httpx.AsyncClient) -> None:
    await a_remembered_browser(client)
    rows = await db.fetch_all(
        "SELECT b::text AS whole FROM browsers b UNION ALL SELECT r::text FROM remembered_browsers r"
    )
    stored = " ".join(row["whole"] for row in rows)
    for name in ("kolme_browser", "kolme_known"):
        payload = client.cookies[name].split(".")[1]
        assert payload not in stored


async def test_known_and_unknown_phones_are_answered_with_the_same_bytes(client: httpx.AsyncClient) -> None:
    await a_known_person()
    merchant = await a_merchant()
    pages = []
    for phone in (PHONE, NEW_PERSON["phone"]):
        client.cookies.clear()
        url = await at_step_2(client, merchant)
        answer = await client.post(f"{url}/code", data={"phone": phone, "postcode": POSTCODE}, headers=HTMX)
        text = answer.text.replace(url, "").replace(phone[-4:], "").replace(url.removeprefix("/pay/"), "")
        pages.append((answer.status_code, re.sub(r'nonce="[^"]*"', "", text)))
    assert pages[0] == pages[1]


async def test_a_second_tab_that_comes_too_late_begins_anew_and_may_identify_as_well(
    client: httpx.AsyncClient,
) -> None:
    url = await whose_answer_was_lost(client)
    await change("UPDATE browsers SET previous_until = now() - interval '1 second'")
    assert (await identified(client, url, ASKED)).headers["location"] == f"{url}/confirm"
    assert await db.fetch_value("SELECT count(DISTINCT previous_digest) FROM browsers") == 1
    assert await db.fetch_value("SELECT count(*) FROM browsers") == 2
