"""`make gallery`: every page and state of the product as pictures in var/gallery, with contact sheets.

    python -m e2e.gallery [LANG ...]      languages to shoot, `en` unless named

Each view of `e2e/states.py` is shot as a phone and as a desk show it, light and dark. `index.html` lists them all;
`contact-<room>-<lang>.png` shows a room's pages on a phone beside each other, composed by the browser itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, ViewportSize

from app.kernel.i18n import LANGUAGES
from e2e.browsing import DESK_SCREEN, PHONE_SCREEN, ROOT, Phone, Scheme, chromium, new_phone
from e2e.states import VIEWS, View
from e2e.stop import Stop
from e2e.world import World, a_world

OUT: Final = ROOT / "var" / "gallery"
SCREENS: Final[dict[str, ViewportSize]] = {"phone": PHONE_SCREEN, "desk": DESK_SCREEN}
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")

# A page longer than this is cut: the rest of a long list tells nothing new.
SHOT_HEIGHT_MAX: Final = 2400

# What the README shows: one picture a step.
STORY: Final = ("pay-1-method-invoice", "pay-2-code", "pay-3-confirm")

_STORY = """<!doctype html><html lang="en"><meta charset="utf-8"><title>three steps</title><style>
body {{ display: flex; gap: 30px; margin: 0; padding: 30px; align-items: flex-start; background: #e9e9e6; }}
img {{ width: 390px; box-shadow: 0 2px 10px #0002; border-radius: 12px; }}
</style><body>{images}</body></html>"""

_SHEET = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body {{ margin: 24px; font: 14px/1.4 system-ui, sans-serif; background: #e9e9e6; color: #222; }}
h1 {{ font-size: 20px; }} h2 {{ font-size: 16px; margin: 32px 0 8px; }}
.row {{ display: flex; flex-wrap: wrap; gap: 20px; align-items: flex-start; }}
figure {{ margin: 0; }} figcaption {{ margin: 0 0 6px; font-weight: 600; }}
img {{ display: block; background: #fff; box-shadow: 0 1px 6px #0003; border-radius: 6px; }}
img.phone {{ width: {phone}px; }} img.desk {{ width: {desk}px; }}
</style><body><h1>{title}</h1>{body}</body></html>"""


def main(langs: Sequence[str]) -> int:
    unknown = set(langs) - set(LANGUAGES)
    if unknown:
        print(
            f"no such language: {', '.join(sorted(unknown))} (there are {', '.join(LANGUAGES)})",
            file=sys.stderr,
        )
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    for old in [*OUT.glob("*.png"), *OUT.glob("*.html")]:
        old.unlink()
    began = time.monotonic()
    with a_world() as world, chromium() as browser:
        for view in VIEWS:
            stop = view.reach(world)
            for lang in langs:
                shoot(browser, world, view, stop, lang)
            print(f"  {view.name}", flush=True)
        sheets = [sheet for lang in langs for sheet in contact_sheets(browser, lang)]
        sheets += [three_steps(browser, lang) for lang in langs]
    (OUT / "index.html").write_text(index(langs), encoding="utf-8")
    shots = len(VIEWS) * len(SCREENS) * len(SCHEMES) * len(langs)
    print(
        f"\n{shots} pictures of {len(VIEWS)} views in {time.monotonic() - began:.0f} s. Open:\n\n  {OUT / 'index.html'}"
    )
    print("\n".join(f"  {sheet}" for sheet in sheets))
    return 0


def file_name(view: View, lang: str, screen: str, scheme: Scheme) -> str:
    return f"{view.name}-{lang}-{screen}-{scheme}.png"


def shoot(browser: Browser, world: World, view: View, stop: Stop, lang: str) -> None:
    """One visit, four pictures: the page stays as it is while the screen and the scheme change around it."""
    phone = new_phone(browser, world.base_url, lang=lang, has_script=view.script, cookies=stop.cookies)
    phone.open(stop.path)
    if stop.then is not None:
        stop.then(phone)
    for screen, size in SCREENS.items():
        phone.tab.set_viewport_size(size)
        for scheme in SCHEMES:
            phone.tab.emulate_media(color_scheme=scheme)
            picture(phone, OUT / file_name(view, lang, screen, scheme), size)
    phone.tab.context.close()


def picture(phone: Phone, path: Path, size: ViewportSize) -> None:
    """The screen as it is when one arrives; where the page goes on below, the screen grows until all of it is seen."""
    phone.settles()
    phone.tab.evaluate("scrollTo(0, 0)")
    height = int(phone.tab.evaluate("document.documentElement.scrollHeight"))
    if height > size["height"]:
        phone.tab.set_viewport_size({"width": size["width"], "height": min(height, SHOT_HEIGHT_MAX)})
    phone.tab.screenshot(path=path)
    phone.tab.set_viewport_size(size)


def three_steps(browser: Browser, lang: str) -> Path:
    """The picture of the README: the steps beside each other, and nothing else."""
    images = "".join(
        f'<img src="{file_name(view, lang, "phone", "light")}" alt="">'
        for view in VIEWS
        if view.name in STORY
    )
    page = OUT / f"three-steps-{lang}.html"
    page.write_text(_STORY.format(images=images), encoding="utf-8")
    return composed(browser, page, {"width": 1290, "height": 400})


def composed(browser: Browser, page: Path, size: ViewportSize) -> Path:
    """A page that was written only to be a picture, as that picture."""
    tab = browser.new_page(viewport=size)
    tab.goto(page.as_uri())
    tab.screenshot(path=page.with_suffix(".png"), full_page=True)
    tab.close()
    page.unlink()
    return page.with_suffix(".png")


def rooms() -> list[str]:
    return list(dict.fromkeys(view.room for view in VIEWS))


def contact_sheets(browser: Browser, lang: str) -> list[Path]:
    """One picture a room and scheme: its pages on a phone, beside each other."""
    made = []
    for room in rooms():
        for scheme in SCHEMES:
            views = [view for view in VIEWS if view.room == room]
            body = f'<div class="row">{"".join(figure(view, lang, "phone", scheme) for view in views)}</div>'
            page = OUT / f"contact-{room}-{lang}-{scheme}.html"
            page.write_text(sheet(f"{room} · {lang} · {scheme}", body), encoding="utf-8")
            made.append(composed(browser, page, {"width": 1800, "height": 900}))
    return made


def index(langs: Sequence[str]) -> str:
    parts = []
    for lang in langs:
        for view in VIEWS:
            shots = "".join(figure(view, lang, screen, scheme) for screen in SCREENS for scheme in SCHEMES)
            parts.append(f'<h2>{escape(view.name)} · {lang}</h2><div class="row">{shots}</div>')
    return sheet("Every page in every state", "".join(parts))


def figure(view: View, lang: str, screen: str, scheme: Scheme) -> str:
    name = escape(file_name(view, lang, screen, scheme))
    caption = escape(view.name.partition("-")[2])
    image = f'<img class="{screen}" src="{name}" alt="">'
    return f'<figure><figcaption>{caption}</figcaption><a href="{name}">{image}</a></figure>'


def sheet(title: str, body: str) -> str:
    return _SHEET.format(title=escape(title), body=body, phone=234, desk=640)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["en"]))
