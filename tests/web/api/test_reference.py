"""The OpenAPI document and its page say what is there, and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from app.settings import Settings
from app.web.api import openapi, schemas
from app.web.api.routes import api_router
from tests.web.api.conftest import Shop
from tests.web.api.documents import a_basket


def routes_of(settings: Settings) -> set[tuple[str, str]]:
    app = Litestar([api_router(settings)], openapi_config=None)
    return {
        (method.lower(), re.sub(r"\{(\w+):str\}", r"{\1}", route.path))
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/v1")
        for method in route.methods
        if method not in {"OPTIONS", "HEAD"}
    }


def test_every_route_is_in_the_document_and_every_operation_is_a_route(settings: Settings) -> None:
    assert {(operation.method, operation.path) for operation in openapi.OPERATIONS} == routes_of(settings)


def test_the_events_of_the_document_are_the_events_that_endpoints_may_ask_for() -> None:
    from typing import get_args  # noqa: PLC0415

    from app.merchants.rules import WEBHOOK_TYPES  # noqa: PLC0415

    assert set(get_args(schemas.EventType)) == WEBHOOK_TYPES


async def test_the_document_is_openapi_3_1_and_needs_no_key(shop: Shop) -> None:
    answer = await shop.client.get("/api/openapi.json", headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document: dict[str, Any] = json.loads(answer.content)
    assert document["openapi"] == "3.1.0"
    names = set(document["components"]["schemas"])
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', answer.text))
    assert referred <= names
    assert all(
        schema.get("additionalProperties") is False
        for name, schema in document["components"]["schemas"].items()
        if name.startswith("New")
    )


async def test_answers_have_the_shapes_that_the_document_says(shop: Shop) -> None:
    opened = await shop.opens(a_basket())
    msgspec.json.decode(opened.content, type=schemas.Session)
    read = await shop.client.get(f"/api/v1/sessions/{opened.json()['id']}")
    msgspec.json.decode(read.content, type=schemas.SessionDetails)
    msgspec.json.decode((await shop.client.get("/api/v1/orders")).content, type=schemas.OrderList)


async def test_the_page_names_every_operation_and_loads_nothing(shop: Shop) -> None:
    page = await shop.client.get("/api", headers={"Authorization": ""})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for operation in openapi.OPERATIONS:
        assert operation.path in page.text
    assert "<script" not in page.text
    assert not re.search(r'(src|href)="https?://', page.text)
    nonce = re.search(r"'nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce is not None
    assert f'<style nonce="{nonce[1]}">' in page.text


async def test_every_link_inside_the_page_leads_somewhere(shop: Shop) -> None:
    page = (await shop.client.get("/api")).text
    places = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= places


async def test_there_is_no_second_document(shop: Shop) -> None:
    for address in ("/schema", "/schema/openapi.json", "/docs"):
        assert (await shop.client.get(address)).status_code == 404
