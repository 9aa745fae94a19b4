"""What a shop's program can send wrong, and the answer that tells its developer where. Never a 500."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.kernel import db
from app.web.api.body import BODY_MAX_BYTES, decode
from app.web.api.problems import InputRefused
from app.web.api.schemas import NewSession
from tests.web.api.conftest import Shop
from tests.web.api.documents import a_basket, a_basket_with

HUGE = 10**23


@pytest.fixture
def shop(modules_shop: Shop) -> Shop:
    """What is refused leaves nothing behind, so all of these share one shop."""
    return modules_shop


async def orders_written() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM orders")
    return count


VALUES: list[tuple[str, Any, int, str]] = [
    # place, value, status, code at that place
    ("lines.0.unit_price_minor", 1.5, 422, "wrong_type"),
    ("lines.0.unit_price_minor", 1.0, 422, "wrong_type"),
    ("lines.0.unit_price_minor", "5", 422, "wrong_type"),
    ("lines.0.unit_price_minor", True, 422, "wrong_type"),
    ("lines.0.unit_price_minor", None, 422, "wrong_type"),
    ("lines.0.unit_price_minor", [], 422, "wrong_type"),
    ("lines.0.unit_price_minor", -1, 422, "negative"),
    ("lines.0.unit_price_minor", HUGE, 422, "out_of_range"),
    ("lines.0.unit_price_minor", -HUGE, 422, "out_of_range"),
    ("lines.0.unit_price_minor", 2**63, 422, "out_of_range"),
    ("lines.0.quantity", 0, 422, "out_of_range"),
    ("lines.0.quantity", -1, 422, "out_of_range"),
    ("lines.0.quantity", 10_000, 422, "out_of_range"),
    ("lines.0.quantity", 1.5, 422, "wrong_type"),
    ("lines.0.vat_percent", 25.5, 422, "wrong_type"),
    ("lines.0.vat_percent", "25.555", 422, "malformed"),
    ("lines.0.vat_percent", "-1", 422, "malformed"),
    ("lines.0.vat_percent", "100.01", 422, "malformed"),
    ("lines.0.vat_percent", "25.5000", 422, "length"),
    ("lines.0.vat_percent", "101", 422, "malformed"),
    ("lines.0.vat_percent", "25,5", 422, "malformed"),
    ("lines.0.vat_percent", "1e1", 422, "malformed"),
    ("lines.0.vat_percent", "NaN", 422, "malformed"),
    ("lines.0.vat_percent", "+1", 422, "malformed"),
    ("lines.0.vat_percent", "1_0", 422, "malformed"),
    ("lines.0.vat_percent", "\uff12\uff15", 422, "malformed"),
    ("lines.0.vat_percent", "25.5\n", 422, "malformed"),
    ("lines.0.vat_percent", "", 422, "malformed"),
    ("lines.0.name", "", 422, "length"),
    ("lines.0.name", "x" * 201, 422, "length"),
    ("lines.0.name", "\u200b\u202e", 422, "empty"),
    ("lines.0.name", "a\0b", 400, "nul"),
    ("lines.0.name", "\ud800", 400, "lone_surrogate"),
    ("lines.0.type", "gift", 422, "unknown_value"),
    ("lines.0.admin", True, 400, "unknown_field"),
    ("lines", [], 422, "length"),
    ("lines", {}, 422, "wrong_type"),
    ("reference", "", 422, "length"),
    ("reference", "x" * 101, 422, "length"),
    ("reference", " \t ", 422, "empty"),
    ("country", "US", 422, "unknown_value"),
    ("country", "fi", 422, "unknown_value"),
    ("currency", "USD", 422, "unknown_value"),
    ("currency", "SEK", 422, "currency_mismatch"),
    ("locale", "xx", 422, "unknown_value"),
    ("buyer", "robot", 422, "unknown_value"),
    ("expires_in_s", 299, 422, "out_of_range"),
    ("expires_in_s", 604_801, 422, "out_of_range"),
    ("expires_in_s", -1, 422, "out_of_range"),
    ("admin", True, 400, "unknown_field"),
    ("total_minor", 1, 400, "unknown_field"),
    ("success_url", "javascript:alert(1)", 422, "not_absolute"),
    ("success_url", "//evil.example/", 422, "not_absolute"),
    ("success_url", "/relative", 422, "not_absolute"),
    ("success_url", "https://good.example@evil.example/", 422, "userinfo"),
    ("success_url", "https://good.example/\r\nSet-Cookie: a=b", 422, "malformed"),
    ("success_url", "https://good.example/\\evil", 422, "malformed"),
    ("cancel_url", "ftp://shop.example/", 422, "not_absolute"),
    ("cancel_url", "https:///nohost", 422, "not_absolute"),
    ("cancel_url", "https://shop.example:port/", 422, "malformed"),
    ("cancel_url", "https://[::1/", 422, "malformed"),
    ("cancel_url", "https://shop.example/\u00e4", 422, "malformed"),
    ("cancel_url", "https://shop.example/" + "x" * 2048, 422, "length"),
    ("customer.email", "nobody", 422, "malformed"),
    ("customer.email", "a@b@c.example", 422, "malformed"),
    ("customer.phone", "letters", 422, "malformed"),
    ("customer.phone", "+1 202 555 0100", 422, "country_not_served"),
    ("customer.phone", "09 123 4567", 422, "not_mobile"),
    ("customer.phone", "\u202e\u200b", 422, "empty"),
    ("customer.postcode", "123456", 422, "malformed"),
    ("customer.name", "\u200d", 422, "empty"),
    ("customer.admin", 1, 400, "unknown_field"),
    ("customer.address", 5, 422, "wrong_type"),
    ("customer", [], 422, "wrong_type"),
]


@pytest.mark.parametrize(("place", "value", "status", "code"), VALUES)
async def test_a_wrong_value_is_pointed_at(
    shop: Shop, place: str, value: Any, status: int, code: str
) -> None:
    before = await orders_written()
    body = json.dumps(a_basket_with(place, value))
    answer = await shop.client.post(
        "/api/v1/sessions", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/" + place.replace(".", "/"), code)
    ]
    assert all(error["detail"] for error in problem["errors"])
    assert await orders_written() == before


@pytest.mark.parametrize(
    ("country", "currency"), [("DK", "EUR"), ("DK", "DKK"), ("SE", "EUR"), ("BG", "EUR")]
)
async def test_a_currency_of_the_shops_or_the_shoppers_country_is_taken(
    shop: Shop, country: str, currency: str
) -> None:
    assert (await shop.opens(a_basket(country=country, currency=currency))).status_code == 201


@pytest.mark.parametrize("field", ["reference", "country", "currency", "lines", "success_url", "cancel_url"])
async def test_a_missing_field_is_pointed_at(shop: Shop, field: str) -> None:
    basket = a_basket()
    del basket[field]
    answer = await shop.opens(basket)
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        (f"/{field}", "missing")
    ]


async def test_every_fault_that_can_be_told_is_told_at_once(shop: Shop) -> None:
    basket = a_basket(
        success_url="/", cancel_url="javascript:alert(1)", customer={"phone": "1", "email": "x"}
    )
    basket["success_url"] = "relative/address"
    answer = await shop.opens(basket)
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/success_url",
        "/cancel_url",
        "/customer/phone",
        "/customer/email",
    }


@pytest.mark.parametrize(
    ("lines", "pointer", "code"),
    [
        ([("item", 100), ("discount", -100)], "/lines", "total_out_of_range"),
        ([("item", 100), ("discount", -200)], "/lines", "total_out_of_range"),
        ([("item", 0)], "/lines", "total_out_of_range"),
        ([("discount", 5)], "/lines/0/unit_price_minor", "discount_not_negative"),
        ([("item", 100), ("shipping", -1)], "/lines/1/unit_price_minor", "negative"),
        ([("item", 100), ("fee", -1)], "/lines/1/unit_price_minor", "negative"),
    ],
)
async def test_lines_that_sum_to_nothing_are_refused(
    shop: Shop, lines: list[tuple[str, int]], pointer: str, code: str
) -> None:
    given = [
        {"type": kind, "name": "x", "quantity": 1, "unit_price_minor": price, "vat_percent": "24"}
        for kind, price in lines
    ]
    answer = await shop.opens(a_basket(lines=given))
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_a_total_beyond_any_order_is_refused(shop: Shop) -> None:
    line = {"name": "x", "quantity": 9_999, "unit_price_minor": 10**10, "vat_percent": "24"}
    answer = await shop.opens(a_basket(lines=[line] * 200))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "total_out_of_range")


def bodies() -> Iterator[tuple[str, bytes, int, str]]:
    whole = json.dumps(a_basket()).encode()
    yield "nothing", b"", 400, "malformed_json"
    yield "not JSON", b"reference=SHOP-1001", 400, "malformed_json"
    yield "cut off", whole[:-1], 400, "malformed_json"
    yield "more behind it", whole + b"{}", 400, "malformed_json"
    yield "a byte order mark", b"\xef\xbb\xbf" + whole, 400, "malformed_json"
    yield "UTF-16", whole.decode().encode("utf-16"), 400, "not_utf8"
    yield "bytes that are no text", whole.replace(b"SHOP", b"\xff\xfe"), 400, "not_utf8"
    yield "an encoded surrogate", whole.replace(b"SHOP", b"\xed\xa0\x80"), 400, "not_utf8"
    yield "NaN", whole.replace(b"12900", b"NaN"), 400, "malformed_json"
    yield "Infinity", whole.replace(b"12900", b"-Infinity"), 400, "malformed_json"
    yield "hexadecimal", whole.replace(b"12900", b"0x10"), 400, "malformed_json"
    yield "an underscore", whole.replace(b"12900", b"1_000"), 400, "malformed_json"
    yield "a plus sign", whole.replace(b"12900", b"+1"), 400, "malformed_json"
    yield "a leading zero", whole.replace(b"12900", b"012"), 400, "malformed_json"
    yield "an exponent", whole.replace(b"12900", b"1e3"), 422, "invalid_request"
    yield "an endless exponent", whole.replace(b"12900", b"1e400"), 422, "invalid_request"
    yield "minus nothing", whole.replace(b"12900", b"-0"), 422, "invalid_request"
    yield "a number of 20,000 digits", whole.replace(b"12900", b"9" * 20_000), 422, "invalid_request"
    yield (
        "a number in full-width digits",
        whole.replace(b"12900", "\uff11\uff12".encode()),
        400,
        "malformed_json",
    )
    yield "a control character in text", whole.replace(b"SHOP", b"SH\x01P"), 400, "malformed_json"
    yield "the same name twice", whole[:-1] + b', "country": "SE"}', 400, "malformed_json"
    yield "NUL in a name", whole[:-1] + b', "a\\u0000b": 1}', 400, "malformed_json"
    yield "a list", b"[]", 422, "invalid_request"
    yield "a text", b'"SHOP"', 422, "invalid_request"
    yield "null", b"null", 422, "invalid_request"
    yield "deep lists", b"[" * 20_000 + b"]" * 20_000, 400, "too_deep"
    yield "deep objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400, "too_deep"
    yield "deep and never closed", b"[" * 60_000, 400, "too_deep"
    yield "33 deep", b"[" * 33 + b"]" * 33, 400, "too_deep"
    yield "32 deep", b"[" * 32 + b"]" * 32, 422, "invalid_request"
    yield "brackets in a text", json.dumps(a_basket(reference="[" * 90 + '\\"{')).encode(), 201, ""
    yield "over 64 KB", whole + b" " * BODY_MAX_BYTES, 413, "body_too_large"


@pytest.mark.parametrize(("what", "body", "status", "code"), list(bodies()), ids=lambda part: str(part)[:40])
async def test_a_body_that_is_no_request_is_refused_whatever_it_is(
    shop: Shop, what: str, body: bytes, status: int, code: str
) -> None:
    answer = await shop.client.post(
        "/api/v1/sessions", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, what
    assert answer.json().get("code", "") == code
    assert b"Traceback" not in answer.content


def test_a_name_that_stands_twice_is_pointed_at_however_deep() -> None:
    body = b'{"lines": [{"name": "a", "x~/": 1, "x~/": 2}], "lines": []}'
    with pytest.raises(InputRefused) as refused:
        decode(body, NewSession)
    assert [(e.pointer, e.code) for e in refused.value.errors] == [
        ("/lines/0/x~0~1", "duplicate_key"),
        ("/lines", "duplicate_key"),
    ]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/jsonx",
        "text/plain, application/json",
        "application/merge-patch+json",
    ],
)
async def test_another_content_type_is_415(shop: Shop, content_type: str) -> None:
    answer = await shop.client.post(
        "/api/v1/sessions", content=json.dumps(a_basket()), headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json;charset=UTF-8", "Application/JSON"]
)
async def test_json_is_taken_however_it_is_spelt(shop: Shop, content_type: str) -> None:
    answer = await shop.client.post(
        "/api/v1/sessions", content=json.dumps(a_basket()), headers={"Content-Type": content_type}
    )
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "bad_parameter"),
        ("limit=101", "bad_parameter"),
        ("limit=-1", "bad_parameter"),
        ("limit=1.0", "bad_parameter"),
        ("limit=", "bad_parameter"),
        ("limit=%D9%A3", "bad_parameter"),
        ("limit=1&limit=2", "repeated_parameter"),
        ("cursor=x", "cursor_refused"),
        ("cursor=" + "A" * 33, "cursor_refused"),
        ("cursor=f" + "_" * 31, "cursor_refused"),
        ("cursor=%00", "nul"),
        ("cursor=%ff", "not_utf8"),
        ("curser=x", "unknown_parameter"),
        ("state=unheard", "bad_parameter"),
        ("reference=" + "x" * 201, "bad_parameter"),
    ],
)
async def test_a_wrong_parameter_is_400(shop: Shop, query: str, code: str) -> None:
    answer = await shop.client.get(f"/api/v1/orders?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_text_that_looks_like_code_is_only_text(shop: Shop) -> None:
    for text in ("<script>alert(1)</script>", "{{7*7}}", "${7*7}", "' OR 1=1--", "=HYPERLINK(1)", "%s%n"):
        opened = (await shop.opens(a_basket(reference=text))).json()
        order = (await shop.client.get(f"/api/v1/orders/{opened['order_id']}")).json()
        assert order["reference"] == text
