"""Payment links that a shop's program makes, sends, stops and asks for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.kernel import clock, db, ids
from tests.web.api.conftest import Shop
from tests.web.api.documents import a_basket
from tests.web.api.test_orders_write import made


def at(path: str, order: dict[str, Any]) -> str:
    return f"/api/v1/orders/{order['id']}/payment-link{path}"


async def linked(shop: Shop, **document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An order and its link."""
    order = await made(shop)
    answer = await shop.client.post(at("", order), json=document)
    assert answer.status_code == 201, answer.text
    return order, answer.json()


def problem(answer: httpx.Response) -> tuple[int, str, list[str]]:
    told = answer.json()
    return answer.status_code, told["code"], [error["pointer"] for error in told.get("errors", ())]


async def in_days(days: int) -> str:
    return (await clock.business_now() + timedelta(days=days)).isoformat()


async def test_an_order_gets_its_one_link(shop: Shop) -> None:
    order, link = await linked(shop)
    assert link["url"].startswith("http://localhost:8000/link/")
    assert len(link["url"].rpartition("/")[2]) == 43
    assert (link["state"], link["order_id"], link["expires_at"], link["opened_at"]) == (
        "active",
        order["id"],
        None,
        None,
    )
    assert (await shop.client.get(at("", order))).json() == link
    again = await shop.client.post(at("", order), json={"expires_at": await in_days(3)})
    assert (again.status_code, again.json()) == (201, link)


async def test_an_empty_body_makes_a_link_without_an_end(shop: Shop) -> None:
    order = await made(shop)
    answer = await shop.client.post(at("", order))
    assert answer.status_code == 201
    assert answer.json()["expires_at"] is None


async def test_two_links_have_nothing_in_common(shop: Shop) -> None:
    urls = {(await linked(shop))[1]["url"] for _ in range(5)}
    assert len({url[-43:-33] for url in urls}) == 5


async def test_a_link_may_have_an_end_that_can_be_moved_and_taken_away(shop: Shop) -> None:
    end = await in_days(3)
    order, link = await linked(shop, expires_at=end)
    assert datetime.fromisoformat(link["expires_at"]) == datetime.fromisoformat(end)
    later = (await shop.client.patch(at("", order), json={"expires_at": await in_days(9)})).json()
    assert datetime.fromisoformat(later["expires_at"]) > datetime.fromisoformat(link["expires_at"])
    without = (await shop.client.patch(at("", order), json={"expires_at": None})).json()
    assert without["expires_at"] is None
    assert without["url"] == link["url"]


async def test_a_link_past_its_end_has_lapsed_and_works_again_with_another_end(shop: Shop) -> None:
    order, _ = await linked(shop, expires_at=await in_days(1))
    await db.in_tx(lambda: clock.set_offset_s(2 * 86_400))
    assert (await shop.client.get(at("", order))).json()["state"] == "lapsed"
    again = await shop.client.patch(at("", order), json={"expires_at": await in_days(1)})
    assert again.json()["state"] == "active"


@pytest.mark.parametrize("days", [-1, 367])
async def test_an_end_in_the_past_or_years_away_is_refused(shop: Shop, days: int) -> None:
    order = await made(shop)
    answer = await shop.client.post(at("", order), json={"expires_at": await in_days(days)})
    assert problem(answer) == (422, "invalid_request", ["/expires_at"])
    assert (await shop.client.get(at("", order))).status_code == 404


async def test_a_time_without_its_zone_is_refused(shop: Shop) -> None:
    order = await made(shop)
    answer = await shop.client.post(at("", order), json={"expires_at": "2027-01-01T12:00:00"})
    assert problem(answer)[0] == 422


async def test_a_link_is_paused_resumed_and_withdrawn_for_good(shop: Shop) -> None:
    order, _ = await linked(shop)
    for verb, state in (
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "active"),
        ("withdraw", "withdrawn"),
    ):
        answer = await shop.client.post(at(f"/{verb}", order))
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    for verb in ("pause", "resume"):
        answer = await shop.client.post(at(f"/{verb}", order), json={})
        assert problem(answer)[:2] == (409, "link_ended")
    assert problem(await shop.client.patch(at("", order), json={"expires_at": None}))[:2] == (
        409,
        "link_ended",
    )


async def test_a_link_is_sent_to_whom_the_shop_says(shop: Shop) -> None:
    _, link = await linked(
        shop, email={"to": "aino@example.test", "subject": "Your blanket", "message": "Hello"}
    )
    rows = await db.fetch_all("SELECT recipient, subject, body, lang, state, actor FROM link_sends")
    assert [tuple(row.values()) for row in rows] == [
        ("aino@example.test", "Your blanket", "Hello", shop.merchant.locale, "queued", "api")
    ]
    assert link["state"] == "active"


async def test_the_same_request_sent_twice_with_one_key_is_one_mail(shop: Shop) -> None:
    order = await made(shop)
    wanted = {"email": {"to": "aino@example.test"}}
    answers = [
        await shop.client.post(at("", order), json=wanted, headers={"Idempotency-Key": "send-1"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert await db.fetch_value("SELECT count(*) FROM link_sends") == 1


@pytest.mark.parametrize(
    ("email", "pointer"),
    [({"to": "aino(at)example"}, "/email/to"), ({"to": "a@example.test", "message": " "}, "/email/message")],
)
async def test_a_mail_that_cannot_be_sent_makes_no_link(
    shop: Shop, email: dict[str, str], pointer: str
) -> None:
    order = await made(shop)
    answer = await shop.client.post(at("", order), json={"email": email})
    assert problem(answer) == (422, "invalid_request", [pointer])
    assert (await shop.client.get(at("", order))).status_code == 404


async def test_a_paused_link_is_not_sent(shop: Shop) -> None:
    order, _ = await linked(shop)
    await shop.client.post(at("/pause", order))
    answer = await shop.client.post(at("", order), json={"email": {"to": "aino@example.test"}})
    assert problem(answer)[:2] == (409, "link_paused")


async def test_an_order_of_a_checkout_or_a_cancelled_one_gets_no_link(shop: Shop) -> None:
    session = (await shop.opens(a_basket())).json()
    draft = {"id": session["order_id"]}
    assert problem(await shop.client.post(at("", draft)))[:2] == (409, "order_locked")
    order = await made(shop)
    await shop.client.post(f"/api/v1/orders/{order['id']}/cancel")
    assert problem(await shop.client.post(at("", order)))[:2] == (409, "order_locked")


async def test_what_is_another_shops_or_unknown_is_not_found(shop: Shop, another_shop: Shop) -> None:
    order, _ = await linked(shop)
    unknown: dict[str, Any] = {"id": ids.public_id("ord")}
    for theirs in (order, unknown, {"id": "ord_1"}):
        for answer in (
            await another_shop.client.get(at("", theirs)),
            await another_shop.client.post(at("", theirs)),
            await another_shop.client.patch(at("", theirs), json={"expires_at": None}),
            await another_shop.client.post(at("/withdraw", theirs)),
        ):
            assert problem(answer)[:2] == (404, "not_found")
    assert (await shop.client.get(at("", order))).json()["state"] == "active"


async def test_an_order_without_a_link_has_none_to_tell_of(shop: Shop) -> None:
    order = await made(shop)
    assert problem(await shop.client.get(at("", order)))[:2] == (404, "not_found")
    assert problem(await shop.client.post(at("/pause", order)))[:2] == (404, "not_found")
