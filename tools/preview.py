"""The flow's pages with sample contexts, served behind the real security wrapper, and shot by a real browser.

python -m tools.preview serve [PORT]
python -m tools.preview shoot [LANG ...]     pictures into var/preview/, sizes and accessibility on the terminal
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import brotli
from axe_playwright_python.sync_playwright import Axe
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from playwright.sync_api import Browser, Page, sync_playwright

from app.web.shared.compression import Compressed
from app.web.shared.errors import error_handler, refusal
from app.web.shared.rendering import page
from app.web.shared.security import Policy, Shield
from app.web.shared.static import assets, serve_static
from app.web.shopper.views import FlowView, InstalmentsView
from tools.flow_samples import quote, samples

PORT = 8123
OUT = Path(__file__).resolve().parent.parent / "var" / "preview"
SCREENS = {"phone": (390, 844), "desk": (1280, 800)}
CONTENT_BUDGET = 14_000
SCRIPT_BUDGET = 20 * 1024


def _sample_page(request: Request[Any, Any, Any], name: str) -> Response[str]:
    sample = samples(request.query_params.get("lang", "en")).get(name)
    if sample is None:
        raise NotFoundException
    return page(request, sample.template, sample.partial, sample.context)


@get("/preview/{name:str}", include_in_schema=False, sync_to_thread=False)
def preview(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[str]:
    return _sample_page(request, name)


@post("/preview/{name:str}", include_in_schema=False, sync_to_thread=False, status_code=200)
def posted(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[str]:
    return _sample_page(request, name)


@get("/pay/{session:str}", include_in_schema=False, sync_to_thread=False)
def chosen(request: Request[Any, Any, Any], session: FromPath[str]) -> Response[str]:
    """Step 1 with the term of the address, so that the lists can be tried."""
    sample = samples(request.query_params.get("lang", "en"))["method-instalments"]
    months = int(request.query_params.get("months", "12"))
    instalments = replace(
        cast("InstalmentsView", sample.context["instalments"]),
        months=months,
        quote=quote("instalments", months=months),
    )
    flow = replace(cast("FlowView", sample.context["flow"]), id=session)
    return page(
        request, sample.template, sample.partial, {**sample.context, "instalments": instalments, "flow": flow}
    )


@get("/pay/{session:str}/outcome", include_in_schema=False, sync_to_thread=False)
def still_held(request: Request[Any, Any, Any], session: FromPath[str]) -> Response[str]:
    sample = samples(request.query_params.get("lang", "en"))["outcome-held"]
    return page(request, sample.template, sample.partial, sample.context)


@post(["/pay/{session:str}", "/pay/{session:str}/{step:str}"], sync_to_thread=False, status_code=200)
def stepped(
    request: Request[Any, Any, Any], session: FromPath[str], step: FromPath[str | None] = None
) -> Response[str]:
    """The way through the flow, with nothing behind it."""
    name = {
        "method": "identify",
        "code": "identify-code",
        "identify": "confirm",
        "confirm": "outcome-confirmed",
        "check": "paying-pending",
        "give-up": "method",
    }[step or "method"]
    sample = samples(request.query_params.get("lang", "en"))[name]
    return page(request, sample.template, sample.partial, sample.context, push_url=f"/preview/{name}")


def application() -> Shield:
    app = Litestar(
        [preview, posted, chosen, still_held, stepped, serve_static],
        exception_handlers={Exception: error_handler({})},
        openapi_config=None,
    )
    origin = f"http://127.0.0.1:{os.environ['PORT']}"
    policy = Policy(origins=frozenset({origin}), https=False)
    return Shield(Compressed(app), policy, refusal)


def serve(port: int) -> None:
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    os.environ["PORT"] = str(port)
    os.execv(sys.executable, [*command, "--factory", "tools.preview:application"])  # noqa: S606  our own interpreter


def shoot(langs: list[str]) -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "tools.preview", "serve", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base_url = f"http://127.0.0.1:{port}/preview"
    try:
        _wait(f"{base_url}/method")
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
            )
            faults = sum(_shoot_language(browser, base_url, lang) for lang in langs)
            faults += _narrow(browser, base_url, langs)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    _print_sizes()
    print(f"faults: {faults}")
    return 1 if faults else 0


def _free_port() -> int:
    """A port of our own: the server shares a taken one silently, and pictures of another's pages prove nothing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _open(tab: Page, url: str) -> int:
    """Faults: 1 when the page is not there, because an error page would pass every other check."""
    answer = tab.goto(url, wait_until="load")
    if answer is not None and answer.status == 200:
        return 0
    print("not there:", url, answer and answer.status)
    return 1


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310  loopback
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def _shoot_language(browser: Browser, base_url: str, lang: str) -> int:
    faults = 0
    for scheme in ("light", "dark"):
        for screen, (width, height) in SCREENS.items():
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
            )
            tab = context.new_page()
            tab.on("console", lambda m: print("console:", m.text) if m.type in {"error", "warning"} else None)
            for name in samples(lang):
                java_script_moves_on = name in {"bank-return", "leaving"}
                if java_script_moves_on:
                    continue
                faults += _open(tab, f"{base_url}/{name}?lang={lang}")
                tab.screenshot(path=OUT / f"{name}-{lang}-{screen}-{scheme}.png")
                if screen == "phone":
                    faults += _check(tab, f"{name} {lang} {scheme}")
            context.close()
    return faults


def _check(tab: Page, where: str) -> int:
    violations = Axe().run(tab).response["violations"]
    for violation in violations:
        print("axe:", where, violation["id"], [node["html"][:120] for node in violation["nodes"]][:3])
    return len(violations)


def _narrow(browser: Browser, base_url: str, langs: list[str]) -> int:
    """No page may scroll sideways at 320 px."""
    faults = 0
    context = browser.new_context(viewport={"width": 320, "height": 640})
    tab = context.new_page()
    for lang in langs:
        for name in samples(lang):
            if name in {"bank-return", "leaving"}:
                continue
            faults += _open(tab, f"{base_url}/{name}?lang={lang}")
            tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            width = tab.evaluate("document.documentElement.scrollWidth")
            # What pokes out of a card may still be inside of the page.
            poking = tab.evaluate(
                "[...document.querySelectorAll('.card')].some(c => c.scrollWidth > c.clientWidth)"
            )
            if width > 320 or poking:
                faults += 1
                print("too wide at 320:", name, lang, width, "out of a card" if poking else "")
            tab.screenshot(path=OUT / f"{name}-{lang}-narrow.png", full_page=True)
    context.close()
    return faults


def _print_sizes() -> None:
    for name in ("method", "method-instalments", "identify-code", "confirm-instalments"):
        body = _rendered(name)
        print(
            f"{name}: html+css {len(body)} bytes, br4 {len(brotli.compress(body, quality=4))} (budget {CONTENT_BUDGET})"
        )
    scripts = sum(len(assets()[n].by_brotli) for n in ("vendor/htmx-4.0.1.min.js", "js/flow.js"))
    print(f"scripts: br {scripts} (budget {SCRIPT_BUDGET})")


def _rendered(name: str) -> bytes:
    from app.kernel.templating import render  # noqa: PLC0415  after rendering has given it its names

    sample = samples("en")[name]
    return render(sample.template, "en", {**sample.context, "nonce": "n" * 24, "swapped": False}).encode()


def main() -> int:
    match sys.argv[1:]:
        case ["serve", *port]:
            serve(int(port[0]) if port else PORT)
            return 0
        case ["shoot", *langs]:
            return shoot(langs or ["en", "fi"])
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main())
