"""What a phone on a slow network has to fetch before the first step stands: counted on the wire of a real browser."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Request

from e2e import walks
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.world import World

# The first flight of a TCP connection: what comes without waiting for the phone to answer.
PAGE_BYTES_MAX: Final = 14_000
SCRIPT_BYTES_MAX: Final = 20 * 1024
REQUESTS_MAX: Final = 4


def fetched_by(phone: Phone, path: str) -> list[Request]:
    requests: list[Request] = []

    def note(request: Request) -> None:
        requests.append(request)

    phone.tab.on("request", note)
    phone.open(path)
    phone.tab.wait_for_load_state("networkidle")
    return [request for request in requests if not request.url.startswith("data:")]


def body_bytes(request: Request) -> int:
    return request.sizes()["responseBodySize"]


def test_the_first_page_fits_into_the_first_flight_and_needs_four_requests_at_most(
    new_phone: Phones, shop: Shop
) -> None:
    for price_minor in (129_00, 5_000_00):
        phone = new_phone(fresh=True)
        requests = fetched_by(phone, shop.open_session(price_minor).path)

        assert len(requests) <= REQUESTS_MAX, [request.url for request in requests]
        pages = [request for request in requests if request.resource_type == "document"]
        scripts = [request for request in requests if request.resource_type == "script"]
        assert sum(map(body_bytes, pages)) <= PAGE_BYTES_MAX
        assert 0 < sum(map(body_bytes, scripts)) <= SCRIPT_BYTES_MAX
        assert len(pages) + len(scripts) == len(requests)


def test_every_step_fits_as_well(new_phone: Phones, world: World, sandbox: Sandbox, shop: Shop) -> None:
    shopper = sandbox.shopper("returning")
    session = shop.open_session(360_00, knows=shopper)
    walker = walks.to_identify_by_instalments(world, session, months=18)
    walks.through_code(walker, sandbox, shopper)
    phone = new_phone(fresh=True, cookies=walker.cookies)
    [page] = [
        request
        for request in fetched_by(phone, f"{session.path}/confirm")
        if request.resource_type == "document"
    ]
    assert body_bytes(page) <= PAGE_BYTES_MAX


def test_nothing_is_fetched_from_anybody_else(new_phone: Phones, world: World, shop: Shop) -> None:
    session = shop.open_session()
    for path in (session.path, "/demo", "/admin/sign-in", "/sandbox", "/api"):
        for request in fetched_by(new_phone(fresh=True), path):
            assert request.url.startswith(world.base_url), request.url
