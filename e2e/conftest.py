"""The product runs once for all of these tests; each person in them has a browser of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from e2e import browsing
from e2e.browsing import Drawer, Phone
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.world import VAR, World, a_world

# The page's tree at every step is kept for whoever looks for the cause of a failure and asks for it: it makes each test
# slower.
_SNAPSHOTS: Final = "KOLME_TRACE" in os.environ


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
            phone.tab.context.tracing.start(screenshots=False, snapshots=_SNAPSHOTS)
        phones.append(phone)
        return phone

    yield make
    failed = request.node.stash.get(_FAILED, False)
    for number, phone in enumerate(phones):
        _put_away(phone, f"{request.node.name}-{number}" if failed else None)
    complaints = [complaint for phone in phones for complaint in phone.complaints]
    assert failed or not complaints, complaints


@pytest.fixture(scope="session")
def drawer(world: World, chromium: Browser) -> Drawer:
    return Drawer(chromium, world.base_url)


@pytest.fixture
def lent_phone(drawer: Drawer, request: pytest.FixtureRequest) -> Iterator[Callable[..., Phone]]:
    """Lends a phone (language, cookies) that others have had before, and that goes back with the test. No page of it
    may have complained on the console. When the test fails, what it showed is kept in var/e2e."""
    lent: list[tuple[Phone, str]] = []

    def lend(lang: str, cookies: Mapping[str, str]) -> Phone:
        lent.append((drawer.take(lang, cookies), lang))
        return lent[-1][0]

    yield lend
    failed = request.node.stash.get(_FAILED, False)
    complaints = [complaint for phone, _ in lent for complaint in phone.complaints]
    for phone, lang in lent:
        if failed:
            _picture(phone.tab, f"{request.node.name}")
            phone.worn = True
        drawer.put_back(phone, lang)
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
        for number, tab in enumerate(context.pages):
            _picture(tab, f"{keep_as}-{number}")
        with suppress(PlaywrightError):  # this one was not traced
            context.tracing.stop(path=_kept(keep_as, "zip"))
    context.close()


def _picture(tab: Page, name: str) -> None:
    tab.screenshot(path=_kept(name, "png"), full_page=True)


def _kept(name: str, kind: str) -> Path:
    VAR.mkdir(parents=True, exist_ok=True)
    return VAR / f"{name.replace('/', '_').replace(' ', '_')}.{kind}"
