"""Whom a shop's staff made sure of sees what they bought there, by the same phone and postcode; and nothing more."""

from __future__ import annotations

import re

import httpx
import pytest

from app.kernel import db
from app.merchants.queries import Merchant, forget_kept_merchants, merchant_by_id
from tests.factories.checkout import a_known_person, a_line, a_session
from tests.factories.wallets import given, switched
from tests.web.shopper.test_account import another, sessions
from tests.web.shopper.test_flow import the_code
from tests.web.shopper.test_identified_by_a_person import PHONE, a_wait, answer

POSTCODE = "1000"


@pytest.fixture
async def shop(client: httpx.AsyncClient) -> Merchant:
    """Ivanka bought there, after somebody on the staff had called her."""
    merchant, session, case = await a_wait(client)
    await answer(merchant, case, "approved")
    page = (await client.get(f"/pay/{session}/confirm")).text
    shown = re.search(r'name="shown" value="([^"]+)"', page)
    assert shown is not None
    await client.post(f"/pay/{session}/confirm", data={"shown": shown[1]})
    return merchant


async def comes_in(
    visitor: httpx.AsyncClient, postcode: str = POSTCODE, phone: str = PHONE
) -> httpx.Response:
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope = 'code.phone.minute'"))
    await visitor.get("/account")
    asked = {"phone": phone, "postcode": postcode, "country": "BG", "next": "/purchases"}
    assert (await visitor.post("/account/code", data=asked)).status_code == 303
    return await visitor.post("/account/sign-in", data={"code": await the_code(), "next": "/purchases"})


async def test_the_phone_of_the_purchase_and_its_postcode_show_purchase_and_wallet(
    client: httpx.AsyncClient, shop: Merchant
) -> None:
    order = await db.fetch_value("SELECT public_id FROM orders WHERE state = 'paid'")
    who = await db.fetch_value("SELECT public_id FROM customers")
    await given(await switched(shop), who, 12_00)
    forget_kept_merchants()
    async with another(client) as later:
        assert (await comes_in(later)).status_code == 303
        assert f"/purchases/{order}" in (await later.get("/purchases")).text
        assert "Magazin" in (await later.get(f"/purchases/{order}")).text
        assert "€12.00" in (await later.get("/wallet")).text


async def test_another_postcode_opens_nothing(client: httpx.AsyncClient, shop: Merchant) -> None:
    async with another(client) as later:
        await comes_in(later, postcode="1001")
        assert (await later.get("/purchases")).status_code == 303
    assert await sessions() == 0


async def test_a_phone_that_is_only_claimed_opens_nothing(client: httpx.AsyncClient, shop: Merchant) -> None:
    await db.execute_alone("UPDATE customers SET phone = NULL, claimed_phone = $1", PHONE)
    async with another(client) as later:
        await comes_in(later)
    assert await sessions() == 0


async def test_no_other_shop_opens_and_none_that_recognises_nobody(
    client: httpx.AsyncClient, shop: Merchant
) -> None:
    order = await db.fetch_value("SELECT public_id FROM orders WHERE state = 'paid'")
    async with another(client) as later:
        await comes_in(later)
        await db.execute_alone("UPDATE verified_identities SET issuer = 'staff:mer_other'")
        assert (await later.get(f"/purchases/{order}")).status_code == 404
        await db.execute_alone("UPDATE verified_identities SET issuer = $1", f"staff:{shop.public_id}")
        assert (await later.get(f"/purchases/{order}")).status_code == 200
        await db.execute_alone("UPDATE merchants SET recognise_returning = false")
        forget_kept_merchants()
        assert (await later.get(f"/purchases/{order}")).status_code == 404


async def test_signed_in_a_purchase_still_waits_for_a_person(
    client: httpx.AsyncClient, shop: Merchant
) -> None:
    found = await merchant_by_id(shop.id)
    assert found is not None
    async with another(client) as later:
        await comes_in(later)
        await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope = 'code.phone.minute'"))
        session = await a_session(found, a_line())
        await later.post(f"/pay/{session}", data={"method": "invoice", "delivery": "email"})
        await later.post(f"/pay/{session}/code", data={"phone": PHONE, "postcode": POSTCODE})
        landed = await later.post(f"/pay/{session}/identify", data={"code": await the_code()})
        assert "A person now makes sure who you are" in (await later.get(landed.headers["location"])).text


async def test_whoever_a_bank_named_under_this_number_comes_first_and_ends_the_session(
    client: httpx.AsyncClient, shop: Merchant
) -> None:
    async with another(client) as later:
        await comes_in(later)
        assert (await later.get("/purchases")).status_code == 200
        await a_known_person(PHONE)
        assert (await later.get("/purchases")).status_code == 303
