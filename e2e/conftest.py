"""The product runs once for all of these tests; each person in them has a browser of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol, Unpack

import pytest
from playwright.sync_api import Browser, Page

from e2e import browsing
from e2e.browsing import Drawer, Phone, Wishes
from e2e.sandbox import Sandbox
from e2e.shop import Shop
from e2e.world import VAR, World, a_world

# The page's tree at every step is kept for whoever looks for the cause of a failure and asks for it: it makes each test
# slower.
_SNAPSHOTS: Final = "KOLME_TRACE" in os.environ


class Phones(Protocol):
    """Makes a person's browser. `trace`: a failure keeps how it came. `fresh`: nothing was ever fetched with it, for
    whoever looks at what is."""

    def __call__(
        self,
        *,
        cookies: Mapping[str, str] | None = None,
        trace: bool = True,
        fresh: bool = False,
        **wishes: Unpack[Wishes],
    ) -> Phone: ...


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with a_world() as running:
        yield running
        running.prove()


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


@pytest.fixture(scope="session")
def drawer(world: World, chromium: Browser) -> Drawer:
    return Drawer(chromium, world.base_url)


@pytest.fixture
def new_phone(drawer: Drawer, request: pytest.FixtureRequest) -> Iterator[Phones]:
    """Every browser made through this is empty, and goes back with the test; no page of it may have complained on the
    console.

    When the test fails, what each tab showed and how it came there is kept in var/e2e.
    """
    phones: list[tuple[Phone, bool]] = []

    def make(
        *,
        cookies: Mapping[str, str] | None = None,
        trace: bool = True,
        fresh: bool = False,
        **wishes: Unpack[Wishes],
    ) -> Phone:
        phone = drawer.take(cookies=cookies, fresh=fresh, **wishes)
        phones.append((phone, trace))
        if trace:
            phone.tab.context.tracing.start(screenshots=False, snapshots=_SNAPSHOTS)
        return phone

    yield make
    failed = request.node.stash.get(_FAILED, False)
    complaints = [complaint for phone, _ in phones for complaint in phone.complaints]
    for number, (phone, traced) in enumerate(phones):
        if failed:
            _keep(phone, f"{request.node.name}-{number}", traced=traced)
        elif traced:
            phone.tab.context.tracing.stop()
        drawer.put_back(phone)
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


def _keep(phone: Phone, name: str, *, traced: bool) -> None:
    """What a failure leaves behind. Nobody else gets this phone."""
    phone.worn = True
    context = phone.tab.context
    for number, tab in enumerate(context.pages):
        _picture(tab, f"{name}-{number}")
    if traced:
        context.tracing.stop(path=_kept(name, "zip"))


def _picture(tab: Page, name: str) -> None:
    tab.screenshot(path=_kept(name, "png"), full_page=True)


def _kept(name: str, kind: str) -> Path:
    VAR.mkdir(parents=True, exist_ok=True)
    return VAR / f"{name.replace('/', '_').replace(' ', '_')}.{kind}"
