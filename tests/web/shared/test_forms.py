"""From bytes to clean fields, or a refusal with a name."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.shared.forms import (
    FIELDS_MAX,
    VALUE_LENGTH_MAX,
    FieldError,
    Form,
    FormRefused,
    clean,
    one_line,
    parse,
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"a=1&a=1", "duplicate_field"),
        (b"&".join(b"f%d=" % n for n in range(FIELDS_MAX + 1)), "too_many_fields"),
        (b"a=%00", "nul"),
        (b"a%00=1", "nul"),
        (b"a=%ff%fe", "not_utf8"),
        (b"a=%ed%a0%80", "not_utf8"),
        (b"=1", "bad_field_name"),
        (b"a b=1", "bad_field_name"),
        (b"a=" + b"x" * (VALUE_LENGTH_MAX + 1), "too_long"),
    ],
)
def test_what_no_form_of_ours_sends_is_refused_by_name(body: bytes, code: str) -> None:
    with pytest.raises(FormRefused) as refused:
        parse(body)

    assert refused.value.code == code


def test_a_list_may_come_more_than_once() -> None:
    assert parse(b"methods[]=a&methods[]=b").value("methods[]") == "a"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Aino  ", "Aino"),
        ("\uff10\uff14\uff10", "040"),
        ("A\u202eB\u200bC\ufeff", "ABC"),
        ("a\tb\x07", "ab"),
        ("one\r\ntwo", "one\ntwo"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("e\u0301", "é"),
        ("<script>", "<script>"),
    ],
)
def test_text_is_normalised_and_rid_of_what_cannot_be_seen(typed: str, kept: str) -> None:
    assert clean(typed) == kept


def test_one_line_holds_single_spaces() -> None:
    assert one_line("a\n b \u00a0 c") == "a b c"


@given(st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\Z"), st.text(max_size=50), max_size=10))
def test_any_form_is_read_or_refused_and_never_fails(fields: dict[str, str]) -> None:
    body = urlencode(fields, errors="replace").encode()
    if any("\0" in value for value in fields.values()):
        with pytest.raises(FormRefused, match="nul"):
            parse(body)
    else:
        assert parse(body).values.keys() == fields.keys()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(FormRefused):
        parse(body)


def test_a_form_keeps_what_was_typed_beside_what_is_wrong() -> None:
    form = parse(b"phone=hello").refused(phone=FieldError("malformed"))

    assert form.value("phone") == "hello"
    assert form.error("phone") == FieldError("malformed")
    assert form.error("postcode") is None


def test_a_default_is_shown_only_where_nothing_was_typed() -> None:
    assert Form({"city": ""}).value("city", "Turku") == ""
    assert Form().value("city", "Turku") == "Turku"
    assert Form().value("city", None) == ""
