"""One answer for everything that goes wrong, in the shape that the asker reads."""

from __future__ import annotations

import re

import httpx
import pytest
from litestar import Litestar, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from app.kernel.errors import Refusal
from app.web.shared.errors import error_handler, refusal
from app.web.shared.security import Policy, Shield


class Busy(Refusal):
    code = "busy"
    resets_in_s = 42


class DatabaseAway(Exception):
    pass


@get(["/busy", "/api/busy"], sync_to_thread=False)
def busy() -> None:
    raise Busy


@get(["/away", "/api/away"], sync_to_thread=False)
def away() -> None:
    raise DatabaseAway


@get(["/bug", "/api/bug"], sync_to_thread=False)
def bug() -> None:
    raise ValueError("x=4711")


@get("/pay/{session:str}", sync_to_thread=False)
def unknown(session: FromPath[str]) -> None:
    raise NotFoundException(session)


def client() -> httpx.AsyncClient:
    handler = error_handler({Busy: 429, DatabaseAway: 503})
    app = Litestar([busy, away, bug, unknown], exception_handlers={Exception: handler}, openapi_config=None)
    shield = Shield(app, Policy(frozenset({"http://here"}), https=False), refusal)
    return httpx.AsyncClient(transport=httpx.ASGITransport(shield), base_url="http://here")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("busy", 429, "busy"), ("away", 503, "unavailable"), ("bug", 500, "internal_error")],
)
async def test_programs_get_a_problem_document(path: str, status: int, code: str) -> None:
    async with client() as program:
        answer = await program.get(f"/api/{path}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert answer.json()["status"] == status


async def test_a_waiting_time_is_told() -> None:
    async with client() as browser:
        assert (await browser.get("/busy")).headers["retry-after"] == "42"
        assert int((await browser.get("/away")).headers["retry-after"]) > 0


async def test_an_unexpected_failure_has_a_number_and_no_detail() -> None:
    async with client() as browser:
        answer = await browser.get("/bug")

    assert answer.status_code == 500
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}", answer.text)
    assert "4711" not in answer.text


async def test_htmx_gets_a_fragment_that_can_stand_in_the_step_s_place() -> None:
    async with client() as browser:
        answer = await browser.get("/pay/cs_x", headers={"HX-Request": "true"})

    assert answer.status_code == 404
    assert answer.text.lstrip().startswith('<section id="step"')
    assert "<html" not in answer.text
    assert "HX-Request" in answer.headers["vary"]


async def test_a_restore_of_history_gets_the_whole_page() -> None:
    async with client() as browser:
        answer = await browser.get(
            "/pay/cs_x", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"}
        )

    assert answer.text.startswith("<!doctype html>")


async def test_an_unknown_and_a_malformed_id_look_the_same_but_for_the_nonce() -> None:
    async with client() as browser:
        answers = [await browser.get(path) for path in ("/pay/cs_unknown", "/pay/%20'--", "/nothing/here")]

    assert len({re.sub(r'nonce="[^"]+"', "", answer.text) for answer in answers}) == 1
    assert len({(answer.status_code, answer.headers["cache-control"]) for answer in answers}) == 1


async def test_the_page_speaks_the_browser_s_language() -> None:
    async with client() as browser:
        answer = await browser.get("/missing", headers={"Accept-Language": "fi"})

    assert '<html lang="fi">' in answer.text
    assert "Tätä sivua ei ole" in answer.text


async def test_a_page_that_is_not_there_leads_to_the_purchase_or_to_where_one_came_from() -> None:
    came = {"Referer": "https://shop.example/basket?secret=1"}
    async with client() as browser:
        below = await browser.get("/pay/cs_1/nothing", headers=came)
        unknown_session = await browser.get("/pay/cs_1", headers=came)
        own = await browser.get("/pay/cs_1", headers={"Referer": "http://here/pay/cs_1"})
        script = await browser.get("/nothing", headers={"Referer": "javascript:alert(1)"})

    assert 'href="/pay/cs_1"' in below.text
    assert 'href="https://shop.example/"' in unknown_session.text
    assert "Back to shop.example" in unknown_session.text
    assert "secret" not in unknown_session.text
    assert 'class="button"' not in own.text
    assert 'class="button"' not in script.text


async def test_a_failure_leads_to_the_same_page_once_more() -> None:
    async with client() as browser:
        assert 'href="/bug"' in (await browser.get("/bug?x=1")).text
