"""Forms: from bytes to clean text fields, and back to the page with what was typed and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote_to_bytes

from app.kernel.typed import clean, one_line

__all__ = ["FIELDS_MAX", "FieldError", "Form", "FormRefused", "clean", "one_line", "parse", "parse_lists"]

FIELDS_MAX: Final = 100
VALUE_LENGTH_MAX: Final = 4_000
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}(\[\])?", re.ASCII)


class FormRefused(Exception):
    """The body is not a form that any page of ours sends; ``code`` says why. Answered with 400."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class FieldError:
    """A stable code, and the figures that the template needs to word it."""

    code: str
    data: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed (cleaned, else untouched) and what is wrong, by field name. An empty form is ``Form()``."""

    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    errors: Mapping[str, FieldError] = field(default_factory=lambda: MappingProxyType({}))

    def value(self, name: str, default: str | None = "") -> str:
        return self.values.get(name, default or "")

    def error(self, name: str) -> FieldError | None:
        return self.errors.get(name)

    def refused(self, **errors: FieldError) -> Form:
        return Form(self.values, MappingProxyType({**self.errors, **errors}))


def parse(body: bytes, *, fields_max: int = FIELDS_MAX) -> Form:
    """An ``application/x-www-form-urlencoded`` body as cleaned fields.

    Raises FormRefused: too_many_fields, duplicate_field, bad_field_name, not_utf8, nul, too_long.
    """
    fields = parse_lists(body, fields_max=fields_max)
    return Form(MappingProxyType({name: clean(values[0]) for name, values in fields.items()}))


def parse_lists(body: bytes, *, fields_max: int = FIELDS_MAX) -> dict[str, list[str]]:
    """As ``parse``, uncleaned, with every value. Only a name that ends in ``[]`` may come more than once."""
    pairs = [pair for pair in body.split(b"&") if pair]
    if len(pairs) > fields_max:
        raise FormRefused("too_many_fields")
    fields: dict[str, list[str]] = {}
    for pair in pairs:
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decoded(raw_name), _decoded(raw_value)
        if _NAME.fullmatch(name) is None:
            raise FormRefused("bad_field_name")
        if name in fields and not name.endswith("[]"):
            raise FormRefused("duplicate_field")
        if len(value) > VALUE_LENGTH_MAX:
            raise FormRefused("too_long")
        fields.setdefault(name, []).append(value)
    return fields


def _decoded(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise FormRefused("not_utf8") from None
    if "\0" in text:
        raise FormRefused("nul")
    return text
