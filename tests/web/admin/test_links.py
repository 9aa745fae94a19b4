"""Staff make a payment link, send it, copy it, give it another end, pause it and take it back."""

from __future__ import annotations

import asyncio
import csv
import html
import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.checkout.actions import record_payment, recording
from app.kernel import clock, db, ids
from app.links import actions
from app.links.queries import LinkView, link_of_order
from app.links.sending import SendView, sends_of_link, settle
from app.links.states import LinkState
from app.merchants.queries import Merchant
from app.orders.actions import Contact, CreatedOrder
from tests.factories.checkout import a_merchant, a_shopper_at_confirm
from tests.factories.links import EMAIL, STAFF, a_link, an_open_order
from tests.factories.recorded import received
from tests.support.racing import Held, somebody_waits_for_a_lock
from tests.support.waiting import until

MARKUP = """<script>alert(1)</script>{{ 7*7 }}'"&"""


def page_of(order: CreatedOrder | LinkView) -> str:
    public_id = order.public_id if isinstance(order, CreatedOrder) else order.order_public_id
    return f"/admin/orders/{public_id}/payment-link"


def mail(**changes: str) -> dict[str, str]:
    """What the form of an e-mail holds."""
    fields = {
        "do": "send",
        "channel": "email",
        "key": str(ids.internal_id()),
        "to": EMAIL,
        "lang": "en",
        "subject": "Your blanket",
        "message": "It is here.",
    }
    return fields | changes


async def the_link(merchant: Merchant, order: CreatedOrder) -> LinkView:
    found = await link_of_order(merchant.id, order.id)
    assert found is not None
    return found


async def sends(link: LinkView) -> tuple[SendView, ...]:
    return await sends_of_link(link.merchant_id, link.id)


def typed_in(page: str, form_id: str) -> dict[str, str]:
    """What stands in the fields of one of the two forms."""
    subject = re.search(rf'id="{form_id}-subject"[^>]*value="([^"]*)"', page)
    to = re.search(rf'id="{form_id}-to"[^>]*value="([^"]*)"', page)
    message = re.search(rf'<textarea[^>]*id="{form_id}-message".*?>(.*?)</textarea>', page, re.DOTALL)
    lang = re.search(rf'id="{form_id}-lang".*?value="(..)" selected', page, re.DOTALL)
    assert to is not None
    assert message is not None
    assert lang is not None
    found = {"to": to[1], "message": message[1], "lang": lang[1]}
    if subject is not None:
        found["subject"] = subject[1]
    return {name: html.unescape(text) for name, text in found.items()}


async def test_one_press_makes_the_link_and_a_second_one_leads_to_the_same(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_open_order(merchant)
    assert "Payment link" in (await desk.get(f"/admin/orders/{order.public_id}")).text
    for _ in range(2):
        answer = await desk.post(page_of(order))
        assert (answer.status_code, answer.headers["location"]) == (303, page_of(order))
    link = await the_link(merchant, order)
    assert (link.expires_at, link.created_by.startswith("staff:")) == (None, True)
    page = (await desk.get(page_of(order))).text
    assert f"/link/{link.token}" in page
    assert 'class="qr"' in page
    assert "Copy link" in page
    assert f'data-live="/admin/orders/{order.public_id}/live"' in page
    assert "Payment link made" in (await desk.get(f"/admin/orders/{order.public_id}")).text


async def test_a_look_at_a_link_that_is_not_there_makes_none(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_open_order(merchant)
    answer = await desk.get(page_of(order))
    assert answer.headers["location"] == f"/admin/orders/{order.public_id}"
    assert await link_of_order(merchant.id, order.id) is None


async def test_the_form_proposes_the_customer_and_the_words_of_the_shops_language(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    contact = Contact(name="Aino Virta", email=EMAIL, phone="+358480000101")
    link = await a_link(merchant, await an_open_order(merchant, contact=contact))
    page = (await desk.get(page_of(link))).text
    by_mail, by_sms = typed_in(page, "email"), typed_in(page, "sms")
    assert (by_mail["to"], by_mail["lang"]) == (EMAIL, "fi")
    assert by_mail["subject"] == "Tilauksesi COUNTER-7, Havu & Kivi"
    assert by_mail["message"].startswith("Hei Aino Virta,")
    assert by_sms["to"] == "+358480000101"
    assert "COUNTER-7" in by_sms["message"]


async def test_news_of_the_order_renews_what_is_told_and_no_message_being_written(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    link = await a_link(merchant)
    page = (await desk.get(page_of(link))).text
    assert re.findall(r'id="([\w-]+)"[^>]* data-fresh', page) == ["link-head", "link-time", "link-happened"]
    again = await desk.post(page_of(link), data={"do": "hold", "for": "day", "until": "never"})
    assert re.findall(r'id="([\w-]+)"[^>]* data-fresh', again.text) == ["link-head", "link-happened"]


async def test_what_was_typed_is_sent_to_whom_it_says(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    link = await a_link(merchant)
    answer = await desk.post(page_of(link), data=mail(subject="Hello", message="One\r\n\r\ntwo"))
    assert answer.headers["location"] == f"{page_of(link)}?done=email"
    [send] = await sends(link)
    assert (send.recipient, send.lang, send.subject, send.body) == (EMAIL, "en", "Hello", "One\n\ntwo")
    assert send.actor.startswith("staff:")
    page = (await desk.get(answer.headers["location"])).text
    assert "It is on its way" in page
    assert 'hx-trigger="load delay:1s"' in page
    piece = await desk.get(page_of(link), headers={"HX-Request": "true"})
    assert piece.text.lstrip().startswith('<section class="card stack" id="sends"')


async def test_a_form_that_is_sent_twice_sends_one_message(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    link, form = await a_link(merchant), mail()
    for _ in range(2):
        assert (await desk.post(page_of(link), data=form)).status_code == 303
    assert len(await sends(link)) == 1
    await desk.post(page_of(link), data=mail(key="no key at all"))
    assert len(await sends(link)) == 2


async def test_a_text_message_goes_to_the_phone(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    link = await a_link(merchant)
    form = {"do": "send", "channel": "sms", "to": "048 000 0101", "lang": "en", "message": "Pay here:"}
    assert (await desk.post(page_of(link), data=form)).status_code == 303
    [send] = await sends(link)
    assert (send.channel, send.recipient, send.body) == ("sms", "+358480000101", "Pay here:")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"to": ""}, "email-to"),
        ({"to": "aino"}, "email-to"),
        ({"to": "aino@example.test\nBcc: all@example.test"}, "email-to"),
        ({"subject": " "}, "email-subject"),
        ({"subject": "x" * 151}, "email-subject"),
        ({"message": ""}, "email-message"),
        ({"message": "x" * 2001}, "email-message"),
        ({"channel": "sms", "to": "12"}, "sms-to"),
        ({"channel": "sms", "to": "0480000101", "message": "x" * 301}, "sms-message"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    desk: httpx.AsyncClient, merchant: Merchant, changes: dict[str, str], place: str
) -> None:
    link = await a_link(merchant)
    form = mail(**changes)
    page = await desk.post(page_of(link), data=form)
    assert page.status_code == 422
    assert f'href="#{place}"' in page.text
    assert f'id="{place}-wrong"' in page.text
    kept = typed_in(page.text, form["channel"])
    shown = {name: form[name].strip() for name in kept}
    assert kept == shown
    assert await sends(link) == ()


async def test_a_preview_shows_the_mail_as_it_will_be_and_sends_nothing(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    link = await a_link(merchant)
    page = await desk.post(page_of(link), data=mail(do="preview", message=MARKUP))
    assert page.status_code == 200
    framed = re.search(r'<iframe[^>]* srcdoc="([^"]*)"', page.text)
    assert framed is not None
    inside = html.unescape(framed[1])
    assert "€203.00" in inside
    assert "<script>" not in inside
    assert html.escape("<script>alert(1)</script>") in inside
    assert "<script>alert" not in page.text
    assert typed_in(page.text, "email")["message"] == MARKUP
    assert await sends(link) == ()


async def test_another_language_brings_its_words_and_keeps_the_rest(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    link = await a_link(merchant)
    page = await desk.post(page_of(link), data=mail(do="words", lang="sv", to="other@example.test"))
    shown = typed_in(page.text, "email")
    assert (shown["to"], shown["lang"]) == ("other@example.test", "sv")
    assert shown["subject"] == "Din beställning COUNTER-7 från Havu & Kivi"
    assert await sends(link) == ()


@pytest.mark.parametrize("state", ["paused", "withdrawn", "lapsed"])
async def test_a_link_that_leads_nowhere_is_not_sent(
    desk: httpx.AsyncClient, merchant: Merchant, state: str
) -> None:
    link, now = await a_link(merchant, lasts=timedelta(hours=1)), await clock.business_now()
    if state == "paused":
        await actions.pause(merchant.id, link.order_public_id, actor=STAFF, now=now)
    elif state == "withdrawn":
        await actions.withdraw(merchant.id, link.order_public_id, actor=STAFF, now=now)
    else:
        await db.in_tx(lambda: clock.set_offset_s(3600))
    page = await desk.post(page_of(link), data=mail())
    assert page.status_code == 409
    assert "Nothing was sent." in page.text
    assert "Send by e-mail" not in page.text
    assert await sends(link) == ()


async def test_who_sends_a_link_whose_order_is_paid_at_that_moment_sees_no_form_any_more(
    desk: httpx.AsyncClient, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await a_link(merchant)
    paying = Held(monkeypatch, recording, "pay_in_tx")
    payment = asyncio.create_task(
        record_payment(merchant, link.order_public_id, await received(merchant), await clock.business_now())
    )
    await paying.reached()
    sending = asyncio.create_task(desk.post(page_of(link), data=mail()))
    await until(somebody_waits_for_a_lock)
    paying.let_go()
    await payment
    page = await sending
    assert page.status_code == 409
    assert "The order is paid." in page.text
    assert "Send by e-mail" not in page.text
    assert await sends(link) == ()


async def test_a_link_is_held_for_some_days_or_until_the_end_of_one(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_open_order(merchant)
    link = await a_link(merchant, order)
    now = await clock.business_now()
    await desk.post(page_of(link), data={"do": "hold", "for": "3"})
    held = (await the_link(merchant, order)).expires_at
    assert held is not None
    assert timedelta(0) <= now + timedelta(days=3) - held < timedelta(minutes=2)
    day = merchant.local_date(now) + timedelta(days=10)
    answer = await desk.post(page_of(link), data={"do": "hold", "for": "day", "until": day.isoformat()})
    assert answer.headers["location"] == f"{page_of(link)}?done=changed"
    zone = ZoneInfo(merchant.time_zone)
    assert (await the_link(merchant, order)).expires_at == datetime.combine(day, time(23, 59), zone)
    await desk.post(page_of(link), data={"do": "hold", "for": "none"})
    after = await the_link(merchant, order)
    assert (after.expires_at, after.token) == (None, link.token)


@pytest.mark.parametrize("until", ["", "tomorrow", "2020-01-01", "9999-12-31", "2026-13-01"])
async def test_an_end_that_is_none_is_refused_at_its_field(
    desk: httpx.AsyncClient, merchant: Merchant, until: str
) -> None:
    link = await a_link(merchant)
    page = await desk.post(page_of(link), data={"do": "hold", "for": "day", "until": until})
    assert page.status_code == 422
    assert "Choose a day from today on" in page.text
    assert f'value="{until}"' in page.text


async def test_a_link_is_paused_resumed_and_taken_back_for_good(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_open_order(merchant)
    link = await a_link(merchant, order)
    for press, state in (
        ("pause", LinkState.PAUSED),
        ("pause", LinkState.PAUSED),
        ("resume", LinkState.ACTIVE),
        ("withdraw", LinkState.WITHDRAWN),
    ):
        assert (await desk.post(page_of(link), data={"do": press})).status_code == 303
        assert (await the_link(merchant, order)).stored_state is state
    late = await desk.post(page_of(link), data={"do": "resume"})
    assert late.status_code == 409
    assert "what you wanted could not be done" in late.text
    page = (await desk.get(page_of(link))).text
    assert "Pause" not in page
    assert "The link has ended." in page


async def test_a_press_that_no_page_has_changes_nothing(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    order = await an_open_order(merchant)
    link = await a_link(merchant, order)
    assert (await desk.post(page_of(link), data={"do": "delete"})).status_code == 200
    assert await the_link(merchant, order) == link


async def test_the_order_tells_in_its_timeline_what_became_of_the_link(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    order = await an_open_order(merchant)
    link = await a_link(merchant, order)
    await desk.post(page_of(link), data=mail())
    [send] = await sends(link)
    now = await clock.business_now()

    async def come_back() -> None:
        await settle(merchant.id, send.id, "sent", now=now)
        later = now + timedelta(seconds=5)
        await settle(merchant.id, send.id, "bounced", now=later, reason="returned")

    await db.in_tx(come_back)
    page = (await desk.get(f"/admin/orders/{order.public_id}")).text
    told = page.index("Message with the payment link came back"), page.index("Payment link sent</p>")
    assert told[0] < told[1], "the newest first"
    assert "Came back" in page
    assert "Check the address, or send it another way." in page


async def test_a_paid_order_without_a_link_gets_none(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    flow = await (await a_shopper_at_confirm(merchant)).confirm()
    place = f"/admin/orders/{flow.order_public_id}"
    assert f'action="{place}/payment-link"' not in (await desk.get(place)).text
    assert (await desk.post(f"{place}/payment-link")).status_code == 409


async def test_another_shops_order_is_unknown(desk: httpx.AsyncClient) -> None:
    link = await a_link(await a_merchant("Tammi & Kuusi"))
    for answer in (
        await desk.get(page_of(link)),
        await desk.post(page_of(link)),
        await desk.post(page_of(link), data=mail()),
        await desk.post(page_of(link), data={"do": "withdraw"}),
        await desk.post("/admin/orders/ord_nonsense/payment-link", data=mail()),
    ):
        assert answer.status_code == 404
    assert await sends(link) == ()
    assert link.token not in (await desk.get("/admin/links")).text


async def test_the_list_shows_how_far_each_link_has_come(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    soon = await a_link(
        merchant, await an_open_order(merchant, reference="SOON-1"), lasts=timedelta(hours=30)
    )
    later = await a_link(
        merchant, await an_open_order(merchant, reference="LATER-2"), lasts=timedelta(days=9)
    )
    now = await clock.business_now()
    await actions.pause(merchant.id, later.order_public_id, actor=STAFF, now=now)
    whole = (await desk.get("/admin/links")).text
    assert whole.index("LATER-2") < whole.index("SOON-1")
    assert page_of(soon) in whole
    assert "Not sent yet" in whole
    about = (await desk.get("/admin/links?state=soon")).text
    assert "SOON-1" in about
    assert "LATER-2" not in about
    paused = (await desk.get("/admin/links?state=paused")).text
    assert "LATER-2" in paused
    assert "SOON-1" not in paused
    assert "No link is in this state." in (await desk.get("/admin/links?state=used")).text
    assert "SOON-1" in (await desk.get("/admin/links?state=nonsense&cursor=nonsense")).text
    home = (await desk.get("/admin")).text
    assert "Payment links about to lapse" in home
    assert "SOON-1" in home
    assert "LATER-2" not in home


async def test_a_link_is_found_by_the_beginning_of_a_name_a_phone_or_a_reference(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    eero = Contact(name="Eero Ahola", phone="+358480000102")
    await a_link(merchant, await an_open_order(merchant, reference="EERO-1", contact=eero))
    await a_link(merchant, await an_open_order(merchant, reference="AINO-2"))
    for typed in ("ahola", "048 0000 102", "eero-1", "EERO"):
        page = (await desk.get("/admin/links", params={"q": typed})).text
        assert "EERO-1</a>" in page, typed
        assert "AINO-2</a>" not in page, typed
    none = (await desk.get("/admin/links", params={"q": "%", "state": "paused"})).text
    assert "No link matches." in none


async def test_the_list_exports_what_it_shows_and_no_spreadsheet_runs_it(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    evil = Contact(name="=HYPERLINK(1)", email=EMAIL)
    link = await a_link(
        merchant,
        await an_open_order(merchant, reference="=1+1", contact=evil),
        lasts=timedelta(hours=30),
    )
    await a_link(merchant, await an_open_order(merchant, reference="PLAIN-2"))
    await desk.post(page_of(link), data=mail())
    answer = await desk.get("/admin/links/export?state=soon")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    header, row = answer.text.removeprefix("\ufeff").splitlines()
    found = dict(zip(next(csv.reader([header])), next(csv.reader([row])), strict=True))
    assert (found["reference"], found["name"], found["total"]) == ("'=1+1", "'=HYPERLINK(1)", "203.00")
    assert (found["state"], found["sent_by"], found["sent"]) == ("active", "email", "queued")
    assert found["url"].endswith(f"/link/{link.token}")
    assert len((await desk.get("/admin/links/export")).text.splitlines()) == 3


@pytest.mark.parametrize("query", ["", "state=soon"])
async def test_a_long_list_is_walked_page_by_page_without_a_gap(
    desk: httpx.AsyncClient, merchant: Merchant, query: str
) -> None:
    made = set()
    for number in range(27):
        order = await an_open_order(merchant, reference=f"N-{number:02d}")
        await a_link(merchant, order, lasts=timedelta(hours=10))
        made.add(f"N-{number:02d}")
    first = (await desk.get(f"/admin/links?{query}")).text
    older = re.search(r'href="(/admin/links\?[^"]*cursor=[^"]*)"', first)
    assert older is not None
    second = (await desk.get(html.unescape(older[1]))).text
    seen = re.findall(r">(N-\d\d)</a>", first) + re.findall(r">(N-\d\d)</a>", second)
    assert len(seen) == 27
    assert set(seen) == made


async def test_who_may_not_see_orders_sees_no_links(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    link = await a_link(merchant)
    change = "UPDATE staff SET role = 'reviewer' WHERE merchant_id = $1"
    await db.in_tx(lambda: db.execute(change, merchant.id))
    for answer in (
        await desk.get("/admin/links"),
        await desk.get(page_of(link)),
        await desk.post(page_of(link), data=mail()),
    ):
        assert answer.status_code == 403
    assert await sends(link) == ()
