"""What a first visit costs on the wire."""

from __future__ import annotations

import re
import socket
from urllib.parse import urljoin

import httpx

HTML_MAX_BYTES = 14_000
SCRIPT_MAX_BYTES = 20 * 1024
REQUESTS_MAX = 4

_ASSET = re.compile(r'<(?:script[^>]+src|link[^>]+href|img[^>]+src)="(?!data:)([^"]+)"')


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wire_bytes(url: str) -> tuple[int, str]:
    """Bytes of the body as it travels (brotli), and the decoded text."""
    with httpx.stream("GET", url, headers={"Accept-Encoding": "br", "Accept-Language": "en"}) as answer:
        answer.raise_for_status()
        raw = b"".join(answer.iter_raw())
        encoded = answer.headers.get("content-encoding") == "br"
    if not encoded:
        return len(raw), raw.decode()
    import brotli  # noqa: PLC0415

    return len(raw), brotli.decompress(raw).decode()


def first_load(url: str) -> bool:
    """Print the table of a first load; whether it keeps its budgets."""
    html, text = wire_bytes(url)
    assets = [urljoin(url, found) for found in _ASSET.findall(text)]
    scripts = sum(wire_bytes(asset)[0] for asset in assets if asset.endswith(".js"))
    print("\n| first load, compressed | | budget |\n|---|---|---|")
    print(f"| HTML with its CSS | {html} bytes | {HTML_MAX_BYTES} |")
    print(f"| JavaScript | {scripts} bytes | {SCRIPT_MAX_BYTES} |")
    print(f"| requests | {1 + len(assets)} | {REQUESTS_MAX} |")
    return html <= HTML_MAX_BYTES and scripts <= SCRIPT_MAX_BYTES and 1 + len(assets) <= REQUESTS_MAX
