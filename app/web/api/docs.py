"""The reference for developers: the OpenAPI document as a file, and as a page without any script."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from litestar import MediaType, Request, Response, get

from app.kernel import templating
from app.web.api import openapi
from app.web.api.keys import TheSettings
from app.web.shared.problems import Problem
from app.web.shared.rendering import nonce_of

_SHORT_CACHE = "public, max-age=300"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a shape as the page shows it."""

    name: str
    type: str
    required: bool
    note: str
    link: str


@dataclass(frozen=True, slots=True)
class ShapeSection:
    name: str
    description: str
    fields: tuple[FieldRow, ...]


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_document(settings: TheSettings) -> Response[bytes]:
    """OpenAPI 3.1."""
    headers = {"Cache-Control": _SHORT_CACHE}
    return Response(openapi.document(settings.base_url), media_type="application/json", headers=headers)


@get("/", include_in_schema=False, sync_to_thread=False)
def reference(request: Request[Any, Any, Any], settings: TheSettings) -> Response[str]:
    """The page at `/api`."""
    context = {
        "nonce": nonce_of(request.scope["state"]),
        "base_url": settings.base_url,
        "operations": openapi.OPERATIONS,
        "meanings": openapi.MEANINGS,
        "always": openapi.ALWAYS,
        "shapes": shape_sections(),
    }
    page = templating.render("api/reference.html", "en", context)
    return Response(
        page, media_type=MediaType.HTML, headers={"Cache-Control": "no-store", "Content-Language": "en"}
    )


@lru_cache(maxsize=1)
def shape_sections() -> tuple[ShapeSection, ...]:
    """Every shape of the document, requests first."""
    components = cast("dict[str, Any]", openapi.tree("")["components"])["schemas"]
    names = sorted(components, key=lambda name: (name == Problem.__name__, not name.startswith("New"), name))
    return tuple(_section(name, components[name]) for name in names)


def _section(name: str, schema: dict[str, Any]) -> ShapeSection:
    required = set(schema.get("required", ()))
    rows = tuple(
        _row(field, shape, required=field in required)
        for field, shape in schema.get("properties", {}).items()
    )
    return ShapeSection(name, str(schema.get("description", "")).split("\n\n", maxsplit=1)[0], rows)


def _row(name: str, shape: dict[str, Any], *, required: bool) -> FieldRow:
    link = _linked(shape)
    return FieldRow(name, _type_text(shape), required, _bounds(shape), link)


def _linked(shape: dict[str, Any]) -> str:
    """The name of the shape that this one holds, if any."""
    if "$ref" in shape:
        return str(shape["$ref"]).rpartition("/")[2]
    held = [shape["items"]] if isinstance(shape.get("items"), dict) else []
    for inner in (*held, *shape.get("anyOf", ())):
        if found := _linked(inner):
            return found
    return ""


def _type_text(shape: dict[str, Any]) -> str:
    if "$ref" in shape:
        return _linked(shape)
    if "anyOf" in shape:
        return " or ".join(_type_text(inner) for inner in shape["anyOf"])
    if "enum" in shape:
        return " | ".join(str(value) for value in shape["enum"])
    if shape.get("type") == "array":
        return f"list of {_type_text(shape.get('items') or {})}"
    return str(shape.get("format") or shape.get("type", "any value"))


def _bounds(shape: dict[str, Any]) -> str:
    """What the value is held to, in words."""
    parts = [str(shape["description"])] if "description" in shape else []
    for inner in (shape, *shape.get("anyOf", ())):
        low, high = inner.get("minimum"), inner.get("maximum")
        if low is not None and high is not None:
            parts.append(f"{low:,} to {high:,}.")
        if "maxLength" in inner:
            parts.append(f"At most {inner['maxLength']} characters.")
        if "maxItems" in inner:
            parts.append(f"{inner.get('minItems', 0)} to {inner['maxItems']} entries.")
    if shape.get("default") not in {None, ""} and not isinstance(shape.get("default"), dict):
        parts.append(f"Default {shape['default']}.")
    return " ".join(parts)
