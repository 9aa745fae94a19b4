"""A real browser in a person's hand: one `Phone` is one person's browser with one tab open.

Everything a person does goes through its gestures, which count: a tap is a tap, a field typed into is a field
typed into, whichever page it happens on. Names are given in English and looked up in the language of the phone.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, Literal, TypedDict, Unpack

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Playwright,
    Response,
    ViewportSize,
    expect,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

from app.kernel.i18n import translations

ROOT: Final = Path(__file__).resolve().parent.parent
LAUNCH_ARGS: Final = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
)
PHONE_SCREEN: Final[ViewportSize] = {"width": 390, "height": 844}
DESK_SCREEN: Final[ViewportSize] = {"width": 1280, "height": 800}
# Long enough for a machine that does other work beside, and never waited out by a test that passes.
PATIENCE_MS: Final = 10_000

# Where a phone lies that nobody uses: our address, so that the browser keeps the tab's process, and not a page.
NO_PAGE: Final = "/healthz"

Scheme = Literal["light", "dark"]

_addresses = count(1)

# Waits until nothing of a page is on its way: a request of htmx, a swap, a button that waits, a motion that will end.
# It asks by frames, so that two calm ones in a row have been painted. Throws what is still moving when time is up.
_SETTLED: Final = """async (patience_ms) => {
    const waiting = "[aria-busy=true], .htmx-request, .htmx-swapping, .htmx-settling";
    const ends = (motion) => motion.effect?.getComputedTiming().endTime !== Infinity;
    const underway = () => document.querySelector(waiting)?.outerHTML
        || (document.documentElement.matches(":active-view-transition") && "a view transition")
        || document.getAnimations().find((one) => one.playState === "running" && ends(one))?.effect?.target?.outerHTML;
    const late = performance.now() + patience_ms;
    for (let calm = 0; calm < 2;) {
        await new Promise(requestAnimationFrame);
        const what = underway();
        calm = what ? 0 : calm + 1;
        if (what && performance.now() > late) throw new Error("never settles: " + what);
    }
}"""


def chromium_path() -> str:
    """The browser that `make setup` found, or the one that CHROMIUM names. Raises RuntimeError with what to type."""
    noted = ROOT / "var" / "browser"
    known = [
        os.environ.get("CHROMIUM", ""),
        noted.read_text(encoding="utf-8").strip() if noted.is_file() else "",
        "/usr/bin/chromium",
        shutil.which("google-chrome") or "",
    ]
    for path in known:
        if path and Path(path).is_file():
            return path
    raise RuntimeError("There is no browser for the tests. Type: make setup")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = _launch(play)
        try:
            yield browser
        finally:
            browser.close()


def _launch(play: Playwright) -> Browser:
    expect.set_options(timeout=PATIENCE_MS)
    return play.chromium.launch(executable_path=chromium_path(), args=list(LAUNCH_ARGS))


class Wishes(TypedDict, total=False):
    """What somebody may want of a phone. One of PHONE_SCREEN can be touched."""

    lang: str
    has_script: bool
    screen: ViewportSize
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Make:
    """What a phone is, with every wish decided."""

    lang: str
    has_script: bool
    width: int
    height: int
    scheme: Scheme

    @classmethod
    def of(cls, wishes: Wishes) -> Make:
        screen = wishes.get("screen", PHONE_SCREEN)
        return cls(
            wishes.get("lang", "en"),
            wishes.get("has_script", True),
            screen["width"],
            screen["height"],
            wishes.get("scheme", "light"),
        )

    @property
    def screen(self) -> ViewportSize:
        return {"width": self.width, "height": self.height}


@dataclass(slots=True)
class Phone:
    """`complaints` holds what the browser's console had against the pages so far; `taps` and `typed` count gestures."""

    tab: Page
    base_url: str
    lang: str
    has_script: bool
    make: Make
    complaints: list[str] = field(default_factory=list)
    taps: int = 0
    typed: int = 0
    worn: bool = False
    """Something stays in its tab that no navigation takes away: nobody else can have it."""

    def words(self, english: str) -> str:
        """What a page of this phone's language says for an English message."""
        return str(translations(self.lang).gettext(english))

    # Finding, as a screen reader would.

    def heading(self, english: str) -> Locator:
        return self.tab.get_by_role("heading", name=self.words(english), exact=True)

    def button(self, english: str) -> Locator:
        return self.tab.get_by_role("button", name=self.words(english), exact=True)

    def button_like(self, english: str) -> Locator:
        """A button whose name begins so and tells a figure behind it, like the time until it may be pressed again."""
        return self.tab.get_by_role("button", name=re.compile("^" + re.escape(self.words(english))))

    def link(self, english: str) -> Locator:
        return self.tab.get_by_role("link", name=self.words(english), exact=True)

    def radio(self, english: str) -> Locator:
        return self.tab.get_by_role("radio", name=self.words(english), exact=True)

    def textbox(self, english: str) -> Locator:
        return self.tab.get_by_role("textbox", name=self.words(english), exact=True)

    def combobox(self, english: str) -> Locator:
        return self.tab.get_by_role("combobox", name=self.words(english), exact=True)

    def text(self, english: str) -> Locator:
        return self.tab.get_by_text(self.words(english), exact=True)

    # Gestures.

    def tap(self, target: Locator) -> None:
        self.taps += 1
        target.click()

    def choose(self, radio: Locator) -> None:
        self.taps += 1
        radio.check()

    def pick(self, combobox: Locator, value: str) -> None:
        """Two taps: the list opens, one of it is tapped."""
        self.taps += 2
        combobox.select_option(value)

    def type(self, textbox: Locator, text: str) -> None:
        self.typed += 1
        textbox.fill(text)

    def double_tap(self, target: Locator) -> None:
        self.taps += 2
        target.dblclick()

    # Where it is.

    def open(self, address: str) -> Response:
        """`address` may be whole, or a path of ours. Returns how the page came."""
        response = self.tab.goto(address if address.startswith("http") else self.base_url + address)
        assert response is not None, "a page of another address is always fetched"
        return response

    def speak(self, lang: str) -> None:
        """As if another language had been chosen on an earlier visit: the next page comes in it."""
        self.lang = lang
        self.tab.context.add_cookies([{"name": "lang", "value": lang, "url": self.base_url}])

    def reload(self) -> None:
        self.tab.reload()

    def back(self) -> None:
        self.tab.go_back()

    def sees(self, english: str) -> None:
        """The heading of that name is on the page. Waits for it."""
        expect(self.heading(english)).to_be_visible()

    def settles(self) -> None:
        """Waits until nothing on the page is on its way any more: as somebody looks at it, not as it flickers past.

        Whatever measures or photographs a page waits so first. Without scripts nothing moves after it has loaded.
        """
        self.tab.wait_for_load_state("load")
        if self.has_script:
            self.tab.evaluate(_SETTLED, PATIENCE_MS)

    def second_tab(self) -> Phone:
        """Another tab of the same browser: same cookies."""
        other = Phone(
            self.tab.context.new_page(), self.base_url, self.lang, self.has_script, self.make, self.complaints
        )
        listen(other)
        return other

    @property
    def path(self) -> str:
        return self.tab.url.removeprefix(self.base_url)


_NO_FAULTS: Final = ("the server responded with a status of 4", "Viewport size changed")


def listen(phone: Phone) -> None:
    """Notes every error on the console: broken scripts and refusals of the content security policy."""

    def said(kind: str, text: str) -> None:
        # A form that is refused (4xx) is part of the conversation; the browser's log calls it an error. A screen that
        # is turned while a step slides in ends the movement early, and is no fault of the page either.
        if kind == "error" and not any(words in text for words in _NO_FAULTS):
            phone.complaints.append(text)

    phone.tab.on("console", lambda message: said(message.type, message.text))
    phone.tab.on("pageerror", lambda error: said("error", str(error)))


def new_phone(
    browser: Browser, base_url: str, *, cookies: Mapping[str, str] | None = None, **wishes: Unpack[Wishes]
) -> Phone:
    """A browser of its own, that nobody has used before. `cookies` are those of another visit to go on with.

    Each phone comes from a network address of its own, because some limits count by address.
    """
    make = Make.of(wishes)
    context = browser.new_context(
        viewport=make.screen,
        locale={"en": "en-GB"}.get(make.lang, make.lang),
        color_scheme=make.scheme,
        reduced_motion="reduce",
        java_script_enabled=make.has_script,
        has_touch=make.screen == PHONE_SCREEN,
    )
    context.set_default_timeout(PATIENCE_MS)
    phone = Phone(context.new_page(), base_url, make.lang, make.has_script, make)
    listen(phone)
    _becomes_somebody(phone, cookies or {})
    return phone


def _becomes_somebody(phone: Phone, cookies: Mapping[str, str]) -> None:
    context = phone.tab.context
    context.set_extra_http_headers({"X-Forwarded-For": next_address()})
    given = {"lang": phone.lang, **cookies}
    context.add_cookies(
        [{"name": name, "value": value, "url": phone.base_url} for name, value in given.items()]
    )


class Drawer:
    """Phones that are put back, of each make: the next to take one finds an empty tab, no cookie, nothing stored and
    nothing to go back to, but styles, scripts and fonts that need not be fetched again.

    The tab stays open and at this address: a new one, or one that comes from elsewhere, costs the browser a process,
    and that takes longer than five pages do.
    """

    def __init__(self, browser: Browser, base_url: str) -> None:
        self._browser, self._base_url = browser, base_url
        self._phones: defaultdict[Make, list[Phone]] = defaultdict(list)

    def take(
        self, *, cookies: Mapping[str, str] | None = None, fresh: bool = False, **wishes: Unpack[Wishes]
    ) -> Phone:
        """As `new_phone`. `fresh`: it is really new, and nobody has it after this person."""
        lying = self._phones[Make.of(wishes)]
        if fresh or not lying:
            phone = new_phone(self._browser, self._base_url, cookies=cookies, **wishes)
            phone.worn = fresh
            return phone
        phone = lying.pop()
        _becomes_somebody(phone, cookies or {})
        return phone

    def put_back(self, phone: Phone) -> None:
        tab, context = phone.tab, phone.tab.context
        if phone.worn or tab.is_closed():
            context.close()
            return
        try:
            for other in context.pages:
                if other is not tab:
                    other.close()
            _is_cleared(phone)
        except PlaywrightError:  # whatever keeps the tab from being cleared keeps it from the next person
            context.close()
            return
        phone.lang, phone.taps, phone.typed = phone.make.lang, 0, 0
        phone.complaints.clear()
        self._phones[phone.make].append(phone)


def _is_cleared(phone: Phone) -> None:
    tab, context = phone.tab, phone.tab.context
    tab.goto(phone.base_url + NO_PAGE)
    if phone.has_script:
        tab.evaluate("() => { sessionStorage.clear(); localStorage.clear(); }")
    context.clear_cookies()
    context.clear_permissions()
    tab.emulate_media(color_scheme=phone.make.scheme)
    tab.set_viewport_size(phone.make.screen)
    driver = context.new_cdp_session(tab)
    driver.send("Page.resetNavigationHistory")
    driver.detach()


def next_address() -> str:
    """A private network address that nobody in this run has."""
    number = next(_addresses)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def storage_of(context: BrowserContext) -> list[str]:
    """Every value that pages left in local and session storage of the open tabs."""
    script = "() => [...Object.values(localStorage), ...Object.values(sessionStorage)]"
    return [value for tab in context.pages for value in tab.evaluate(script)]
