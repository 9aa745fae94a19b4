"""The demo shop: a basket that believes nobody, a payment asked for over the API, and "paid" by signature
alone."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import msgspec
import pytest
from litestar.types import ASGIApp
from standardwebhooks.webhooks import Webhook

from app.web.demo.pages import BASKET_COOKIE, demo_router
from tests.support.pages import BASE_URL, application, browser, program, settings_in

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()


class PaymentService:
    """The API as the shop sees it: it notes what it was asked and tells whatever state it is set to."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.state = "open"
        self.fails_with: httpx.Response | None = None

    @property
    def sessions(self) -> list[dict[str, object]]:
        return [msgspec.json.decode(each.content) for each in self.asked if each.method == "POST"]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.fails_with is not None:
            return self.fails_with
        session = {
            "id": "cs_00000000000000000000000001",
            "url": f"{BASE_URL}/pay/cs_00000000000000000000000001",
            "state": self.state,
            "total_minor": 1,
            "currency": "EUR",
            "expires_at": "2026-11-22T10:00:00Z",
        }
        return httpx.Response(201 if request.method == "POST" else 200, json=session)


@pytest.fixture
def payments() -> PaymentService:
    return PaymentService()


@pytest.fixture
def shop(db: str, tmp_path: Path, payments: PaymentService) -> ASGIApp:
    settings = settings_in(tmp_path, db)
    demo = {"base_url": BASE_URL, "api_key": "sk_test_key", "webhook_secret": SECRET, "merchant_id": "m_1"}
    (tmp_path / "demo.json").write_text(json.dumps(demo))
    return application(settings, [demo_router(settings, transport=httpx.MockTransport(payments.answer))])


@pytest.fixture
async def visitor(shop: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(shop) as client:
        yield client


async def buys(visitor: httpx.AsyncClient, *skus: str, **known: str) -> httpx.Response:
    for sku in skus:
        await visitor.post("/demo/basket", data={"add": sku})
    return await visitor.post("/demo/checkout", data=known)


def reference_of(payments: PaymentService) -> str:
    return str(payments.sessions[-1]["reference"])


async def tells(
    shop: ASGIApp, kind: str, ref: str | None, *, secret: str = SECRET, at: datetime | None = None
) -> httpx.Response:
    moment = at or datetime.now(UTC)
    body = json.dumps({"type": kind, "timestamp": moment.isoformat(), "data": {"reference": ref}})
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, body),
        "content-type": "application/json",
    }
    async with program(shop) as sender:
        return await sender.post("/demo/webhook", content=body, headers=headers)


async def test_the_shelves_show_every_product_with_its_price(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/demo")

    assert page.status_code == 200
    assert page.text.count('name="add"') == 8
    assert "€129.00" in page.text


async def test_the_shop_speaks_finnish_with_finnish_product_names(visitor: httpx.AsyncClient) -> None:
    page = await visitor.get("/demo", params={"lang": "fi"})

    assert "Koivukuksa" in page.text
    assert "129,00\u00a0€" in page.text
    assert page.headers["content-language"] == "fi"


async def test_what_is_added_twice_counts_two_and_delivery_is_free_from_a_hundred_on(
    visitor: httpx.AsyncClient,
) -> None:
    await visitor.post("/demo/basket", data={"add": "HK-101"})
    before = await visitor.get("/demo/basket")
    await visitor.post("/demo/basket", data={"quantity.HK-101": "3"})
    after = await visitor.get("/demo/basket")

    assert "€44.90" in before.text
    assert "€117.00" in after.text
    assert "free" in after.text


async def test_a_basket_cookie_of_ones_own_making_buys_nothing(
    visitor: httpx.AsyncClient, payments: PaymentService
) -> None:
    for cookie in ["HK-999.1", "HK-101.0", "HK-101.99", "nonsense", "HK-101.1" * 90, "<b>"]:
        visitor.cookies.set(BASKET_COOKIE, cookie, domain="localhost", path="/demo")

        page = await visitor.get("/demo/basket")
        await visitor.post("/demo/checkout", data={})

        assert "There is nothing in it yet" in page.text
        assert payments.asked == []


async def test_checkout_opens_a_session_over_the_api_and_goes_there(
    visitor: httpx.AsyncClient, payments: PaymentService
) -> None:
    answer = await buys(visitor, "HK-101", "HK-102", phone="+358481234567", postcode="00530")

    asked = payments.sessions[0]
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{BASE_URL}/pay/cs_00000000000000000000000001"
    assert payments.asked[0].headers["authorization"] == "Bearer sk_test_key"
    assert payments.asked[0].headers["idempotency-key"] == asked["reference"]
    assert asked["customer"] == {"phone": "+358481234567", "postcode": "00530"}
    assert asked["success_url"] == f"{BASE_URL}/demo/orders/{asked['reference']}"
    lines = asked["lines"]
    assert isinstance(lines, list)
    assert [(line["type"], line["unit_price_minor"], line["vat_percent"]) for line in lines] == [
        ("item", 3900, "25.5"),
        ("item", 1290, "13.5"),
        ("shipping", 590, "25.5"),
    ]


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpx.Response(500), "does not answer just now"),
        (httpx.Response(422, json={"code": "invalid_body"}), "invalid_body"),
        (httpx.Response(201, content=b"{}"), "does not answer just now"),
    ],
)
async def test_a_payment_service_that_fails_leaves_the_basket_and_what_was_typed(
    visitor: httpx.AsyncClient, payments: PaymentService, failure: httpx.Response, words: str
) -> None:
    payments.fails_with = failure

    answer = await buys(visitor, "HK-103", postcode="33200")

    assert answer.status_code == 502
    assert words in answer.text
    assert 'value="33200"' in answer.text
    assert "Wool blanket" in answer.text


async def test_an_order_is_not_called_paid_before_the_signed_message_whatever_the_api_says(
    visitor: httpx.AsyncClient, payments: PaymentService
) -> None:
    await buys(visitor, "HK-103")
    payments.state = "confirmed"

    page = await visitor.get(f"/demo/orders/{reference_of(payments)}?session=cs_x")

    assert "Thank you for your order" in page.text
    assert "not marked as paid" in page.text
    assert 'hx-trigger="every 2s"' in page.text


async def test_the_signed_message_makes_it_paid_and_empties_the_basket(
    visitor: httpx.AsyncClient, shop: ASGIApp, payments: PaymentService
) -> None:
    await buys(visitor, "HK-103")
    ref = reference_of(payments)

    told = await tells(shop, "order.paid", ref)
    late = await tells(shop, "session.confirmed", ref)
    page = await visitor.get(f"/demo/orders/{ref}")

    assert (told.status_code, late.status_code) == (204, 204)
    assert "Paid. Thank you!" in page.text
    assert "hx-trigger" not in page.text
    assert "There is nothing in it yet" in (await visitor.get("/demo/basket")).text


async def test_a_page_that_waits_is_given_the_news_and_an_empty_basket(
    visitor: httpx.AsyncClient, shop: ASGIApp, payments: PaymentService
) -> None:
    await buys(visitor, "HK-103")
    ref = reference_of(payments)
    await tells(shop, "order.paid", ref)

    piece = await visitor.get(f"/demo/orders/{ref}", headers={"HX-Request": "true"})

    assert "Paid. Thank you!" in piece.text
    assert "<!doctype html>" not in piece.text
    assert 'hx-swap-oob="true"' in piece.text
    assert "0 items" in piece.text


async def test_an_order_that_is_being_checked_has_left_the_basket_and_comes_back_when_it_is_declined(
    visitor: httpx.AsyncClient, payments: PaymentService
) -> None:
    await buys(visitor, "HK-103")
    address = f"/demo/orders/{reference_of(payments)}"
    payments.state = "held"
    piece = await visitor.get(address, headers={"HX-Request": "true"})
    assert "Your order is being checked" in piece.text
    assert "0 items" in piece.text
    assert "There is nothing in it yet" in (await visitor.get("/demo/basket")).text

    payments.state = "declined"
    page = (await visitor.get(address)).text
    assert "Your basket is still here." not in page
    again = dict(re.findall(r'name="(quantity[^"]+)" value="(\d+)"', page))
    await visitor.post("/demo/basket", data=again)
    assert "Wool blanket" in (await visitor.get("/demo/basket")).text
    assert "Your basket is still here." in (await visitor.get(address)).text


async def test_the_same_message_twice_changes_nothing(
    visitor: httpx.AsyncClient, shop: ASGIApp, payments: PaymentService
) -> None:
    await buys(visitor, "HK-103")
    ref = reference_of(payments)

    answers = [await tells(shop, "order.paid", ref) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert "Paid. Thank you!" in (await visitor.get(f"/demo/orders/{ref}")).text


async def test_a_message_with_another_secret_or_an_old_one_is_refused(
    visitor: httpx.AsyncClient, shop: ASGIApp, payments: PaymentService
) -> None:
    await buys(visitor, "HK-103")
    ref = reference_of(payments)

    forged = await tells(shop, "order.paid", ref, secret=OTHER_SECRET)
    old = await tells(shop, "order.paid", ref, at=datetime(2026, 1, 1, tzinfo=UTC))

    assert (forged.status_code, old.status_code) == (401, 401)
    assert "not marked as paid" in (await visitor.get(f"/demo/orders/{ref}")).text


async def test_a_message_of_a_document_that_nobody_has_to_pay_is_taken_in(shop: ASGIApp) -> None:
    """A receipt has nothing to write on a transfer: its reference is null, and the shop answers all the same."""
    assert (await tells(shop, "invoice.issued", None)).status_code == 204


async def test_an_unsigned_message_is_refused_whatever_it_holds(shop: ASGIApp) -> None:
    for body in [b"", b"[]", b"{", b'{"type": 1}', b"\xff\xfe"]:
        async with program(shop) as sender:
            assert (await sender.post("/demo/webhook", content=body)).status_code == 401


async def test_who_turns_back_finds_the_basket_and_the_way_on(
    visitor: httpx.AsyncClient, payments: PaymentService
) -> None:
    await buys(visitor, "HK-104")

    page = await visitor.get(f"/demo/cancelled/{reference_of(payments)}?session=cs_x")

    assert "You turned back" in page.text
    assert "Continue paying" in page.text
    assert "Porch lantern" in (await visitor.get("/demo/basket")).text


async def test_a_page_that_cannot_ask_says_so_and_asks_again(
    visitor: httpx.AsyncClient, payments: PaymentService
) -> None:
    await buys(visitor, "HK-104")
    payments.fails_with = httpx.Response(503)

    page = await visitor.get(f"/demo/orders/{reference_of(payments)}")

    assert "We are asking about your payment" in page.text
    assert "every 2s" in page.text


async def test_an_unknown_order_is_not_found(visitor: httpx.AsyncClient) -> None:
    for ref in ["HK-nobody", "HK-2222222222", "x" * 300]:
        assert (await visitor.get(f"/demo/orders/{ref}")).status_code == 404
        assert (await visitor.get(f"/demo/cancelled/{ref}")).status_code == 404


async def test_a_shop_without_a_key_says_how_to_get_one(visitor: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "demo.json").unlink()

    answer = await buys(visitor, "HK-104")

    assert answer.status_code == 503
    assert "make run" in answer.text


async def test_another_site_cannot_fill_the_basket(shop: ASGIApp) -> None:
    async with browser(shop) as stranger:
        answer = await stranger.post(
            "/demo/basket", data={"add": "HK-101"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
    assert answer.status_code == 403


async def test_the_basket_frames_the_payment_service_s_line_for_its_sum(visitor: httpx.AsyncClient) -> None:
    assert "<iframe" not in (await visitor.get("/demo/basket")).text

    await visitor.post("/demo/basket", data={"add": "HK-104"})
    page = await visitor.get("/demo/basket?lang=en")

    source = re.search(r'<iframe[^>]* src="([^"]+)"', page.text)
    assert source is not None
    address = httpx.URL(unescape(source[1]))
    assert f"{address.scheme}://{address.netloc.decode()}{address.path}" == f"{BASE_URL}/widget"
    assert (address.params["merchant"], address.params["lang"]) == ("m_1", "en")
    assert f"€{int(address.params['amount_minor']) / 100:,.2f}" in page.text
    assert f"frame-src {BASE_URL};" in page.headers["content-security-policy"]
