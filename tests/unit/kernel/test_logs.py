"""Log lines are JSON, and nobody can be found in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import asyncpg
import pytest
import structlog

from app.kernel import logs


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    stream = io.BytesIO()
    handlers = logging.getLogger().handlers[:]
    logs.configure(stream)
    yield stream
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers


def last(stream: io.BytesIO) -> dict[str, object]:
    line: dict[str, object] = json.loads(stream.getvalue().splitlines()[-1])
    return line


@pytest.mark.parametrize(
    "text",
    [
        "+358401234567",
        "called +358401234567 twice",
        "aino.virta@example.com",
        "010590-903L",
        "sk_test_abcDEF-123_x",
        "whsec_QUJD/REVG+w==",
    ],
)
def test_what_looks_personal_or_secret_is_masked_in_any_value(lines: io.BytesIO, text: str) -> None:
    structlog.get_logger("t").info("event", detail=text)
    assert text not in lines.getvalue().decode()
    assert logs.MASK in str(last(lines)["detail"])


@pytest.mark.parametrize("key", ["code", "phone", "token", "password", "body", "cookie", "authorization"])
def test_values_under_a_secrets_name_are_dropped(lines: io.BytesIO, key: str) -> None:
    structlog.get_logger("t").info("event", **{key: "493827"})
    assert last(lines)[key] == logs.MASK


def test_where_a_payment_link_leads_is_masked_and_that_it_is_one_stays(lines: io.BytesIO) -> None:
    structlog.get_logger("t").info(
        "event", detail="GET https://pay.example/link/abcDEF-123_x?lang=fi went wrong"
    )
    assert last(lines)["detail"] == f"GET https://pay.example/link/{logs.MASK}?lang=fi went wrong"


def test_what_opens_an_insurance_is_masked_in_every_text(lines: io.BytesIO) -> None:
    for place in ("insured", "subscribed"):
        structlog.get_logger("t").info("event", detail=f"POST /{place}/k1.abc_-9.DEF went wrong")
        assert last(lines)["detail"] == f"POST /{place}/{logs.MASK} went wrong"


def test_a_line_has_its_event_level_and_utc_time(lines: io.BytesIO) -> None:
    structlog.get_logger("t").warning("limit_reached", scope="code.phone.day")
    line = last(lines)
    assert (line["event"], line["level"], line["scope"]) == ("limit_reached", "warning", "code.phone.day")
    assert str(line["timestamp"]).endswith("Z")


def test_packages_join_the_same_lines_from_warnings_up(lines: io.BytesIO) -> None:
    logging.getLogger("some.package").info("GET https://x.example/secret")
    assert lines.getvalue() == b""
    logging.getLogger("some.package").warning("went wrong for %s", "a@b.example")
    assert last(lines)["event"] == f"went wrong for {logs.MASK}"


def test_the_row_that_the_database_refused_is_not_in_the_line_that_tells_of_it(lines: io.BytesIO) -> None:
    refused = asyncpg.CheckViolationError("new row violates a constraint")
    refused.detail = "Failing row contains (1, Aino\nVirta, Puistokatu 12)."
    refused.hint = "look at the constraint"
    try:
        try:
            raise refused
        except asyncpg.CheckViolationError as error:
            raise RuntimeError("the job failed") from error
    except RuntimeError:
        structlog.get_logger("t").exception("job_failed")
    told = str(last(lines)["exception"])
    assert "Aino" not in told
    assert "Virta" not in told
    assert "Puistokatu" not in told
    for said in ("new row violates a constraint", "look at the constraint", "the job failed"):
        assert said in told
