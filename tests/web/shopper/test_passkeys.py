"""Passkeys over HTTP: what the script asks for, what a form brings, and the sentence for each answer that fails."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.identity.actions import browsers
from app.kernel import clock, db
from app.main import build
from tests.factories.checkout import a_merchant, a_session, an_identity
from tests.factories.passkeys import a_bank_customer, a_saved_passkey
from tests.support.authenticator import Device
from tests.support.pages import browser, settings_in

HTMX = {"HX-Request": "true"}


async def at_identify(client: httpx.AsyncClient, **merchant: Any) -> str:
    """The address of a session whose shopper has chosen a plan."""
    here = f"/pay/{await a_session(await a_merchant(**merchant))}"
    await client.post(here, data={"method": "invoice", "delivery": "email"}, headers=HTMX)
    return here


async def question(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    answer = await client.post(url, data={})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")
    options: dict[str, Any] = answer.json()
    return options


async def use(client: httpx.AsyncClient, here: str, text: str) -> httpx.Response:
    return await client.post(f"{here}/passkey", data={"answer": text}, headers=HTMX)


async def a_purchase_by_bank(client: httpx.AsyncClient) -> str:
    """In the client's own browser: it takes over the cookie of a shopper whom the bank has identified."""
    shopper = await a_bank_customer(await a_merchant())
    await shopper.be_decided()
    await shopper.confirm()
    client.cookies.set("kolme_browser", browsers.write(shopper.browser.token, wall=clock.wall()))
    return f"/pay/{shopper.session}"


async def test_a_passkey_leads_from_step_two_to_step_three(client: httpx.AsyncClient) -> None:
    device = await a_saved_passkey(await a_merchant())
    here = await at_identify(client)
    page = await client.get(f"{here}/identify")
    assert 'autocomplete="tel webauthn"' in page.text
    assert re.search(r'<div [^>]*hidden[^>]*data-passkey="use"', page.text), "only a script shows it"
    answer = await use(client, here, device.sign(await question(client, f"{here}/passkey/challenge")))
    assert answer.status_code == 200, answer.text
    assert answer.headers["hx-push-url"].endswith(("/confirm", "/outcome"))
    assert (
        await db.fetch_value("SELECT identified_by FROM checkout_sessions ORDER BY id DESC LIMIT 1")
        == "passkey"
    )


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ({"credential_id": b"nobody's"}, "We do not know this passkey."),
        ({"origin": "https://evil.example"}, "The passkey could not be checked."),
        ({"rp_id": "evil.example"}, "The passkey could not be checked."),
        ({"verifies": False}, "Your device did not check that it is you."),
        ({"counts": True, "counter": 4}, "This passkey answered as if it had been copied."),
    ],
    ids=["unknown", "another site", "another party", "not unlocked", "counter gone back"],
)
async def test_an_answer_that_fails_has_its_sentence_and_every_other_way_stays(
    lie: dict[str, Any], sentence: str, client: httpx.AsyncClient
) -> None:
    device = await a_saved_passkey(await a_merchant(), Device(counts=True, counter=9))
    liar = device.twin()
    for name, value in lie.items():
        setattr(liar, name, value)
    here = await at_identify(client)
    answer = await use(client, here, liar.sign(await question(client, f"{here}/passkey/challenge")))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Send code" in answer.text
    assert "Use a passkey" in answer.text


@pytest.mark.parametrize(
    "text", ["", "null", "{}", "[1]", "x" * 3999, '{"id": 1, "response": {"clientDataJSON": "e30"}}']
)
async def test_garbage_is_a_passkey_that_could_not_be_checked(text: str, client: httpx.AsyncClient) -> None:
    here = await at_identify(client)
    answer = await use(client, here, text)
    assert answer.status_code == 422
    assert "The passkey could not be checked." in answer.text


async def test_an_old_answer_and_one_that_is_posted_again_are_too_late(client: httpx.AsyncClient) -> None:
    device = await a_saved_passkey(await a_merchant())
    here = await at_identify(client)
    text = device.sign(await question(client, f"{here}/passkey/challenge"))
    spoilt = json.loads(text)
    spoilt["response"]["signature"] = "AAAA"
    assert (await use(client, here, json.dumps(spoilt))).status_code == 422
    again = await use(client, here, text)
    assert again.status_code == 422
    assert "The passkey was used too late, or in another tab." in again.text


async def test_a_second_tab_is_led_to_where_the_first_one_is(client: httpx.AsyncClient) -> None:
    device = await a_saved_passkey(await a_merchant())
    here = await at_identify(client)
    texts = [device.sign(await question(client, f"{here}/passkey/challenge")) for _tab in range(2)]
    first, second = [await use(client, here, text) for text in texts]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["hx-push-url"] == first.headers["hx-push-url"]


async def test_the_passkey_of_another_does_not_take_over_a_session_that_is_somebodys(
    client: httpx.AsyncClient,
) -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant, identity=an_identity("eero", "Eero Salo"))
    here = f"/pay/{(await a_bank_customer(merchant)).session}"
    answer = await use(client, here, device.sign(await question(client, f"{here}/passkey/challenge")))
    assert answer.status_code == 422
    assert "This passkey belongs to another person" in answer.text


async def test_where_a_passkey_is_not_enough_none_is_asked_for(client: httpx.AsyncClient) -> None:
    device = await a_saved_passkey(await a_merchant())
    here = await at_identify(client, passkey_counts=False)
    assert "Use a passkey" not in (await client.get(f"{here}/identify")).text
    assert (await client.post(f"{here}/passkey/challenge", data={})).status_code == 409
    answer = await use(client, here, device.sign({"challenge": "AAAA"}))
    assert answer.status_code == 422
    assert "A passkey is not enough for this purchase." in answer.text


async def test_above_the_sum_for_codes_the_page_names_bank_and_passkey(client: httpx.AsyncClient) -> None:
    here = await at_identify(client, code_alone_max_minor=100_00)
    page = await client.get(f"{here}/identify")
    assert "For this purchase your bank or a passkey has to say who you are." in page.text
    bank, code = page.text.index("Identify with my bank"), page.text.index("Send code")
    assert bank < code, "nobody types first what cannot be enough"
    assert "First time here, or no phone at hand?" not in page.text


@pytest.fixture
async def client_at_a_bare_address(db: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_in(tmp_path, db, KOLME_BASE_URL="http://127.0.0.1:8000")
    async with browser(build(settings)) as visitor:
        yield visitor


async def test_where_browsers_have_no_passkeys_for_us_nothing_speaks_of_them(
    client_at_a_bare_address: httpx.AsyncClient,
) -> None:
    client = client_at_a_bare_address
    here = await at_identify(client)
    assert "passkey" not in (await client.get(f"{here}/identify")).text
    assert (await client.post(f"{here}/passkey/challenge", data={})).status_code == 409


# --- After a purchase. ---


async def test_after_the_bank_a_passkey_is_offered_saved_seen_and_removed(client: httpx.AsyncClient) -> None:
    here = await a_purchase_by_bank(client)
    page = await client.get(f"{here}/outcome")
    assert re.search(r'<section [^>]*hidden[^>]*data-passkey="save"', page.text), "only a script shows it"
    assert "Your passkeys" not in page.text

    made = Device().make(await question(client, f"{here}/passkeys/challenge"))
    agent = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X)"}
    saved = await client.post(f"{here}/passkeys", data={"answer": made}, headers=HTMX | agent)
    assert saved.status_code == 200
    assert "Your passkey is saved." in saved.text
    assert 'data-passkey="save"' not in saved.text

    page = await client.get(f"{here}/passkeys")
    assert "iPhone" in page.text
    name = re.search(r'name="passkey" value="(pk_\w+)"', page.text)
    assert name is not None
    removed = await client.post(f"{here}/passkeys/remove", data={"passkey": name[1]})
    assert (removed.status_code, removed.headers["location"]) == (303, f"{here}/passkeys")
    assert "You have no passkeys here." in (await client.get(f"{here}/passkeys")).text


async def test_what_cannot_be_saved_is_told_and_the_purchase_stands(client: httpx.AsyncClient) -> None:
    here = await a_purchase_by_bank(client)
    device = Device(verifies=False)
    made = device.make(await question(client, f"{here}/passkeys/challenge"))
    for text, sentence in (
        (made, "Your device did not check that it is you"),
        (made, "This took too long"),
        ("no answer", "The passkey could not be saved."),
    ):
        answer = await client.post(f"{here}/passkeys", data={"answer": text}, headers=HTMX)
        assert answer.status_code == 422
        assert sentence in answer.text
        assert "Purchase confirmed" in answer.text


async def test_whoever_is_not_identified_here_sees_and_changes_no_passkeys(client: httpx.AsyncClient) -> None:
    shopper = await a_bank_customer(await a_merchant())
    await shopper.be_decided()
    await shopper.confirm()
    await a_saved_passkey(await a_merchant())
    here = f"/pay/{shopper.session}"
    name = await db.fetch_value("SELECT public_id FROM passkeys")
    assert (await client.get(f"{here}/passkeys")).headers["location"] == f"{here}/outcome"
    assert (await client.post(f"{here}/passkeys/challenge", data={})).status_code == 409
    assert (await client.post(f"{here}/passkeys/remove", data={"passkey": name})).status_code == 303
    page = await client.get(f"{here}/outcome")
    assert "passkey" not in page.text
    assert await db.fetch_value("SELECT count(*) FROM passkeys WHERE ended_at IS NULL") == 1


async def test_somebody_elses_passkey_is_as_unknown_as_one_that_never_was(client: httpx.AsyncClient) -> None:
    await a_saved_passkey(await a_merchant(), identity=an_identity("eero", "Eero Salo"))
    foreign = await db.fetch_value("SELECT public_id FROM passkeys")
    here = await a_purchase_by_bank(client)
    answers = [
        await client.post(f"{here}/passkeys/remove", data={"passkey": name})
        for name in (foreign, "pk_" + "0" * 26, "", "%00")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert await db.fetch_value("SELECT count(*) FROM passkeys WHERE ended_at IS NULL") == 1


async def test_seeing_pages_writes_nothing_and_another_site_posts_nothing(client: httpx.AsyncClient) -> None:
    here = await a_purchase_by_bank(client)
    with db.counting() as counts:
        await client.get(f"{here}/passkeys")
        for path in (
            "/passkeys/challenge",
            "/passkeys",
            "/passkeys/remove",
            "/passkey/challenge",
            "/passkey",
        ):
            answer = await client.post(here + path, data={}, headers={"Sec-Fetch-Site": "cross-site"})
            assert answer.status_code == 403
    assert (counts.writes, counts.commits) == (0, 0)
