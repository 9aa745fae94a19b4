"""Signing in to see what is one's own: whose the session is, what ends it, and what a stranger learns (nothing)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar.types import ASGIApp

from app import doors
from app.identity.account_queries import open_sessions_of
from app.identity.actions import account, passkeys
from app.kernel import clock, db
from app.kernel.keys import process_keyring
from app.main import build
from app.web.shopper import account_sign_in as pages
from tests.factories.checkout import PHONE, POSTCODE, a_known_person, a_merchant
from tests.factories.passkeys import a_saved_passkey
from tests.support.authenticator import Device
from tests.support.bank_logins import a_bank
from tests.support.oidc import ScriptedProvider
from tests.support.pages import browser, settings_in
from tests.support.sandbox_bank import Page
from tests.web.shopper.test_flow import HTMX, the_code

COOKIE = "kolme_customer"
ASKED = {"phone": PHONE, "postcode": POSTCODE, "next": "/purchases"}


@asynccontextmanager
async def another(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser in front of the same product."""
    async with browser(client._transport.app) as other:  # type: ignore[attr-defined]
        yield other


def plant(client: httpx.AsyncClient, value: str) -> None:
    """As the browser itself would hold it: in place of what was there."""
    client.cookies.set(COOKIE, value, domain="localhost.local")


async def ask(client: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await client.post("/account/code", data={**ASKED, **form})


async def type_in(client: httpx.AsyncClient, code: str, **form: str) -> httpx.Response:
    return await client.post("/account/sign-in", data={"code": code, "next": "/purchases", **form})


async def sign_in(client: httpx.AsyncClient) -> None:
    """By a code, as somebody whom a bank has named once. The clock is moved past the minute between two codes."""
    await client.get("/account")
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope = 'code.phone.minute'"))
    assert (await ask(client)).status_code == 303
    answer = await type_in(client, await the_code())
    assert (answer.status_code, answer.headers.get("location")) == (303, "/purchases"), answer.text


async def is_signed_in(client: httpx.AsyncClient) -> bool:
    return "Your account" in (await client.get("/account")).text


async def sessions() -> int:
    count = await db.fetch_value("SELECT count(*) FROM customer_sessions")
    assert isinstance(count, int)
    return count


@pytest.fixture
async def person(client: httpx.AsyncClient) -> None:
    del client  # It opens the database.
    await a_merchant()
    await a_known_person()


@pytest.mark.usefixtures("person")
async def test_a_code_with_the_postcode_signs_in_without_javascript(client: httpx.AsyncClient) -> None:
    page = await client.get("/account?next=/purchases")
    assert page.headers["cache-control"] == "no-store"
    answer = await ask(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?next=/purchases")
    assert "Code from the SMS" in (await client.get(answer.headers["location"])).text
    answer = await type_in(client, await the_code())
    assert (answer.status_code, answer.headers["location"]) == (303, "/purchases")
    assert await is_signed_in(client)


@pytest.mark.usefixtures("person")
async def test_the_message_says_what_the_code_is_for_and_that_nothing_is_paid(
    client: httpx.AsyncClient,
) -> None:
    await ask(client)
    text = await db.fetch_value("SELECT body FROM sandbox_messages")
    assert "see your purchases and wallet" in text
    assert "Nothing is paid with it" in text
    assert re.search(r"@localhost #\d{6}$", text)


@pytest.mark.usefixtures("person")
async def test_a_known_and_an_unknown_phone_get_the_same_bytes(client: httpx.AsyncClient) -> None:
    """Before the code, and after a right one that recognises nobody by its postcode."""
    seen = []
    for phone, postcode in ((PHONE, "00200"), ("+358480000999", POSTCODE)):
        async with another(client) as visitor:
            await visitor.get("/account")
            with db.counting() as counts:
                answer = await visitor.post(
                    "/account/code", data={**ASKED, "phone": phone, "postcode": postcode}, headers=HTMX
                )
            told = await visitor.post("/account/sign-in", data={"code": await the_code()}, headers=HTMX)
            assert "Your phone is confirmed, but" in told.text
            seen.append(
                (answer.status_code, bare(answer.text, phone), counts.queries, bare(told.text, phone))
            )
            assert not await is_signed_in(visitor)
    assert seen[0] == seen[1]
    assert await sessions() == 0


def bare(page: str, phone: str) -> str:
    """Without what differs by itself: the nonce, what was typed, the end of the number."""
    page = re.sub(r'nonce="[^"]*"', "", page)
    page = re.sub(r'name="(phone|postcode)" type="\w+" value="[^"]*"', "", page)
    return page.replace(phone[-4:], "####")


@pytest.mark.usefixtures("person")
async def test_a_phone_proves_no_person_where_the_postcode_is_another(client: httpx.AsyncClient) -> None:
    await ask(client, postcode="00200")
    answer = await type_in(client, await the_code())
    assert answer.status_code == 422
    assert "Aino" not in answer.text
    assert not await is_signed_in(client)


@pytest.mark.usefixtures("person")
async def test_a_code_of_one_browser_is_worth_nothing_in_another(client: httpx.AsyncClient) -> None:
    await ask(client)
    code = await the_code()
    async with another(client) as visitor:
        assert "tried too many times" in (await type_in(visitor, code)).text
        await visitor.post("/account/code", data={**ASKED, "phone": "+358480000999"})
        assert (await type_in(visitor, code)).status_code == 422
    assert await sessions() == 0


@pytest.mark.usefixtures("person")
async def test_a_wrong_code_tells_the_tries_left_and_five_are_all(client: httpx.AsyncClient) -> None:
    await ask(client)
    wrong = "000000" if await the_code() != "000000" else "111111"
    assert "You have 4 tries left" in (await type_in(client, wrong)).text
    answers = [await type_in(client, wrong) for _ in range(4)]
    assert "tried too many times" in answers[-1].text
    assert "tried too many times" in (await type_in(client, await the_code())).text


@pytest.mark.usefixtures("person")
async def test_a_cookie_that_was_planted_is_never_adopted(client: httpx.AsyncClient) -> None:
    """Neither a made-up one nor somebody else's: whoever signs in gets a secret that nobody has had."""
    async with another(client) as attacker:
        await sign_in(attacker)
        planted = attacker.cookies[COOKIE]
        plant(client, planted)
        await sign_in(client)
        assert client.cookies[COOKIE] != planted
        assert not await is_signed_in(attacker), "the one that was planted ended"
    for made_up in ("chosen-by-me", planted[:-1] + "A"):
        plant(client, made_up)
        assert not await is_signed_in(client)


@pytest.mark.usefixtures("person")
async def test_only_a_digest_of_the_secret_is_stored(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    token = client.cookies[COOKIE]
    stored = await db.fetch_value("SELECT s::text FROM customer_sessions s")
    assert all(part not in stored for part in re.findall(r"[\w-]{20,}", token))


@pytest.mark.usefixtures("person")
async def test_signing_out_ends_the_session_on_the_server_and_clears_the_browser(
    client: httpx.AsyncClient,
) -> None:
    await sign_in(client)
    kept = client.cookies[COOKIE]
    answer = await client.post("/account/sign-out", data={})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?out=1")
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert COOKIE not in client.cookies
    page = await client.get("/account?out=1")
    assert "You are signed out" in page.text
    assert PHONE not in page.text, "the number is not left for whoever sits here next"
    plant(client, kept)
    assert not await is_signed_in(client)


@pytest.mark.usefixtures("person")
async def test_signing_out_everywhere_ends_every_browser_of_this_customer_and_of_no_other(
    client: httpx.AsyncClient,
) -> None:
    await a_known_person("+358480000202", "onni", "Onni Salo")
    async with another(client) as tablet, another(client) as onni:
        await sign_in(client)
        await sign_in(tablet)
        await ask(onni, phone="+358480000202")
        await type_in(onni, await the_code())
        assert await sessions() == 3
        await client.post("/account/sign-out", data={"everywhere": "1"})
        assert not await is_signed_in(tablet)
        assert await is_signed_in(onni)


@pytest.mark.usefixtures("person")
async def test_a_slow_request_that_began_before_signing_out_revives_nothing(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read the session, and answers, with a renewed cookie, after the session has ended."""
    await sign_in(client)
    await age_the_cookie(client, minutes=5)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*args: object) -> object:
        reached.set()
        await go_on.wait()
        return await open_sessions_of(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(pages, "open_sessions_of", slow)
    late = asyncio.create_task(client.get("/account"))
    await reached.wait()
    kept = client.cookies[COOKIE]
    async with another(client) as same:
        plant(same, kept)
        await same.post("/account/sign-out", data={})
    go_on.set()
    answer = await late
    assert COOKIE in answer.headers["set-cookie"], "it has renewed a cookie that opens nothing"
    monkeypatch.setattr(pages, "open_sessions_of", open_sessions_of)
    assert await sessions() == 0
    assert not await is_signed_in(client)


async def age_the_cookie(client: httpx.AsyncClient, minutes: int) -> None:
    """As if the browser had last been here so long ago."""
    payload = process_keyring().unsign("customer.cookie", client.cookies[COOKIE])
    assert payload is not None
    token = payload.decode().partition(" ")[0]
    seen = int((clock.wall() - timedelta(minutes=minutes)).timestamp())
    plant(client, process_keyring().sign("customer.cookie", f"{token} {seen}".encode()))


@pytest.mark.usefixtures("person")
async def test_a_session_rests_at_most_fifteen_minutes_and_lives_at_most_twelve_hours(
    client: httpx.AsyncClient,
) -> None:
    await sign_in(client)
    await age_the_cookie(client, minutes=14)
    assert await is_signed_in(client)
    await age_the_cookie(client, minutes=16)
    assert not await is_signed_in(client)
    async with another(client) as visitor:
        await sign_in(visitor)
        life = await db.fetch_value("SELECT max(expires_at - created_at) FROM customer_sessions")
        assert life == timedelta(hours=12)
        past = "UPDATE customer_sessions SET created_at = created_at - $1::interval, expires_at = expires_at - $1"
        await db.in_tx(lambda: db.execute(past, timedelta(hours=12)))
        assert not await is_signed_in(visitor)
    gone = await db.in_tx(lambda: account.forget_expired(clock.wall(), 10))
    assert gone == 2


@pytest.mark.usefixtures("person")
async def test_a_phone_that_is_somebody_else_s_now_opens_nothing_any_more(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    await a_known_person(PHONE, "onni", "Onni Salo")
    assert not await is_signed_in(client)


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/admin", "/purchases/../admin", "/wallet//x", ""]
)
@pytest.mark.usefixtures("person")
async def test_signing_in_leads_to_pages_of_the_account_alone(client: httpx.AsyncClient, wanted: str) -> None:
    await ask(client, next=wanted)
    answer = await type_in(client, await the_code(), next=wanted)
    assert answer.headers["location"] == "/purchases"


@pytest.mark.usefixtures("person")
async def test_what_is_typed_wrong_stands_at_its_field_and_stays(client: httpx.AsyncClient) -> None:
    answer = await ask(client, phone="12", postcode="")
    assert answer.status_code == 422
    assert "Enter your postcode." in answer.text
    assert 'value="12"' in answer.text
    assert (await type_in(client, "12")).status_code == 422


@pytest.mark.usefixtures("person")
async def test_the_limits_of_codes_hold_here_too(client: httpx.AsyncClient) -> None:
    await ask(client)
    answer = await client.post("/account/code", data={"again": "1"})
    assert answer.status_code == 429
    assert "Too many codes were asked for" in answer.text


@pytest.mark.usefixtures("person")
async def test_a_form_of_another_site_is_refused(client: httpx.AsyncClient) -> None:
    await sign_in(client)
    answer = await client.post("/account/sign-out", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert await is_signed_in(client)


async def test_a_passkey_signs_in_and_ends_its_sessions_when_it_is_removed(client: httpx.AsyncClient) -> None:
    device = await a_saved_passkey(await a_merchant())
    answer = await by_passkey(client, device)
    assert answer.headers["location"] == "/wallet", answer.text
    assert await is_signed_in(client)
    row = await db.fetch_one("SELECT public_id, customer_id FROM passkeys")
    assert row is not None
    now = clock.wall()
    await db.in_tx(lambda: passkeys.remove(row["public_id"], row["customer_id"], "customer", now=now))
    assert not await is_signed_in(client)
    assert "We do not know this passkey" in (await by_passkey(client, device)).text


async def by_passkey(client: httpx.AsyncClient, device: Device) -> httpx.Response:
    question = await client.post("/account/passkey/challenge", data={})
    assert question.status_code == 200, question.text
    form = {"answer": device.sign(question.json()), "next": "/wallet"}
    return await client.post("/account/passkey", data=form)


async def test_an_answer_of_a_passkey_counts_once_and_in_its_own_browser(client: httpx.AsyncClient) -> None:
    device = await a_saved_passkey(await a_merchant())
    question = await client.post("/account/passkey/challenge", data={})
    form = {"answer": device.sign(question.json())}
    async with another(client) as visitor:
        await visitor.post("/account/passkey/challenge", data={})
        assert (await visitor.post("/account/passkey", data=form)).status_code == 422
    assert (await client.post("/account/passkey", data=form)).status_code == 303
    assert (await client.post("/account/passkey", data=form)).status_code == 422


@pytest.fixture
async def with_bank(
    db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ASGIApp, ScriptedProvider]:
    provider = ScriptedProvider(now=clock.wall)
    bank = a_bank(provider)
    monkeypatch.setattr(doors, "banks", lambda settings: {"FI": bank})
    return build(settings_in(tmp_path, db)), provider


async def by_bank(visitor: httpx.AsyncClient, provider: ScriptedProvider) -> httpx.Response:
    away = await visitor.get("/account/bank?country=FI&next=/wallet")
    assert away.status_code == 303, away.text
    landing = await visitor.get("/bank/return", params=provider.visited(away.headers["location"]))
    return await visitor.post("/bank/return", data=Page(landing.text).hidden)


async def test_a_bank_signs_in_whom_it_has_named_before_and_makes_no_customer_of_a_stranger(
    with_bank: tuple[ASGIApp, ScriptedProvider],
) -> None:
    app, provider = with_bank
    await a_merchant()
    async with browser(app) as visitor:
        answer = await by_bank(visitor, provider)
        assert answer.status_code == 422
        assert "We know of nothing that you have bought here." in answer.text
        assert await db.fetch_value("SELECT count(*) FROM customers") == 0
        await a_known_person()
        name = "UPDATE verified_identities SET issuer = $1, subject = $2"
        await db.in_tx(lambda: db.execute(name, provider.issuer, "person-1"))
        answer = await by_bank(visitor, provider)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/wallet"), answer.text
        assert await is_signed_in(visitor)
