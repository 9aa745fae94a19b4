"""Forms with a file in them are taken apart, whatever bytes they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.shared import uploads
from app.web.shared.forms import FormRefused
from app.web.shared.problems import RefusedRequest
from app.web.shared.security import UPLOAD_BODY_MAX, UPLOAD_PATH, Policy, body_limit, check_request

TYPE = "multipart/form-data; boundary=mark"


def body(*parts: tuple[str, bytes]) -> bytes:
    """Each part: what stands behind its `form-data`, and its contents."""
    written = b"".join(
        b"--mark\r\nContent-Disposition: form-data; " + said.encode() + b"\r\n\r\n" + data + b"\r\n"
        for said, data in parts
    )
    return written + b"--mark--\r\n"


def test_text_and_file_come_apart() -> None:
    sent = uploads.parse(
        body(
            ('name="key"', " a１ ".encode()),  # noqa: RUF001 - a full-width digit, as some keyboards type it
            (
                'name="file"; filename="C:\\shop\\Tilaukset é.csv"\r\nContent-Type: text/csv',
                b"a\r\n--b\xff\0",
            ),
        ),
        TYPE,
    )
    assert sent.form.value("key") == "a1"
    assert sent.files["file"] == uploads.File("Tilaukset é.csv", b"a\r\n--b\xff\0")


def test_a_file_field_without_a_choice_is_no_file() -> None:
    assert uploads.parse(body(('name="file"; filename=""', b"")), TYPE).files == {}


def test_a_long_field_keeps_its_lines_and_signs() -> None:
    text = "a;b\r\n" * 10_000
    sent = uploads.parse(body(('name="rows"', text.encode())), TYPE, long=frozenset({"rows"}))
    assert sent.long["rows"] == text


def test_a_boundary_may_be_quoted() -> None:
    assert (
        uploads.parse(body(('name="a"', b"1")), 'multipart/form-data; boundary="mark"').form.value("a") == "1"
    )


@pytest.mark.parametrize(
    ("sent", "content_type", "code"),
    [
        (b"", "multipart/form-data", "no_boundary"),
        (b"", TYPE, "bad_multipart"),
        (b'--mark\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', TYPE, "bad_multipart"),
        (b"--mark\r\nno head\r\n--mark--", TYPE, "bad_multipart"),
        (body(('name="a b"', b"1")), TYPE, "bad_field_name"),
        (body(("", b"1")), TYPE, "bad_field_name"),
        (body(('name="a"', b"1"), ('name="a"', b"2")), TYPE, "duplicate_field"),
        (body(('name="a"', b"\xff")), TYPE, "not_utf8"),
        (body(('name="a"', b"\0")), TYPE, "nul"),
        (body(('name="a"', b"x" * 4_001)), TYPE, "too_long"),
        (body(*((f'name="a{n}"', b"1") for n in range(40))), TYPE, "too_many_fields"),
    ],
)
def test_what_is_no_form_is_refused(sent: bytes, content_type: str, code: str) -> None:
    with pytest.raises(FormRefused) as refused:
        uploads.parse(sent, content_type)
    assert refused.value.code == code


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        uploads.parse(b"--mark\r\n" + data + b"\r\n--mark--", TYPE)
    except FormRefused:
        return


HERE = {"sec-fetch-site": "same-origin", "content-type": TYPE}
POLICY = Policy(frozenset({"http://localhost"}), https=False)


def test_files_are_taken_at_one_address_alone() -> None:
    check_request("POST", UPLOAD_PATH, HERE, POLICY)
    for path in ("/admin/orders/new", f"{UPLOAD_PATH}/imp_1/start", "/pay/cs_1"):
        with pytest.raises(RefusedRequest) as refused:
            check_request("POST", path, HERE, POLICY)
        assert refused.value.status == 415
        assert body_limit(path) < 64 * 1024


def test_a_file_comes_from_a_page_of_ours_and_has_an_end() -> None:
    with pytest.raises(RefusedRequest) as elsewhere:
        check_request("POST", UPLOAD_PATH, HERE | {"sec-fetch-site": "cross-site"}, POLICY)
    assert elsewhere.value.status == 403
    with pytest.raises(RefusedRequest) as endless:
        check_request("POST", UPLOAD_PATH, HERE | {"content-length": str(UPLOAD_BODY_MAX + 1)}, POLICY)
    assert endless.value.status == 413
