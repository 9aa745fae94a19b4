"""Where a shop wants its events: added, listed, taken away; the secret is shown once."""

from __future__ import annotations

import asyncio

import pytest

from app.kernel import db, ids
from app.settings import Settings
from tests.web.api.conftest import Shop, a_shop, application, settings_for

ADDRESS = "/api/v1/webhook-endpoints"


def an_endpoint(url: str = "https://shop.example/hooks", *types: str) -> dict[str, object]:
    return {"url": url, "types": list(types or ("order.paid", "session.expired"))}


async def test_the_secret_is_shown_once(shop: Shop) -> None:
    created = await shop.client.post(ADDRESS, json=an_endpoint())
    assert created.status_code == 201
    endpoint = created.json()
    assert endpoint["secret"].startswith("whsec_")
    assert endpoint["types"] == ["order.paid", "session.expired"]
    [listed] = (await shop.client.get(ADDRESS)).json()["data"]
    assert listed == {key: value for key, value in endpoint.items() if key != "secret"}
    stored: bytes = await db.fetch_value("SELECT secret FROM webhook_endpoints")
    assert endpoint["secret"].encode() not in stored


async def test_a_deleted_endpoint_is_in_no_list_and_cannot_be_deleted_again(shop: Shop) -> None:
    endpoint = (await shop.client.post(ADDRESS, json=an_endpoint())).json()
    answer = await shop.client.delete(f"{ADDRESS}/{endpoint['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await shop.client.get(ADDRESS)).json()["data"] == []
    assert (await shop.client.delete(f"{ADDRESS}/{endpoint['id']}")).status_code == 404


async def test_another_merchants_endpoint_looks_like_none(shop: Shop, another_shop: Shop) -> None:
    theirs = (await another_shop.client.post(ADDRESS, json=an_endpoint())).json()
    answers = [
        await shop.client.delete(f"{ADDRESS}/{wanted}")
        for wanted in (theirs["id"], ids.public_id("we"), "nonsense")
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert len((await another_shop.client.get(ADDRESS)).json()["data"]) == 1


@pytest.mark.parametrize(
    ("document", "pointer", "code"),
    [
        (an_endpoint("http://shop.example/"), "/url", "not_https"),
        (an_endpoint("https://10.0.0.1/"), "/url", "private_address"),
        (an_endpoint("https://[fd00::1]/"), "/url", "private_address"),
        (an_endpoint("https://2130706433/"), "/url", "malformed"),
        (an_endpoint("https://0x7f.1/"), "/url", "malformed"),
        (an_endpoint("https://user:x@shop.example/"), "/url", "malformed"),
        (an_endpoint("https://shop.example/#x"), "/url", "malformed"),
        (an_endpoint("https://shop.example/\u00e4"), "/url", "malformed"),
        (an_endpoint("ftp://shop.example/"), "/url", "malformed"),
        (an_endpoint("https://"), "/url", "malformed"),
        ({"url": "https://shop.example/", "types": []}, "/types", "length"),
        ({"url": "https://shop.example/", "types": ["order.eaten"]}, "/types/0", "unknown_value"),
        ({"url": "https://shop.example/"}, "/types", "missing"),
    ],
)
async def test_a_wrong_endpoint_is_pointed_at(
    shop: Shop, document: dict[str, object], pointer: str, code: str
) -> None:
    answer = await shop.client.post(ADDRESS, json=document)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_test_mode_takes_loopback_and_any_port(shop: Shop) -> None:
    for url in ("http://localhost:8000/demo/hooks", "http://127.0.0.1:9999/", "https://shop.example:8443/"):
        assert (await shop.client.post(ADDRESS, json=an_endpoint(url))).status_code == 201


async def test_with_the_setting_off_loopback_is_refused(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp = str(tmp_path_factory.mktemp("var"))
    strict = settings_for(settings.database_url, tmp, KOLME_ALLOW_LOOPBACK_WEBHOOKS="off")
    async with a_shop(application(strict), "Havu & Kivi") as shop:
        answer = await shop.client.post(ADDRESS, json=an_endpoint("http://localhost:8000/hooks"))
        assert answer.json()["errors"][0]["code"] == "private_address"


async def test_there_are_twenty_at_most_even_when_many_are_asked_for_at_once(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.client.post(ADDRESS, json=an_endpoint()) for _ in range(25)))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 5
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"too_many_webhook_endpoints"}
    page = (await shop.client.get(ADDRESS, params={"limit": "15"})).json()
    rest = (await shop.client.get(ADDRESS, params={"cursor": page["next_cursor"]})).json()
    assert (len(page["data"]), len(rest["data"]), rest["next_cursor"]) == (15, 5, None)
