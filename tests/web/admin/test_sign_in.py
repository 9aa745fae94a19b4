"""Signing in and out."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import clock, db, ids
from app.kernel.keys import process_keyring
from app.merchants.queries import Merchant
from app.web.admin import cookies
from app.web.admin.access import own_path
from tests.support import pages
from tests.web.admin.conftest import Person, a_person, sign_in

COOKIE = "kolme_staff"


async def sessions_stored() -> int:
    count: int = await db.fetch_value("SELECT count(*) FROM staff_sessions")
    return count


async def test_right_password_and_code_open_the_admin(stranger: httpx.AsyncClient, owner: Person) -> None:
    response = await sign_in(stranger, owner)

    assert response.status_code == 303
    assert response.headers["location"] == "/admin"
    assert (await stranger.get("/admin")).status_code == 200


async def test_the_address_may_be_typed_in_capitals(stranger: httpx.AsyncClient, owner: Person) -> None:
    assert (await sign_in(stranger, owner, email=f"  {owner.email.upper()} ")).status_code == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody@havu.example"},
        {"password": "three steps and wrong"},
        {"password": ""},
        {"code": "000000"},
        {"code": ""},
        {"code": "einsteig"},
        {"email": ""},
    ],
)
async def test_whatever_is_wrong_the_page_says_the_same(
    stranger: httpx.AsyncClient, owner: Person, wrong: dict[str, str]
) -> None:
    response = await sign_in(stranger, owner, **wrong)

    assert response.status_code == 422
    assert "The e-mail, the password or the code is not right." in response.text
    assert "set-cookie" not in response.headers
    assert await sessions_stored() == 0


async def test_a_wrong_password_and_an_unknown_address_answer_with_the_same_bytes(
    stranger: httpx.AsyncClient, owner: Person
) -> None:
    answers = [
        await sign_in(stranger, owner, password="three steps and wrong"),
        await sign_in(stranger, owner, email="nobody@havu.example", code="123456"),
    ]
    plain = [re.sub(r'nonce="[^"]*"|value="[^"]*@havu.example"', "", answer.text) for answer in answers]
    assert plain[0] == plain[1]


async def test_what_was_typed_as_address_stays_and_secrets_do_not(
    stranger: httpx.AsyncClient, owner: Person
) -> None:
    response = await sign_in(stranger, owner, password="three steps and wrong")

    assert f'value="{owner.email}"' in response.text
    assert "three steps and wrong" not in response.text


async def test_a_code_works_once(app: ASGIApp, owner: Person) -> None:
    code = owner.code()
    async with pages.browser(app) as first, pages.browser(app) as second:
        assert (await sign_in(first, owner, code=code)).status_code == 303
        assert (await sign_in(second, owner, code=code)).status_code == 422
        assert (await sign_in(second, owner, code=owner.code(1))).status_code == 303


async def test_of_two_requests_with_one_code_one_wins(app: ASGIApp, owner: Person) -> None:
    code = owner.code()
    async with pages.browser(app) as first, pages.browser(app) as second:
        answers = await asyncio.gather(sign_in(first, owner, code=code), sign_in(second, owner, code=code))

    assert sorted(answer.status_code for answer in answers) == [303, 422]
    assert await sessions_stored() == 1


async def test_an_older_code_is_refused_after_a_newer_one(app: ASGIApp, owner: Person) -> None:
    async with pages.browser(app) as client:
        assert (await sign_in(client, owner, code=owner.code(1))).status_code == 303
        assert (await sign_in(client, owner, code=owner.code(0))).status_code == 422


async def test_too_many_tries_on_one_address_must_wait_even_with_the_right_answer(
    stranger: httpx.AsyncClient, owner: Person
) -> None:
    for _ in range(10):
        assert (await sign_in(stranger, owner, code="000000")).status_code == 422

    response = await sign_in(stranger, owner)

    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 900
    assert "Too many tries. Try again in 15 minutes." in response.text


async def test_a_success_gives_the_tries_back(stranger: httpx.AsyncClient, owner: Person) -> None:
    for _ in range(9):
        await sign_in(stranger, owner, code="000000")
    assert (await sign_in(stranger, owner)).status_code == 303
    for _ in range(3):
        assert (await sign_in(stranger, owner, code="000000")).status_code == 422


async def test_a_disabled_person_stays_outside_and_is_put_out(
    app: ASGIApp, desk: httpx.AsyncClient, owner: Person
) -> None:
    await db.in_tx(lambda: db.execute("UPDATE staff SET disabled_at = now()"))

    assert (await desk.get("/admin")).status_code == 303
    async with pages.browser(app) as again:
        assert (await sign_in(again, owner, code=owner.code(1))).status_code == 422


async def test_a_planted_session_is_never_adopted(stranger: httpx.AsyncClient, owner: Person) -> None:
    at = clock.wall()
    planted = cookies.cookie_for(ids.token(), at, at + timedelta(hours=12), https=False).value or ""
    stranger.cookies.set(COOKIE, planted)
    await sign_in(stranger, owner)
    given = stranger.cookies.get(COOKIE, domain="localhost.local")

    assert given is not None
    assert given != planted
    stranger.cookies.clear()
    stranger.cookies.set(COOKIE, planted)
    assert (await stranger.get("/admin")).status_code == 303


async def test_signing_in_again_ends_the_session_the_browser_had(
    desk: httpx.AsyncClient, owner: Person
) -> None:
    old = dict(desk.cookies)[COOKIE]
    assert (await sign_in(desk, owner, code=owner.code(1))).status_code == 303

    assert await sessions_stored() == 1
    assert (await desk.get("/admin")).status_code == 200
    desk.cookies.clear()
    desk.cookies.set(COOKIE, old)
    assert (await desk.get("/admin")).status_code == 303


async def test_the_database_holds_no_token_and_no_secret(desk: httpx.AsyncClient, owner: Person) -> None:
    payload = process_keyring().unsign("staff.cookie", dict(desk.cookies)[COOKIE])
    assert payload is not None
    token = payload.decode().split()[0]
    stored = await db.fetch_value("SELECT string_agg(s::text, ' ') FROM staff_sessions s")
    person = await db.fetch_value("SELECT string_agg(s::text, ' ') FROM staff s")

    assert ids.digest(token).hex() in stored
    assert token not in stored
    assert owner.totp_secret not in person
    assert owner.totp_secret.encode().hex() not in person
    assert owner.password not in person


async def test_signing_out_ends_the_session_on_the_server(desk: httpx.AsyncClient) -> None:
    kept = dict(desk.cookies)[COOKIE]
    response = await desk.post("/admin/sign-out")

    assert response.status_code == 303
    assert response.headers["location"] == "/admin/sign-in"
    assert response.headers["clear-site-data"] == '"cache", "storage"'
    assert COOKIE not in dict(desk.cookies)
    assert await sessions_stored() == 0
    desk.cookies.set(COOKIE, kept)
    assert (await desk.get("/admin")).status_code == 303


async def test_a_slow_page_does_not_bring_a_session_back(desk: httpx.AsyncClient) -> None:
    kept = dict(desk.cookies)[COOKIE]
    await asyncio.gather(desk.post("/admin/sign-out"), *(desk.get("/admin") for _ in range(8)))
    desk.cookies.clear()
    desk.cookies.set(COOKIE, kept)

    assert (await desk.get("/admin")).status_code == 303
    assert await sessions_stored() == 0


async def test_a_session_left_alone_for_half_an_hour_opens_nothing(
    stranger: httpx.AsyncClient, desk: httpx.AsyncClient
) -> None:
    payload = process_keyring().unsign("staff.cookie", dict(desk.cookies)[COOKIE])
    assert payload is not None
    token, at = payload.decode().split()[0], clock.wall()
    ends = at + timedelta(hours=12)
    for idle, status in ((timedelta(minutes=29), 200), (timedelta(minutes=30), 303)):
        stranger.cookies.set(COOKIE, cookies.cookie_for(token, at - idle, ends, https=False).value or "")
        assert (await stranger.get("/admin")).status_code == status
        stranger.cookies.clear()


async def test_a_session_in_use_is_renewed_without_a_write(
    stranger: httpx.AsyncClient, desk: httpx.AsyncClient
) -> None:
    payload = process_keyring().unsign("staff.cookie", dict(desk.cookies)[COOKIE])
    assert payload is not None
    token, at = payload.decode().split()[0], clock.wall()
    old = (
        cookies.cookie_for(token, at - timedelta(minutes=20), at + timedelta(hours=12), https=False).value
        or ""
    )
    stranger.cookies.set(COOKIE, old)
    with db.counting() as counts:
        response = await stranger.get("/admin")

    assert COOKIE in response.headers["set-cookie"]
    assert (counts.writes, counts.commits) == (0, 0)
    assert "set-cookie" not in (await desk.get("/admin")).headers


async def test_after_twelve_hours_a_session_is_over_however_busy(desk: httpx.AsyncClient) -> None:
    await db.in_tx(lambda: db.execute("UPDATE staff_sessions SET expires_at = $1", clock.wall()))

    assert (await desk.get("/admin")).status_code == 303


async def test_a_tampered_cookie_is_no_session(desk: httpx.AsyncClient) -> None:
    value = dict(desk.cookies)[COOKIE]
    for wrong in (value[:-1] + ("A" if value[-1] != "A" else "B"), "x" * 6_000, "a.b.c", "", "\u0101"):
        headers = {"Cookie": f"{COOKIE}={wrong}".encode()}
        desk.cookies.clear()
        assert (await desk.get("/admin", headers=headers)).status_code == 303  # type: ignore[arg-type]


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    stranger: httpx.AsyncClient, owner: Person
) -> None:
    given = (await sign_in(stranger, owner)).headers["set-cookie"]

    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    assert "Path=/" in given
    assert "Domain" not in given
    over_https = cookies.cookie_for("t", clock.wall(), clock.wall() + timedelta(hours=1), https=True)
    assert over_https.key == "__Host-kolme_staff"
    assert over_https.secure


async def test_signing_in_leads_back_to_the_page_that_was_asked_for(
    stranger: httpx.AsyncClient, owner: Person
) -> None:
    led = await stranger.get("/admin/orders?state=paid&q=A%26B")
    assert led.status_code == 303
    form = await stranger.get(led.headers["location"])
    assert 'name="next" value="/admin/orders?state=paid&amp;q=A%26B"' in form.text

    back = await sign_in(stranger, owner, next="/admin/orders?state=paid&q=A%26B")
    assert back.headers["location"] == "/admin/orders?state=paid&q=A%26B"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/admin",
        "//evil.example/admin",
        "/\\evil.example",
        "/admin//evil.example",
        "/admin/../pay/x",
        "/administrator",
        "/admin/sign-in?next=/admin",
        "/admin/sign-out",
        "javascript:alert(1)",
        "/admin/orders\r\nX: y",
        "/admin/orders\u2028",
        "",
    ],
)
def test_signing_in_leads_nowhere_but_into_the_admin(address: str) -> None:
    assert own_path(address) == "/admin"


async def test_whoever_is_signed_in_is_not_asked_again(desk: httpx.AsyncClient) -> None:
    response = await desk.get("/admin/sign-in?next=/admin/orders")

    assert response.status_code == 303
    assert response.headers["location"] == "/admin/orders"


async def test_another_site_can_neither_sign_in_nor_out(desk: httpx.AsyncClient, owner: Person) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert (await desk.post("/admin/sign-out", headers=headers)).status_code == 403
        assert (await desk.post("/admin/sign-in", data=owner.form(), headers=headers)).status_code == 403
    assert (await desk.get("/admin")).status_code == 200
    assert await sessions_stored() == 1


async def test_a_person_of_another_shop_signs_in_to_their_own(
    app: ASGIApp, merchant: Merchant, owner: Person
) -> None:
    from tests.factories.checkout import a_merchant  # noqa: PLC0415

    other = await a_person(await a_merchant("Pihla Oy"), email="pihla@pihla.example")
    async with pages.browser(app) as client:
        await sign_in(client, other)
        page = (await client.get("/admin")).text
    assert "Pihla Oy" in page
    assert merchant.name not in page
