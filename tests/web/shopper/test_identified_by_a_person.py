"""Step 2 where no electronic identity exists: a code, a name, a wait, and each answer, as a browser sees it."""

from __future__ import annotations

import re

import httpx

from app.cases.queries import CaseView, waiting
from app.checkout.actions import Answer, answer_case
from app.checkout.actions.vouching import Checked
from app.kernel import clock, db
from app.merchants.queries import Merchant
from tests.factories.checkout import a_line, a_merchant, a_session
from tests.web.shopper.test_flow import HTMX, the_code

PHONE = "+359888123456"
NAME = "Ivanka Petrova"


async def a_proved_phone(client: httpx.AsyncClient) -> tuple[Merchant, str, httpx.Response]:
    """The page after a right code."""
    merchant = await a_merchant("Magazin", country="BG")
    session = await a_session(merchant, a_line())
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    await client.post(f"/pay/{session}/code", data={"phone": "0888 123 456", "postcode": "1000"})
    landed = await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    return merchant, session, await client.get(landed.headers["location"])


async def a_wait(client: httpx.AsyncClient) -> tuple[Merchant, str, CaseView]:
    merchant, session, _ = await a_proved_phone(client)
    await client.post(f"/pay/{session}/ask-who", data={"name": NAME})
    [case] = await waiting(merchant.id)
    return merchant, session, case


async def answer(merchant: Merchant, case: CaseView, outcome: str) -> None:
    checked = Checked(NAME, "call") if outcome == "approved" else None
    said = Answer("approved" if checked else "declined", "stf_1", "Seen", checked)
    await answer_case(merchant, case.public_id, said, await clock.business_now())


async def test_step_two_says_what_will_happen_and_shows_no_bank_and_no_box_to_be_remembered(
    client: httpx.AsyncClient,
) -> None:
    session = await a_session(await a_merchant("Magazin", country="BG"))
    await client.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    page = await client.get(f"/pay/{session}/identify")
    assert "Then a person makes sure who you are, before anything is bought." in page.text
    assert "Identify with my bank" not in page.text
    assert 'name="remember"' not in page.text


async def test_a_right_code_leads_to_the_question_for_a_name_with_the_answer_time(
    client: httpx.AsyncClient,
) -> None:
    _, session, page = await a_proved_phone(client)
    assert "Your phone is confirmed. A person now makes sure who you are" in page.text
    assert "You have an answer by" in page.text
    assert f'action="/pay/{session}/ask-who"' in page.text
    assert "bank" not in re.sub(r"<[^>]*>", "", page.text).lower()


async def test_without_a_name_nobody_is_asked_and_the_field_says_so(client: httpx.AsyncClient) -> None:
    merchant, session, _ = await a_proved_phone(client)
    page = await client.post(f"/pay/{session}/ask-who", data={"name": " "})
    assert page.status_code == 422
    assert "Enter your name." in page.text
    assert await waiting(merchant.id) == ()


async def test_a_name_that_is_too_long_stays_in_its_field(client: httpx.AsyncClient) -> None:
    _, session, _ = await a_proved_phone(client)
    page = await client.post(f"/pay/{session}/ask-who", data={"name": "Iva" * 50})
    assert page.status_code == 422
    assert "This is too long." in page.text
    assert "IvaIvaIva" in page.text


async def test_asked_the_page_says_that_a_person_checks_and_until_when_and_where_the_answer_goes(
    client: httpx.AsyncClient,
) -> None:
    _, session, _ = await a_wait(client)
    page = await client.get(f"/pay/{session}/outcome")
    assert "A person is checking your order" in page.text
    assert "You have an answer by" in page.text
    assert "A person calls you, or asks to see a document" in page.text
    assert "You get the answer by" in page.text
    assert PHONE not in page.text
    assert "Choose another plan instead" in page.text


async def test_in_place_the_wait_follows_the_button_and_a_second_tap_is_led_to_it(
    client: httpx.AsyncClient,
) -> None:
    merchant, session, _ = await a_proved_phone(client)
    page = await client.post(f"/pay/{session}/ask-who", data={"name": NAME}, headers=HTMX)
    assert "A person is checking your order" in page.text
    again = await client.post(f"/pay/{session}/ask-who", data={"name": NAME})
    assert again.headers["location"] == f"/pay/{session}/outcome"
    assert len(await waiting(merchant.id)) == 1


async def test_a_person_is_asked_who_it_is_three_times_in_a_session_at_most(
    client: httpx.AsyncClient,
) -> None:
    merchant, session, _ = await a_proved_phone(client)
    for _ in range(3):
        await client.post(f"/pay/{session}/ask-who", data={"name": NAME})
        assert len(await waiting(merchant.id)) == 1
        await client.post(f"/pay/{session}/another-plan")
    page = await client.post(f"/pay/{session}/ask-who", data={"name": NAME})
    assert page.status_code == 429
    assert "A person has been asked three times for this purchase already." in page.text
    assert await waiting(merchant.id) == ()


async def test_another_browser_sees_that_somebody_waits_and_nothing_else(client: httpx.AsyncClient) -> None:
    _, session, _ = await a_wait(client)
    client.cookies.clear()
    page = await client.get(f"/pay/{session}/outcome")
    assert "A person is checking your order" in page.text
    assert "You get the answer by" not in page.text


async def test_approved_the_shopper_is_led_to_confirm_under_the_checked_name_and_buys(
    client: httpx.AsyncClient,
) -> None:
    merchant, session, case = await a_wait(client)
    await answer(merchant, case, "approved")
    led = await client.get(f"/pay/{session}/outcome")
    assert led.headers["location"] == f"/pay/{session}/confirm"
    page = await client.get(led.headers["location"])
    assert NAME in page.text
    shown = re.search(r'name="shown" value="([^"]+)"', page.text)
    assert shown is not None
    bought = await client.post(f"/pay/{session}/confirm", data={"shown": shown[1]})
    assert "Purchase confirmed" in (await client.get(bought.headers["location"])).text
    assert await db.fetch_value("SELECT state FROM orders") == "paid"


async def test_declined_the_page_says_why_and_that_nothing_was_decided_about_credit(
    client: httpx.AsyncClient,
) -> None:
    merchant, session, case = await a_wait(client)
    await answer(merchant, case, "declined")
    page = await client.get(f"/pay/{session}/outcome")
    assert "The purchase was declined" in page.text
    assert "A person could not make sure who you are." in page.text
    assert "nothing was decided about credit" in page.text
    assert "could not approve this plan" not in page.text


async def test_a_phone_that_nobody_has_checked_is_told_which_one_to_use(client: httpx.AsyncClient) -> None:
    merchant, session, case = await a_wait(client)
    await answer(merchant, case, "approved")
    client.cookies.clear()
    await client.post(f"/pay/{session}/code", data={"phone": "0888 999 888", "postcode": "1000"})
    await client.post(f"/pay/{session}/identify", data={"code": await the_code()})
    page = await client.get(f"/pay/{session}/identify")
    assert "by another phone than this one" in page.text
    assert NAME not in page.text
    assert "/ask-who" not in page.text
