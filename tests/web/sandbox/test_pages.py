"""The sandbox to look at: a phone, a letterbox, webhooks, the clock and the people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock
from app.messages.sandbox_inbox import remember_message
from app.messages.sandbox_shoppers import KINDS, shoppers
from app.settings import Settings
from app.web.sandbox.pages import sandbox_router
from tests.support.pages import browser

PHONE, OTHER_PHONE = "+358481234567", "+358487654321"
PARTS = ("phone", "letterbox", "webhooks", "time", "people")
HTMX = {"HX-Request": "true"}


async def a_text(to: str = PHONE, code: str = "482913") -> None:
    await remember_message("sms", to, body=f"{code} is your code. Never tell it.\n\n@localhost #{code}")


async def test_the_desk_shows_every_part(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/sandbox")

    assert page.status_code == 200
    for part in PARTS:
        assert f'id="{part}"' in page.text


async def test_every_part_is_a_page_of_its_own_and_a_piece_for_htmx(visitor: httpx.AsyncClient) -> None:
    for part in PARTS:
        page = await visitor.get(f"/sandbox/{part}")
        piece = await visitor.get(f"/sandbox/{part}", headers=HTMX)

        assert "<!doctype html>" in page.text
        assert f'id="{part}"' in page.text
        assert f'id="{part}"' in piece.text
        assert part == "people" or "<!doctype html>" not in piece.text


async def test_a_code_is_seen_on_the_phone(visitor: httpx.AsyncClient) -> None:
    await a_text()

    page = await visitor.get("/sandbox/phone")

    assert "<strong>482913</strong>" in page.text
    assert PHONE in page.text


async def test_one_phone_shows_its_own_messages_alone(visitor: httpx.AsyncClient) -> None:
    await a_text(PHONE, "111111")
    await a_text(OTHER_PHONE, "222222")

    page = await visitor.get("/sandbox/phone", params={"to": PHONE.removeprefix("+")})

    assert "111111" in page.text
    assert "222222" not in page.text


async def test_asking_again_without_news_is_answered_with_nothing(visitor: httpx.AsyncClient) -> None:
    await a_text()
    piece = await visitor.get("/sandbox/phone", headers=HTMX)
    mark = piece.text.split("seen=")[1].split('"')[0]

    again = await visitor.get("/sandbox/phone", params={"seen": mark}, headers=HTMX)
    await a_text(code="333333")
    news = await visitor.get("/sandbox/phone", params={"seen": mark}, headers=HTMX)

    assert again.status_code == 204
    assert news.status_code == 200
    assert "333333" in news.text


async def test_a_mail_opens_in_a_frame_that_can_do_nothing(visitor: httpx.AsyncClient) -> None:
    html = "<p>Thank you</p><script>alert(1)</script>"
    await remember_message("email", "a@b.example", subject="Receipt", body="Thank you", html=html)
    listed = await visitor.get("/sandbox/letterbox")
    address = listed.text.split('href="/sandbox/letterbox/')[1].split('"')[0]

    mail = await visitor.get(f"/sandbox/letterbox/{address}")
    body = await visitor.get(f"/sandbox/letterbox/{address}/body")

    assert "Receipt" in mail.text
    assert html not in mail.text
    assert "frame-src 'self'" in mail.headers["content-security-policy"]
    policy = body.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "frame-ancestors 'self'" in policy


async def test_a_link_in_a_mail_opens_a_tab_of_its_own_because_no_page_lets_itself_be_framed(
    visitor: httpx.AsyncClient,
) -> None:
    html = '<html><head><title>Pay</title></head><body><a href="/link/x">Pay</a></body></html>'
    await remember_message("email", "a@b.example", subject="Pay", body="Pay", html=html)
    listed = await visitor.get("/sandbox/letterbox")
    address = listed.text.split('href="/sandbox/letterbox/')[1].split('"')[0]

    body = await visitor.get(f"/sandbox/letterbox/{address}/body")

    assert '<base target="_blank">' in body.text


async def test_a_letter_on_paper_is_shown_as_a_sheet(visitor: httpx.AsyncClient) -> None:
    await remember_message("letter", "Aino, Polku 1", subject="Invoice", body="INVOICE <1>")
    listed = await visitor.get("/sandbox/letterbox")
    address = listed.text.split('href="/sandbox/letterbox/')[1].split('"')[0]

    assert "on paper" in listed.text
    assert "INVOICE &lt;1&gt;" in (await visitor.get(f"/sandbox/letterbox/{address}")).text
    assert (await visitor.get(f"/sandbox/letterbox/{address}/body")).status_code == 404


async def test_a_text_message_is_no_mail(visitor: httpx.AsyncClient) -> None:
    await a_text()
    unknown = "00000000-0000-7000-8000-000000000000"

    assert "No mail yet" in (await visitor.get("/sandbox/letterbox")).text
    assert (await visitor.get(f"/sandbox/letterbox/{unknown}")).status_code == 404


async def test_a_webhook_is_shown_with_its_body(visitor: httpx.AsyncClient) -> None:
    await remember_message(
        "webhook", "http://shop.example/hook", subject="order.paid", body='{"type": "order.paid"}'
    )

    page = await visitor.get("/sandbox/webhooks")

    assert "order.paid" in page.text
    assert "http://shop.example/hook" in page.text


async def test_the_clock_is_moved_by_a_button_and_set_back(visitor: httpx.AsyncClient) -> None:
    moved = await visitor.post("/sandbox/time", data={"advance_s": "86400"})
    page = await visitor.get("/sandbox/time")
    await visitor.post("/sandbox/time", data={"reset": "1"})

    assert moved.status_code == 303
    assert moved.headers["location"] == "/sandbox#time"
    assert "1 day ahead of the wall." in page.text
    assert await clock.read_offset_s() == 0


async def test_only_the_steps_on_the_buttons_are_taken(visitor: httpx.AsyncClient) -> None:
    for typed in ["1", "-60", "86400.5", "", "x"]:
        assert (await visitor.post("/sandbox/time", data={"advance_s": typed})).status_code == 422
        assert await clock.read_offset_s() == 0


async def test_a_fresh_shopper_is_made_by_a_button(visitor: httpx.AsyncClient) -> None:
    for kind in KINDS:
        answer = await visitor.post("/sandbox/people", data={"kind": kind})

        made = (await shoppers())[-1]
        assert answer.headers["location"] == "/sandbox#people"
        assert made.kind == kind
        assert made.name in (await visitor.get("/sandbox")).text
        assert clock.wall() - made.created_at < timedelta(minutes=1)


async def test_another_site_can_neither_move_the_clock_nor_make_people(app: ASGIApp) -> None:
    async with browser(app) as stranger:
        stranger.headers["Sec-Fetch-Site"] = "cross-site"
        answers = [
            await stranger.post("/sandbox/time", data={"advance_s": "60"}),
            await stranger.post("/sandbox/people", data={"kind": "returning"}),
        ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert await shoppers() == []


async def test_the_pages_speak_finnish(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/sandbox", params={"lang": "fi"})).headers["content-language"] == "fi"


def test_live_mode_has_no_sandbox(settings: Settings) -> None:
    with pytest.raises(ValueError, match="test mode only"):
        sandbox_router(replace(settings, mode="live"), bank_issuer="https://bank.example")
