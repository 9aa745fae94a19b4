"""Out to the bank and back: whatever comes of it, the shopper stands on step 2 with a plain sentence and other ways on,
and nothing that was chosen or typed is lost."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import structlog
from litestar.types import ASGIApp

from app import doors
from app.kernel import clock, db, logs
from app.main import build
from app.outside.bank import Bank
from app.outside.bank_profiles import read_profile
from app.web.shopper import bank as bank_pages
from tests.factories.checkout import PHONE, a_merchant, a_session
from tests.support.bank_logins import a_bank
from tests.support.oidc import ScriptedProvider, Told, told_json
from tests.support.pages import browser, settings_in
from tests.support.sandbox_bank import Page
from tests.web.shopper.test_offers import a_basket, a_shop_in

LOST = "We lost track of your visit to the bank"
TURNED_BACK = "You came back from your bank before you were done."
NOT_CONFIRMED = "Your bank could not confirm who you are."
TOO_LONG = "The visit to your bank took too long."
UNREACHABLE = "Your bank cannot be reached right now."
ANOTHER = "Your bank named another person than the one who began this purchase."


@dataclass
class House:
    """The product in one process, and the provider behind its bank link."""

    app: ASGIApp
    provider: ScriptedProvider
    bank: Bank
    visitors: list[httpx.AsyncClient] = field(default_factory=list)

    def visitor(self) -> httpx.AsyncClient:
        self.visitors.append(browser(self.app))
        return self.visitors[-1]


@pytest.fixture
async def house(db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    provider = ScriptedProvider(now=clock.wall)
    bank = a_bank(provider)
    monkeypatch.setattr(doors, "banks", lambda settings: {"FI": bank})
    house = House(build(settings_in(tmp_path, db)), provider, bank)
    yield house
    for visitor in house.visitors:
        await visitor.aclose()


async def at_step_two(visitor: httpx.AsyncClient, session: str) -> None:
    answer = await visitor.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
    assert answer.headers["location"] == f"/pay/{session}/identify", answer.text


async def a_visit(house: House) -> tuple[httpx.AsyncClient, str]:
    """A browser on step 2 of a session of its own."""
    visitor, session = house.visitor(), await a_session(await a_merchant())
    await at_step_two(visitor, session)
    return visitor, session


async def out(house: House, visitor: httpx.AsyncClient, session: str) -> dict[str, str]:
    """To the bank; what the bank would send back."""
    away = await visitor.get(f"/pay/{session}/bank")
    assert away.status_code == 303, away.text
    return house.provider.visited(away.headers["location"])


async def back(visitor: httpx.AsyncClient, brought: dict[str, str]) -> httpx.Response:
    landing = await visitor.get("/bank/return", params=brought)
    assert landing.status_code == 200, landing.text
    return await visitor.post("/bank/return", data=Page(landing.text).hidden)


async def stands_on_step_two(answer: httpx.Response, session: str, sentence: str, status: int) -> None:
    """The sentence, both other ways on, and everything as it was."""
    assert answer.status_code == status, answer.text
    assert "Who is paying?" in answer.text
    assert sentence in answer.text
    assert f'href="/pay/{session}/bank"' in answer.text
    assert "Send code" in answer.text
    assert PHONE in answer.text, "what the shop passed is still filled in"
    row = await db.fetch_one(
        "SELECT state, customer_id, quote_id FROM checkout_sessions WHERE public_id = $1", session
    )
    assert row is not None
    assert (row["state"], row["customer_id"]) == ("open", None)
    assert row["quote_id"] is not None
    assert await db.fetch_value("SELECT count(*) FROM customers") == 0


async def test_a_person_whom_the_bank_names_goes_on(house: House) -> None:
    visitor, session = await a_visit(house)
    answer = await back(visitor, await out(house, visitor, session))
    assert answer.status_code == 303, answer.text
    assert await db.fetch_value("SELECT name FROM customers") == "Maija Meikäläinen"
    sealed = await db.fetch_value("SELECT national_number FROM verified_identities")
    assert b"952K" not in sealed


async def test_turning_back_at_the_bank_leads_to_step_two(house: House) -> None:
    visitor, session = await a_visit(house)
    brought = await out(house, visitor, session) | {"error": "access_denied"}
    await stands_on_step_two(await back(visitor, brought), session, TURNED_BACK, 200)


@pytest.mark.parametrize("error", ["login_required", "unmet_authentication_requirements", "<script>"])
async def test_a_failed_login_leads_to_step_two(house: House, error: str) -> None:
    visitor, session = await a_visit(house)
    answer = await back(visitor, await out(house, visitor, session) | {"error": error})
    await stands_on_step_two(answer, session, NOT_CONFIRMED, 422)
    assert "<script>" not in answer.text.replace("<script ", "")


async def test_a_token_that_proves_nothing_leads_to_step_two(house: House) -> None:
    house.provider.change = {"acr": "urn:weak:password"}
    visitor, session = await a_visit(house)
    answer = await back(visitor, await out(house, visitor, session))
    await stands_on_step_two(answer, session, NOT_CONFIRMED, 422)
    assert "token_acr" not in answer.text, "the rule that broke is for the log"


async def test_a_visit_of_more_than_ten_minutes_leads_to_step_two(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, session = await a_visit(house)
    brought = await out(house, visitor, session)
    later = clock.wall() + timedelta(seconds=601)
    monkeypatch.setattr(clock, "wall", lambda: later)
    await stands_on_step_two(await back(visitor, brought), session, TOO_LONG, 422)


async def test_a_bank_that_is_down_leaves_the_other_ways(house: House) -> None:
    house.provider.instead["/.well-known/openid-configuration"] = Told(500)
    visitor, session = await a_visit(house)
    await stands_on_step_two(await visitor.get(f"/pay/{session}/bank"), session, UNREACHABLE, 503)


@pytest.mark.parametrize(
    "told",
    [
        Told(500),
        Told(200, b"<html>maintenance</html>"),
        Told(200, b"{}"),
        Told(302, headers=((b"location", b"https://evil.example/"),)),
        told_json({"error": "invalid_client"}, 401),
    ],
)
async def test_a_bank_that_answers_garbage_when_the_shopper_returns_leaves_the_other_ways(
    house: House, told: Told
) -> None:
    house.provider.instead["/token"] = told
    visitor, session = await a_visit(house)
    answer = await back(visitor, await out(house, visitor, session))
    wanted = (NOT_CONFIRMED, 422) if told.body == b"{}" else (UNREACHABLE, 503)
    await stands_on_step_two(answer, session, *wanted)


@pytest.mark.parametrize("path", ["/par", "/token"])
async def test_a_bank_that_never_answers_is_waited_for_only_so_long(
    house: House, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.provider.silent = frozenset({path})
    visitor, session = await a_visit(house)
    brought = await out(house, visitor, session) if path == "/token" else {}
    # Five seconds in the product; the rule is the same.
    monkeypatch.setattr(house.bank, "_total_timeout_s", 0.05)
    answer = await (back(visitor, brought) if brought else visitor.get(f"/pay/{session}/bank"))
    await stands_on_step_two(answer, session, UNREACHABLE, 503)


async def test_after_a_failure_the_next_try_succeeds(house: House) -> None:
    visitor, session = await a_visit(house)
    await back(visitor, await out(house, visitor, session) | {"error": "server_error"})
    answer = await back(visitor, await out(house, visitor, session))
    assert answer.status_code == 303, answer.text


# --- Other browsers, other people ---


async def test_an_answer_that_another_browser_brings_identifies_nobody(house: House) -> None:
    visitor, session = await a_visit(house)
    brought = await out(house, visitor, session)
    answer = await back(house.visitor(), brought)
    assert answer.status_code == 404
    assert LOST in answer.text
    assert await db.fetch_value("SELECT count(*) FROM customers") == 0


async def test_an_answer_of_another_login_under_way_identifies_nobody(house: House) -> None:
    victim, session = await a_visit(house)
    stolen = await out(house, victim, session)
    thief, own = await a_visit(house)
    await out(house, thief, own)
    answer = await back(thief, stolen)
    assert answer.status_code == 422
    assert NOT_CONFIRMED in answer.text
    assert await db.fetch_value("SELECT count(*) FROM customers") == 0


async def test_an_answer_works_once(house: House) -> None:
    visitor, session = await a_visit(house)
    brought = await out(house, visitor, session)
    assert (await back(visitor, brought)).status_code == 303
    again = await back(visitor, brought)
    assert LOST in again.text


async def test_the_newest_of_two_visits_begun_in_one_browser_counts(house: House) -> None:
    visitor, session = await a_visit(house)
    older = await out(house, visitor, session)
    newer = await out(house, visitor, session)
    assert older["state"] != newer["state"]
    assert NOT_CONFIRMED in (await back(visitor, older)).text


async def test_another_person_in_a_second_browser_changes_nothing(house: House) -> None:
    first, session = await a_visit(house)
    await back(first, await out(house, first, session))
    before = await db.fetch_one("SELECT customer_id, browser_id, phone FROM checkout_sessions")
    second = house.visitor()
    house.provider.change = {"sub": "person-2"}
    house.provider.userinfo_change = {"sub": "person-2", "name": "Matti Toinen"}
    answer = await back(second, await out(house, second, session))
    assert answer.status_code == 422
    assert ANOTHER in answer.text
    assert "Maija" not in answer.text
    assert await db.fetch_one("SELECT customer_id, browser_id, phone FROM checkout_sessions") == before
    assert await db.fetch_value("SELECT count(*) FROM customers") == 1


async def test_the_same_person_may_go_on_in_a_second_browser(house: House) -> None:
    first, session = await a_visit(house)
    await back(first, await out(house, first, session))
    second = house.visitor()
    answer = await back(second, await out(house, second, session))
    assert answer.status_code == 303, answer.text


# --- Countries, and what is published ---


async def test_a_country_without_a_bank_has_no_link_to_one(house: House) -> None:
    merchant = await a_shop_in("SE", "SEK")
    visitor, session = house.visitor(), await a_basket(merchant, 900_00)
    await at_step_two(visitor, session)
    assert "Identify with my bank" not in (await visitor.get(f"/pay/{session}/identify")).text
    answer = await visitor.get(f"/pay/{session}/bank")
    assert answer.headers["location"] == f"/pay/{session}/identify"


async def test_the_country_of_the_session_chooses_the_bank_and_mitid_is_told_what_is_paid(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = ScriptedProvider(now=clock.wall)
    banks = {"DK": a_bank(provider, read_profile("DK"))}
    monkeypatch.setattr(doors, "banks", lambda settings: banks)
    async with browser(build(settings_in(tmp_path, db))) as visitor:
        session = await a_basket(await a_shop_in("DK", "DKK"), 900_00)
        await at_step_two(visitor, session)
        away = await visitor.get(f"/pay/{session}/bank")
    asked = provider.request_in(away.headers["location"])
    assert "mitid" in asked["acr_values"]
    assert asked["login_hint"].startswith("message:")


async def test_the_keys_that_banks_know_us_by_are_published(house: House) -> None:
    answer = await house.visitor().get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "max-age=3600" in answer.headers["cache-control"]
    assert [key["use"] for key in answer.json()["keys"]] == ["sig", "enc"]
    assert "set-cookie" not in answer.headers


async def test_no_secret_of_a_login_reaches_an_address_or_a_log(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    logs.configure(written)
    monkeypatch.setattr(bank_pages, "_log", structlog.get_logger("web.bank"))
    house.provider.change = {"acr": "urn:weak:password"}
    visitor, session = await a_visit(house)
    away = await visitor.get(f"/pay/{session}/bank")
    brought = house.provider.visited(away.headers["location"])
    await back(visitor, brought)
    logged = written.getvalue().decode()
    assert "bank_login_refused" in logged
    assert "token_acr" in logged
    for secret in (brought["state"], brought["code"], house.provider.nonce, "952K", "Maija"):
        assert secret not in logged
        assert secret not in away.headers["location"]
