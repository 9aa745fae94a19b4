"""The product runs once for all of these tests; each person in them has a browser of their own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from e2e import browsing
from e2e.browsing import Phone
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.world import VAR, World, a_world


class Phones(Protocol):
    """Makes a person's browser; the wishes are those of `browsing.new_phone`. `trace`: a failure keeps how it came."""

    def __call__(self, *, trace: bool = True, **wishes: Any) -> Phone: ...


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with a_world() as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browsing.chromium() as browser:
        yield browser


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    return world.sandbox


@pytest.fixture
def shop(world: World) -> Shop:
    return world.shop


@pytest.fixture
def new_phone(world: World, chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Phones]:
    """Every browser made through this is closed with the test; no page of it may have complained on the console.

    When the test fails, what each tab showed and how it came there is kept in var/e2e.
    """
    phones: list[Phone] = []

    def make(*, trace: bool = True, **wishes: Any) -> Phone:
        phone = browsing.new_phone(chromium, world.base_url, **wishes)
        if trace:
            phone.tab.context.tracing.start(screenshots=False, snapshots=True)
        phones.append(phone)
        return phone

    yield make
    failed = request.node.stash.get(_FAILED, False)
    for number, phone in enumerate(phones):
        _put_away(phone, f"{request.node.name}-{number}" if failed else None)
    complaints = [complaint for phone in phones for complaint in phone.complaints]
    assert failed or not complaints, complaints


@pytest.fixture
def phone(new_phone: Phones) -> Phone:
    return new_phone()


@pytest.fixture(params=["scripts", "no scripts"])
def any_phone(new_phone: Phones, request: pytest.FixtureRequest) -> Phone:
    """The test runs twice: with JavaScript on and off."""
    return new_phone(has_script=request.param == "scripts")


@pytest.fixture
def moved_clock(sandbox: Sandbox) -> Iterator[Callable[[int], None]]:
    """Moves the business clock forward; afterwards it shows the wall's time again."""
    yield sandbox.advance
    sandbox.reset_clock()


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


def _put_away(phone: Phone, keep_as: str | None) -> None:
    context = phone.tab.context
    if keep_as is not None:
        VAR.mkdir(parents=True, exist_ok=True)
        stem = VAR / keep_as.replace("/", "_").replace(" ", "_")
        for number, tab in enumerate(context.pages):
            tab.screenshot(path=f"{stem}-{number}.png", full_page=True)
        with suppress(PlaywrightError):  # this one was not traced
            context.tracing.stop(path=f"{stem}.zip")
    context.close()
