"""Every page in every state: accessible, with its security headers, and without a word on the browser's console."""

from __future__ import annotations

import os
import re
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from litestar import Litestar
from playwright.sync_api import Response, ViewportSize

from app.kernel.i18n import LANGUAGES as SPOKEN
from app.main import build
from app.settings import load
from e2e import import_states
from e2e.browsing import Phone
from e2e.conftest import Phones
from e2e.not_pages import NOT_PAGES
from e2e.states import VIEWS, View, all_cells
from e2e.stop import Stop
from e2e.world import World
from tests.support.whole import framework_of

# The checker takes its time, and what it measures hardly changes with the words: the pages take the languages in turn.
# What words do change is whether they fit, and that is asked of every page in more of them.
_TURN: Final = {view.name: SPOKEN[number % len(SPOKEN)] for number, view in enumerate(VIEWS)}
NARROWEST: Final[ViewportSize] = {"width": 320, "height": 568}
# The longest words, and the language whose turn it is; `make torture` asks for all of them.
_LONGEST: Final = "bg"
_EVERY_LANGUAGE: Final = os.environ.get("KOLME_LANGUAGES") == "all"
_axe = Axe()


def application(world: World) -> Litestar:
    """The running product's application, built once more from the same settings and without its wrappers."""
    environ = {
        "KOLME_VAR_DIR": str(world.product.var_dir),
        "PORT": str(world.product.port),
        "DATABASE_URL": (world.product.var_dir / "database_url").read_text(encoding="utf-8").strip(),
    }
    return framework_of(build(load(environ)))


def test_every_route_that_shows_a_page_is_in_the_table(world: World) -> None:
    asked = {route.path for route in application(world).routes if "GET" in getattr(route, "methods", ())}
    shown = {view.route for view in VIEWS if view.route}
    assert asked - NOT_PAGES == shown
    assert asked >= NOT_PAGES, "an address that is gone is taken out of the table"


def test_every_state_of_the_flow_is_in_the_table() -> None:
    assert set().union(*(view.cells for view in VIEWS)) == all_cells()


def test_the_names_of_the_table_are_its_own() -> None:
    assert len({view.name for view in VIEWS}) == len(VIEWS)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_is_accessible_and_keeps_its_headers(view: View, world: World, new_phone: Phones) -> None:
    stop = view.reach(world)
    lang = _TURN[view.name] if view.translated else "en"
    phone = new_phone(trace=False, lang=lang, has_script=view.script, cookies=stop.cookies)
    response = show(phone, stop)
    check_headers(response, stop)
    if view.translated:
        assert phone.tab.locator("html").get_attribute("lang") == lang
    if not view.script:
        # The checker is a script itself: it is shown the same page where nothing leads away from it.
        markup = phone.tab.content()
        phone = new_phone(trace=False, lang=lang)
        phone.tab.set_content(markup.replace("<script", "<template").replace("</script", "</template"))
    check_accessibility(phone, view)
    if view.translated and view.script and view.room in ("pay", "account", "demo", "errors"):
        phone.tab.set_viewport_size(NARROWEST)
        check_width(phone, stop)
        for spoken in SPOKEN if _EVERY_LANGUAGE else (_LONGEST,):
            if spoken != lang:
                check_language(phone, stop, spoken)


def show(phone: Phone, stop: Stop) -> Response:
    response = phone.open(stop.path)
    assert response.status == stop.status, f"{stop.path}: {response.status}"
    if stop.then is not None:
        stop.then(phone)
    return response


def check_language(phone: Phone, stop: Stop, lang: str) -> None:
    """The page as it comes in another language: nothing of it reaches beyond the narrowest screen."""
    phone.speak(lang)
    assert phone.open(stop.path).status == stop.status
    assert phone.tab.locator("html").get_attribute("lang") == lang
    check_width(phone, stop)


def check_width(phone: Phone, stop: Stop) -> None:
    script = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert phone.tab.evaluate(script) <= 0, (
        f"{stop.path} in {phone.lang} is wider than {NARROWEST['width']} px"
    )


def test_a_long_schedule_of_four_digit_sums_fits_the_narrowest_phone(world: World, new_phone: Phones) -> None:
    session = world.shop.open_session(2_999_00)
    phone = new_phone(trace=False, screen=NARROWEST)
    for lang in SPOKEN:
        phone.speak(lang)
        phone.open(f"{session.path}?method=instalments&months=36")
        beyond = phone.tab.locator(".scroll:has(.schedule)").evaluate(
            """table => {
                table.closest("details").open = true;
                return table.scrollWidth - table.clientWidth;
            }"""
        )
        assert beyond <= 0, f"{lang}: {beyond} px of the schedule are out of sight"


def test_the_files_sent_before_fit_the_narrowest_phone(world: World, new_phone: Phones) -> None:
    stop = import_states.listed(world)
    phone = new_phone(trace=False, screen=NARROWEST, cookies=stop.cookies)
    for lang in SPOKEN:
        check_language(phone, stop, lang)


def check_headers(response: Response, stop: Stop) -> None:
    headers = response.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    framed = stop.path.startswith("/widget")
    assert ("frame-ancestors *" if framed else "frame-ancestors 'none'") in policy or stop.path.endswith(
        "/body"
    )
    assert "base-uri 'none'" in policy
    if "script-src" in policy:
        assert re.search(r"script-src 'self' 'nonce-[\w-]{20,}'", policy)
        assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == ("public, max-age=300" if framed else "no-store")


def check_accessibility(phone: Phone, view: View) -> None:
    if view.route == "/widget":
        # Its ground is the other site's. Where there is none, a browser paints this, and the checker believes white.
        phone.tab.add_style_tag(content=":root { background: Canvas }")
    phone.tab.emulate_media(color_scheme="light")
    phone.settles()
    phone.tab.evaluate(_axe.axe_script)
    complain(phone, view, violations(phone, {}))
    # Of all rules only these look at colours.
    phone.tab.emulate_media(color_scheme="dark")
    phone.settles()
    complain(phone, view, violations(phone, {"runOnly": ["color-contrast", "link-in-text-block"]}))


def violations(phone: Phone, options: dict[str, Any]) -> list[dict[str, Any]]:
    """What the checker, which is on the page already, has against it. What it finds in order is not even gathered."""
    found: list[dict[str, Any]] = phone.tab.evaluate(
        "options => axe.run(document, options).then(found => found.violations)",
        {"resultTypes": ["violations"], **options},
    )
    return found


def complain(phone: Phone, view: View, found: list[dict[str, Any]]) -> None:
    told = [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found]
    assert not told, f"{view.name} {phone.lang}: {told}"
