"""The flow over HTTP, as plain HTML and as partials."""

from __future__ import annotations

import re

import httpx
import pytest

from app.kernel import db
from tests.factories.checkout import (
    PHONE,
    POSTCODE,
    a_known_person,
    a_merchant,
    a_session,
    a_shopper_at_confirm,
)

HTMX = {"HX-Request": "true"}


async def the_code() -> str:
    code = await db.fetch_value("SELECT code FROM sandbox_messages ORDER BY id DESC LIMIT 1")
    assert isinstance(code, str)
    return code


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return found[1]


async def test_a_returning_shopper_pays_without_javascript(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    session = await a_session(await a_merchant())
    page = await client.get(f"/pay/{session}")
    assert page.status_code == 200
    assert "How do you want to pay?" in page.text
    answer = await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/pay/{session}/identify")
    page = await client.get(answer.headers["location"])
    assert "Who is paying?" in page.text
    assert PHONE in page.text
    answer = await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    assert answer.headers["location"] == f"/pay/{session}/identify"
    page = await client.get(answer.headers["location"])
    assert "Code from the SMS" in page.text
    answer = await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    assert answer.headers["location"] == f"/pay/{session}/confirm", answer.text
    page = await client.get(answer.headers["location"])
    assert "Check and confirm" in page.text
    answer = await client.post(f"/pay/{session}/confirm", data={"shown": hidden(page.text, "shown")})
    assert answer.headers["location"] == f"/pay/{session}/outcome"
    page = await client.get(answer.headers["location"])
    assert "Purchase confirmed" in page.text
    assert f"http://localhost:9/thanks?session={session}" in page.text


async def test_with_htmx_each_step_answers_with_the_next_one(client: httpx.AsyncClient) -> None:
    await a_known_register_entry()
    session = await a_session(await a_merchant())
    await client.get(f"/pay/{session}")
    requests = [
        ("", {"method": "invoice", "delivery": "email"}, "Who is paying?", "/identify"),
        ("/code", {"phone": PHONE, "postcode": POSTCODE}, "Code from the SMS", "/identify"),
        ("/identify", {"code": ""}, "Check and confirm", "/confirm"),
        ("/confirm", {"shown": ""}, "Purchase confirmed", "/outcome"),
    ]
    page = ""
    for path, fields, heading, pushed in requests:
        form = dict(fields)
        if "code" in form:
            form["code"] = await the_code()
        if "shown" in form:
            form["shown"] = hidden(page, "shown")
        answer = await client.post(f"/pay/{session}{path}", data=form, headers=HTMX)
        assert answer.status_code == 200, answer.text
        page = answer.text
        assert heading in page, page
        assert answer.headers["hx-push-url"] == f"/pay/{session}{pushed}"
        assert "<html" not in page


async def a_known_register_entry() -> None:
    """A returning person whom the register's twin knows by the number that the factories give."""
    await a_known_person()
    await db.in_tx(
        lambda: db.execute(
            """INSERT INTO sandbox_shoppers (id, kind, name, phone, postcode, email, street, city, country, subject,
                   national_number, birthdate, register, created_at)
               VALUES (gen_random_uuid(), 'returning', 'Aino Virta', $1, $2, 'a@x.example', 'Katu 1', 'Helsinki', 'FI',
                       'aino', '010590-903L', '1990-05-01', '{"income_minor_month": 300000, "loans": [],
                       "credit_ban": false, "currency": "EUR"}', now())""",
            PHONE,
            POSTCODE,
        )
    )


@pytest.mark.parametrize(
    "session_id", ["cs_00000000000000000000000000", "cs_x", "x", "%00", "cs_" + "0" * 500]
)
async def test_unknown_and_malformed_sessions_are_the_same_404(
    client: httpx.AsyncClient, session_id: str
) -> None:
    answer = await client.get(f"/pay/{session_id}")
    other = await client.get("/pay/cs_7zzzzzzzzzzzzzzzzzzzzzzzzz")
    assert answer.status_code == other.status_code == 404
    nonces = re.compile(r'nonce="[^"]*"')
    assert nonces.sub("", answer.text) == nonces.sub("", other.text)


async def test_bad_phone_and_postcode_stand_at_their_fields_and_stay_typed(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    answer = await client.post(f"/pay/{session}/code", data={"phone": "12", "postcode": "abc<"})
    assert answer.status_code == 422
    assert 'value="12"' in answer.text
    assert "abc&lt;" in answer.text
    assert len(re.findall(r'<input[^>]*aria-invalid="true"', answer.text)) == 2


async def test_the_example_of_a_number_is_the_shoppers_countrys_in_every_language(
    client: httpx.AsyncClient,
) -> None:
    session = await a_session(await a_merchant())
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    answer = await client.post(f"/pay/{session}/code?lang=sv", data={"phone": "12", "postcode": POSTCODE})
    assert "Kontrollera numret. Exempel: 040 123 4567." in answer.text


async def test_a_wrong_code_tells_the_tries_left_and_the_fifth_spends_it(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    wrong = "000000" if await the_code() != "000000" else "111111"
    for left in (4, 3, 2, 1):
        answer = await client.post(f"/pay/{session}/identify", data={"code": wrong})
        assert answer.status_code == 422
        assert f"{left} tr" in answer.text
    answer = await client.post(f"/pay/{session}/identify", data={"code": wrong})
    assert answer.status_code == 422
    assert "too many times" in answer.text
    answer = await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    assert answer.status_code == 422


async def test_a_second_code_within_a_minute_says_how_long_to_wait(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    await client.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
    answer = await client.post(f"/pay/{session}/code", data={"again": "1"})
    assert answer.status_code == 429
    assert "1 minute" in answer.text


async def test_nothing_is_preselected_and_nothing_chosen_is_told(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    page = await client.get(f"/pay/{session}")
    assert " checked" not in page.text
    answer = await client.post(f"/pay/{session}", data={})
    assert answer.status_code == 422
    assert "Choose how you want to pay." in answer.text


async def test_the_two_comboboxes_follow_each_other_without_writing(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    page = await client.get(f"/pay/{session}?method=instalments&months=3&monthly=1&shown_months=6")
    assert re.search(r'<option value="3" selected>', page.text)
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0


async def test_a_confirmed_session_leads_every_page_to_its_outcome(client: httpx.AsyncClient) -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    await shopper.confirm()
    for path in ("", "/identify", "/confirm"):
        answer = await client.get(f"/pay/{shopper.session}{path}")
        assert answer.headers["location"] == f"/pay/{shopper.session}/outcome"
    page = await client.get(f"/pay/{shopper.session}/outcome")
    assert "Purchase confirmed" in page.text
    assert "SHOP-1001" not in page.text, "another browser sees nothing personal"


async def test_cancelling_asks_once_and_then_ends_the_session(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    page = await client.get(f"/pay/{session}/cancel")
    assert "Cancel this purchase" in page.text
    answer = await client.post(f"/pay/{session}/cancel", data={})
    page = await client.get(answer.headers["location"])
    assert "The purchase was cancelled" in page.text
    assert f"http://localhost:9/basket?session={session}" in page.text


async def test_a_get_writes_nothing(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    for path in ("", "/identify", "/confirm", "/outcome", "/cancel", "?lang=fi"):
        with db.counting() as counts:
            await client.get(f"/pay/{session}{path}")
        assert (counts.writes, counts.commits) == (0, 0)
    assert await db.fetch_value("SELECT count(*) FROM browsers") == 0


async def test_a_post_from_another_site_changes_nothing(client: httpx.AsyncClient) -> None:
    session = await a_session(await a_merchant())
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = await client.post(
            f"/pay/{session}", data={"method": "invoice", "delivery": "email"}, headers=headers
        )
        assert answer.status_code == 403
    assert await db.fetch_value("SELECT count(*) FROM quotes") == 0
