"""From the bytes of a request to a checked struct. Nothing here can end in a 500, whatever the bytes are.

The order matters: size and type first, then UTF-8, then depth (counted on the text, before any parser descends),
then a parse that keeps what parsers usually lose (a name that stands twice), and only then the decoding into the
struct, which is strict: no float for an integer, no text for a number, no unknown field.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from app.web.api.problems import InputRefused, fault, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar import Request

    from app.web.shared.problems import FieldProblem

BODY_MAX_BYTES: Final = 64 * 1024
DEPTH_MAX: Final = 32

T = TypeVar("T")

_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_CONTENT_TYPE: Final = re.compile(r'application/json\s*(?:;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
_PATH_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]|\[\.\.\.\]")
_NAMED_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(\w+)`")


@dataclass(frozen=True, slots=True)
class _Object:
    """An object as it stands in the text: its names in order, doubles included."""

    pairs: list[tuple[str, Any]]


async def read(request: Request[Any, Any, Any], shape: type[T]) -> tuple[T, bytes]:
    """The body as `shape`, and its bytes. Raises InputRefused (400, 413, 415, 422)."""
    if not _CONTENT_TYPE.fullmatch(request.headers.get("content-type", "").strip()):
        raise InputRefused(415, "unsupported_media_type", detail="Send Content-Type: application/json.")
    body = await request.body()
    return decode(body, shape), body


def decode(body: bytes, shape: type[T]) -> T:
    """As `read`, from bytes alone. Raises InputRefused (400, 413, 422)."""
    if len(body) > BODY_MAX_BYTES:
        raise InputRefused(413, "body_too_large")
    _check_text(_text(body))
    try:
        return msgspec.json.decode(body, type=shape, strict=True)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed() from None


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise InputRefused(400, "not_utf8", detail="The body is not UTF-8.") from None


def _check_text(text: str) -> None:
    depth = 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise InputRefused(400, "too_deep", detail=f"Nothing may nest more than {DEPTH_MAX} deep.")
        elif token[0] in "]}":
            depth -= 1
    try:
        # Numbers are judged by the strict decoding below; a number of a million digits must cost nothing here.
        tree = json.loads(
            text, object_pairs_hook=_Object, parse_int=len, parse_float=len, parse_constant=_refuse_constant
        )
    except ValueError:
        raise _malformed() from None
    faults = list(_faults(tree, ""))
    if faults:
        raise InputRefused(400, "malformed_json", faults)


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _malformed() -> InputRefused:
    return InputRefused(400, "malformed_json", detail="The body is not JSON.")


def _faults(value: object, pointer: str) -> Iterator[FieldProblem]:
    """What JSON allows and this API does not. The depth was checked before, so this may call itself."""
    if isinstance(value, str):
        if code := _fault_of_text(value):
            yield fault(pointer, code)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, f"{pointer}/{index}")
    elif isinstance(value, _Object):
        known: set[str] = set()
        for name, item in value.pairs:
            if code := _fault_of_text(name):
                # A name that cannot be written cannot be pointed at either.
                yield fault(pointer, code)
                continue
            place = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name in known:
                yield fault(place, "duplicate_key")
            known.add(name)
            yield from _faults(item, place)


def _fault_of_text(text: str) -> str | None:
    if "\0" in text:
        return "nul"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "lone_surrogate"
    return None


def _refusal(message: str) -> InputRefused:
    """msgspec's sentence ("Expected `int`, got `str` - at `$.lines[0].quantity`") as a pointer and a code."""
    said, _, path = message.partition(" - at `")
    steps = _PATH_STEP.finditer(path.removeprefix("$").removesuffix("`"))
    pointer = "".join(f"/{step[1] or step[2]}" for step in steps if step[1] or step[2])
    named = _NAMED_FIELD.match(said)
    if named is not None and named[1] == "contains unknown":
        return InputRefused(400, "unknown_field", (fault(f"{pointer}/{named[2]}", "unknown_field"),))
    if named is not None:
        return invalid(fault(f"{pointer}/{named[2]}", "missing"))
    return invalid(fault(pointer, _code(said)))


def _code(said: str) -> str:
    if "of length" in said:
        return "length"
    if "matching regex" in said:
        return "malformed"
    if said.startswith("Invalid enum value"):
        return "unknown_value"
    return "wrong_type" if ", got " in said else "out_of_range"
