"""A shop's own words for its payment links, and when it reminds of one."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx
import pytest

from app.kernel import clock, db
from app.links import actions
from app.links.sending import sends_of_link
from app.merchants.queries import Merchant, forget_kept_merchants, merchant_by_id
from tests.factories.links import EMAIL, STAFF, a_link

PAGE = "/admin/settings/links"
WORDS = {
    "do": "words",
    "words": "sv",
    "occasion": "link",
    "subject": "Hej {name}, {total}",
    "message": "Betala senast {until}.\r\n{shop}, {reference}",
    "sms": "{shop} vill ha {total}:",
}


async def stored(merchant: Merchant) -> list[tuple[str, str]]:
    rows = await db.fetch_all(
        "SELECT lang, occasion FROM link_words WHERE merchant_id = $1 ORDER BY 1, 2", merchant.id
    )
    return [(row["lang"], row["occasion"]) for row in rows]


async def sent(merchant: Merchant, lang: str) -> tuple[str | None, str | None]:
    """Subject and body of a link that is sent now."""
    link, now = await a_link(merchant, lasts=timedelta(days=2)), await clock.business_now()
    await actions.ask_to_send(
        merchant.id, link, channel="email", recipient=EMAIL, lang=lang, actor=STAFF, now=now
    )
    [send] = await sends_of_link(merchant.id, link.id)
    return send.subject, send.body


async def the_merchant(merchant: Merchant) -> Merchant:
    found = await merchant_by_id(merchant.id)
    assert found is not None
    return found


async def test_words_of_ones_own_are_used_in_their_language_alone(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    answer = await desk.post(PAGE, data=WORDS)
    assert answer.headers["location"] == f"{PAGE}?words=sv&occasion=link&saved=words"
    assert await stored(merchant) == [("sv", "link")]
    subject, body = await sent(merchant, "sv")
    assert subject == "Hej Aino Virta, 203,00 €"
    assert body is not None
    assert re.fullmatch(r"Betala senast \d.*\.\nHavu & Kivi, COUNTER-7", body)
    subject, _ = await sent(merchant, "fi")
    assert subject == "Tilauksesi COUNTER-7, Havu & Kivi"
    page = (await desk.get(answer.headers["location"])).text
    assert "Hej {name}, {total}" in page
    assert "Use the usual words" in page


async def test_the_usual_words_come_back(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    await desk.post(PAGE, data=WORDS)
    await desk.post(PAGE, data={"do": "ours", "words": "sv", "occasion": "link"})
    assert await stored(merchant) == []
    assert (await sent(merchant, "sv"))[0] == "Din beställning COUNTER-7 från Havu & Kivi"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"subject": " "}, "f-subject"),
        ({"subject": "x" * 151}, "f-subject"),
        ({"subject": "Order {number}"}, "f-subject"),
        ({"message": ""}, "f-message"),
        ({"message": "{__class__}"}, "f-message"),
        ({"message": "x" * 2001}, "f-message"),
        ({"sms": ""}, "f-sms"),
        ({"sms": "x" * 301}, "f-sms"),
    ],
)
async def test_words_that_cannot_be_sent_are_refused_and_stay_on_the_page(
    desk: httpx.AsyncClient, merchant: Merchant, changes: dict[str, str], place: str
) -> None:
    page = await desk.post(PAGE, data=WORDS | changes)
    assert page.status_code == 422
    assert f'href="#{place}"' in page.text
    assert f'id="{place}-wrong"' in page.text
    [typed] = changes.values()
    assert html.escape(typed.strip(), quote=False) in page.text
    assert await stored(merchant) == []


async def test_a_brace_in_a_customers_name_is_no_gap(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    await desk.post(PAGE, data=WORDS)
    link, now = await a_link(merchant), await clock.business_now()
    name = "UPDATE order_contacts SET name = '{total} {shop}' WHERE merchant_id = $1"
    await db.in_tx(lambda: db.execute(name, merchant.id))
    await actions.ask_to_send(
        merchant.id, link, channel="email", recipient=EMAIL, lang="sv", actor=STAFF, now=now
    )
    [send] = await sends_of_link(merchant.id, link.id)
    assert send.subject == "Hej {total} {shop}, 203,00 €"
    assert send.body == "Betala senast.\nHavu & Kivi, COUNTER-7"


async def test_reminders_and_grace_are_saved_and_stand_in_the_audit_log(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    assert (merchant.link_reminders_h, merchant.link_grace_s) == ((), 1800)
    form = {"do": "rules", "grace": "45", "h-24": "1", "h-72": "1", "h-5": "1"}
    assert (await desk.post(PAGE, data=form)).status_code == 303
    after = await the_merchant(merchant)
    assert (after.link_reminders_h, after.link_grace_s) == ((72, 24), 2700)
    row = await db.fetch_one("SELECT detail FROM audit_log WHERE action = 'merchant.link_rules'")
    assert row is not None
    assert row["detail"] == {"grace_s": 2700, "reminders_h": [72, 24]}
    page = (await desk.get(PAGE)).text
    assert re.search(r'name="h-72" value="1" checked', page)
    assert not re.search(r'name="h-168" value="1" checked', page)


@pytest.mark.parametrize("grace", ["", "-1", "1.5", "1441", "99999", "a day"])
async def test_a_grace_that_is_none_is_refused_at_its_field(
    desk: httpx.AsyncClient, merchant: Merchant, grace: str
) -> None:
    page = await desk.post(PAGE, data={"do": "rules", "grace": grace, "h-24": "1"})
    assert page.status_code == 422
    assert 'href="#f-grace"' in page.text
    assert f'value="{grace}"' in page.text
    assert re.search(r'name="h-24" value="1" checked', page.text)
    assert (await the_merchant(merchant)).link_reminders_h == ()


async def test_more_reminders_than_may_be_are_refused(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    odd = "UPDATE merchants SET link_reminders_h = '{700}' WHERE id = $1"
    await db.in_tx(lambda: db.execute(odd, merchant.id))
    forget_kept_merchants()
    all_of_them = {f"h-{hours}": "1" for hours in (700, 168, 72, 24, 6, 1)}
    page = await desk.post(PAGE, data={"do": "rules", "grace": "30"} | all_of_them)
    assert page.status_code == 422
    assert "Choose at most 5 reminders." in page.text


async def test_an_occasion_or_language_that_is_none_shows_the_first(desk: httpx.AsyncClient) -> None:
    page = await desk.get(f"{PAGE}?words=xx&occasion=birthday&saved=everything")
    assert page.status_code == 200
    assert "Tilauksesi {reference}, {shop}" in page.text
