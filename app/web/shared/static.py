"""Assets: hashed, compressed and kept in memory at start; served for ever under a name that changes with the
content.

A stylesheet of a bundle is several source files in a row, made small. The flow's bundle is written into the
page (one request less); the admin's is served as a file like any other.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import brotli
from litestar import MediaType, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Mapping

STATIC_DIR: Final = Path(__file__).resolve().parent.parent.parent.parent / "static"
URL_PREFIX: Final = "/static/"

_COMMON: Final = ("tokens", "base", "layout", "button", "field", "figures", "fold", "note")

# Which source files make a stylesheet, in the order of the cascade.
BUNDLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "css/flow.css": (*_COMMON, "choice", "flow", "sheet"),
        "css/account.css": (*_COMMON, "choice", "table", "flow", "account"),
        "css/desk.css": (*_COMMON, "choice", "table", "desk", "admin"),
        "css/till.css": ("till",),
        "css/review.css": ("review",),
        "css/demo.css": (*_COMMON, "demo"),
        "css/sandbox.css": (*_COMMON, "table", "desk", "sandbox"),
        "css/widget.css": ("widget",),
    }
)

_TYPES: Final = MappingProxyType(
    {
        ".css": "text/css",
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".ico": "image/x-icon",
    }
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: ``url`` is absolute on this site, ``integrity`` the value of an HTML integrity
    attribute."""

    name: str
    url: str
    integrity: str
    media_type: str
    plain: bytes
    by_gzip: bytes
    by_brotli: bytes

    def encoded_for(self, accept_encoding: str) -> tuple[bytes, str | None]:
        """The smallest body that the client takes, and its content encoding."""
        accepted = accepted_encodings(accept_encoding)
        if "br" in accepted:
            return self.by_brotli, "br"
        if "gzip" in accepted:
            return self.by_gzip, "gzip"
        return self.plain, None


def accepted_encodings(accept_encoding: str) -> frozenset[str]:
    """Names of an Accept-Encoding header, without those that carry a weight of zero."""
    taken = set()
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.partition(";")
        if re.fullmatch(r"\s*q=0(\.0*)?\s*", weight) is None:
            taken.add(name.strip())
    return frozenset(taken)


def small_css(text: str) -> str:
    """A stylesheet without comments and needless white space. Understands what our own files use: no strings
    with braces."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s*([{};,>])\s*", r"\1", text)
    # A space before a colon is a descendant selector (`nav :focus`), one after it never means anything.
    text = re.sub(r":\s+", ":", text)
    return text.replace(";}", "}").strip()


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """Every asset by its plain name (``js/flow.js``), read once a process."""
    sources = {name: _bundle(parts) for name, parts in BUNDLES.items()}
    for path in sorted(STATIC_DIR.rglob("*")):
        name = path.relative_to(STATIC_DIR).as_posix()
        if path.suffix in _TYPES and path.suffix != ".css":
            sources[name] = path.read_bytes()
    return MappingProxyType({name: _asset(name, content) for name, content in sources.items()})


def static(name: str) -> str:
    """The address of an asset, for templates. KeyError when there is none of that name."""
    return assets()[name].url


def integrity(name: str) -> str:
    return assets()[name].integrity


def inline_css(name: str) -> Markup:
    """A bundle as text for a ``<style>`` element. It is our own file, and holds no ``</``."""
    text = assets()[name].plain.decode()
    if "</" in text:
        raise ValueError(f"{name} cannot stand inside a page")
    return Markup(text)  # noqa: S704  our own stylesheet, checked above


@get(URL_PREFIX + "{path:path}", include_in_schema=False, sync_to_thread=False, name="static")
def serve_static(request: Request[Any, Any, Any], path: FromPath[Path]) -> Response[bytes]:
    asset = _by_url().get(URL_PREFIX + path.as_posix().lstrip("/"))
    if asset is None:
        raise NotFoundException
    body, encoding = asset.encoded_for(request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return Response(body, headers=headers, media_type=asset.media_type or MediaType.TEXT)


@lru_cache(maxsize=1)
def _by_url() -> Mapping[str, Asset]:
    return {asset.url: asset for asset in assets().values()}


def _bundle(parts: tuple[str, ...]) -> bytes:
    return small_css("\n".join((STATIC_DIR / "css" / f"{part}.css").read_text() for part in parts)).encode()


def _asset(name: str, content: bytes) -> Asset:
    stem, _, suffix = name.rpartition(".")
    content_name = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
    return Asset(
        name=name,
        url=URL_PREFIX + content_name,
        integrity="sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode(),
        media_type=_TYPES["." + suffix],
        plain=content,
        by_gzip=gzip.compress(content, 9, mtime=0),
        by_brotli=brotli.compress(content, quality=11),
    )
