"""Details that a shopper types because nobody knows them: names, addresses, as a form brings them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from app.kernel.postcode import PostcodeRefused, parse_postcode
from app.web.shared.forms import FieldError, Form, one_line

# So that the summary of errors leads down the page.
ON_THE_PAGE: Final = ("name", "email", "street", "postcode", "city")
_EMAIL: Final = re.compile(r"[^@\s\"<>,;:\\()\[\]]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_LENGTHS: Final = {"name": 100, "email": 254, "street": 120, "city": 80}


def read_details(
    form: Form, asked: Collection[str], country: str, *, optional: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, FieldError]]:
    """What was typed into the fields that the page asks for, and what is wrong with it, by field. Other fields are not
    read; an `optional` one that was left empty is in neither. A postcode comes in the written form of `country`.
    """
    read: dict[str, str] = {}
    errors: dict[str, FieldError] = {}
    for field in sorted(asked, key=ON_THE_PAGE.index):
        value = one_line(form.value(field))
        if not value and field in optional:
            continue
        code = _wrong(field, value)
        if code is None and field == "postcode":
            try:
                value = parse_postcode(value, country)
            except PostcodeRefused as refusal:
                code = refusal.reason
        if code is not None:
            errors[field] = FieldError(code)
        read[field] = value
    return read, errors


def _wrong(field: str, value: str) -> str | None:
    if not value:
        return "empty"
    if len(value) > _LENGTHS.get(field, 120):
        return "too_long"
    if field == "email" and _EMAIL.fullmatch(value) is None:
        return "malformed"
    return None
