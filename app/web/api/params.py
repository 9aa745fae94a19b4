"""Query parameters of lists: known names, each at most once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from app.web.api.problems import InputRefused

if TYPE_CHECKING:
    from litestar import Request

LIMIT_MAX: Final = 100
LIMIT_DEFAULT: Final = 50
TEXT_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class ListParams:
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    others: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def list_params(request: Request[Any, Any, Any], *others: str) -> ListParams:
    """`limit`, `cursor` and the named others. Raises InputRefused (400): unknown, repeated, unusable."""
    given = _parse(request.scope["query_string"], {"limit", "cursor", *others})
    return ListParams(
        limit=_limit(given.pop("limit", None)),
        cursor=given.pop("cursor", None),
        others=MappingProxyType(given),
    )


def _parse(query: bytes, known: set[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in filter(None, query.split(b"&")):
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        if name not in known:
            raise InputRefused(
                400, "unknown_parameter", detail=f"Known parameters: {', '.join(sorted(known))}."
            )
        if name in given:
            raise InputRefused(400, "repeated_parameter", detail=f"{name} may stand once.")
        if len(value) > TEXT_MAX:
            raise bad_parameter(name)
        given[name] = value
    return given


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT_DEFAULT
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= LIMIT_MAX):
        raise bad_parameter("limit")
    return int(text)


def bad_parameter(name: str) -> InputRefused:
    return InputRefused(400, "bad_parameter", detail=f"{name} has a value that cannot be used.")


def _decoded(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise InputRefused(400, "not_utf8") from None
    if "\0" in text:
        raise InputRefused(400, "nul")
    return text
