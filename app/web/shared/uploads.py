"""Forms with a file in them (`multipart/form-data`, RFC 7578). Pure.

The body is whole and small enough to be in memory: `security` lets no larger one in. Written out because what is wrong
in a body must be told as a refusal of ours, whatever bytes it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from app.web.shared.forms import Form, FormRefused, clean, one_line

MEDIA_TYPE: Final = "multipart/form-data"
PARTS_MAX: Final = 20
FILE_NAME_LENGTH_MAX: Final = 100

_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))', re.IGNORECASE)
_NAME: Final = re.compile(r';\s*name="([A-Za-z0-9_.:-]{1,64})"', re.IGNORECASE | re.ASCII)
_FILE_NAME: Final = re.compile(r';\s*filename="([^"\r\n]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """What was chosen in a file field: the name it had there, without folders, and its bytes."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """The text fields, cleaned, as any form's; the long ones as they came; and the files that were chosen."""

    form: Form
    long: Mapping[str, str] = field(repr=False)
    files: Mapping[str, File] = field(repr=False)


def parse(body: bytes, content_type: str, *, long: frozenset[str] = frozenset()) -> Sent:
    """A body as its fields. Those named in `long` keep every sign and may be as large as the body.

    Raises FormRefused: no_boundary, bad_multipart, too_many_fields, bad_field_name, duplicate_field, not_utf8, nul,
    too_long.
    """
    fields: dict[str, str] = {}
    kept: dict[str, str] = {}
    files: dict[str, File] = {}
    for part in _parts(body, content_type):
        head, found, data = part.partition(b"\r\n\r\n")
        if not found:
            raise FormRefused("bad_multipart")
        name, file_name = _named(head)
        if name in fields or name in kept or name in files:
            raise FormRefused("duplicate_field")
        if file_name is not None:
            # A file field in which nothing was chosen is sent without a name and without contents.
            if file_name or data:
                files[name] = File(file_name, data)
        elif name in long:
            kept[name] = _text(data)
        else:
            text = _text(data)
            if len(text) > 4_000:
                raise FormRefused("too_long")
            fields[name] = clean(text)
    return Sent(Form(MappingProxyType(fields)), kept, files)


def _parts(body: bytes, content_type: str) -> list[bytes]:
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise FormRefused("no_boundary")
    mark = b"--" + (match[1] or match[2]).encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark, PARTS_MAX + 2)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise FormRefused("too_many_fields" if len(pieces) > PARTS_MAX + 2 else "bad_multipart")
    # Before the first mark stands nothing that matters; after each follows the end of its line.
    return [piece.removeprefix(b"\r\n") for piece in pieces[1:-1]]


def _named(head: bytes) -> tuple[str, str | None]:
    lines = head.decode("utf-8", "replace").split("\r\n")
    said = next((line for line in lines if line.lower().startswith("content-disposition:")), "")
    name = _NAME.search(said)
    if name is None:
        raise FormRefused("bad_field_name")
    file_name = _FILE_NAME.search(said)
    if file_name is None:
        return name[1], None
    last = re.split(r"[/\\]", file_name[1])[-1]
    return name[1], one_line(clean(last))[:FILE_NAME_LENGTH_MAX]


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FormRefused("not_utf8") from None
    if "\0" in text:
        raise FormRefused("nul")
    return text
