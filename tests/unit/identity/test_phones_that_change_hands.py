"""A number that is somebody else's now: a new customer, debts that stay with the name before, a note to staff."""

from __future__ import annotations

import pytest

from app.identity.actions import remembered
from app.kernel import clock, db
from app.merchants.queries import Merchant
from tests.factories.checkout import PHONE, Shopper, a_merchant, a_session, a_shopper_at_confirm, an_identity
from tests.factories.passkeys import a_saved_passkey, use

pytestmark = pytest.mark.usefixtures("db")

NOTES = "SELECT subject, merchant_id FROM audit_log WHERE action = 'customer.phone_changed_hands'"


async def the_new_holder_comes(merchant: Merchant) -> None:
    """They live elsewhere, so that their code recognises nobody and their bank says who they are."""
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope LIKE 'code.phone%'"))
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    assert (await shopper.type_code(await shopper.ask_code(PHONE, "90100"))).outcome == "needs_bank"
    await shopper.return_from_bank(an_identity(subject="another", name="Another Person"))


async def test_a_verified_identity_of_another_name_is_a_new_customer_and_staff_read_of_the_debts() -> None:
    merchant = await a_merchant()
    first = await a_shopper_at_confirm(merchant)
    await first.confirm()
    before = await db.fetch_one("SELECT id, public_id FROM customers")
    assert before is not None
    owner = before["id"]
    await db.in_tx(lambda: remembered.keep(owner, None, wall=clock.wall()))
    await the_new_holder_comes(merchant)
    people = await db.fetch_all("SELECT name, phone FROM customers ORDER BY created_at, name")
    assert [(row["name"], row["phone"]) for row in people] == [
        ("Aino Virta", None),
        ("Another Person", PHONE),
    ]
    [note] = await db.fetch_all(NOTES)
    assert (note["subject"], note["merchant_id"]) == (before["public_id"], merchant.id)
    assert await db.fetch_value("SELECT ended_at FROM remembered_browsers") is not None
    exposures = await db.fetch_all("SELECT customer_id FROM credit_exposures WHERE exposure_minor > 0")
    assert [row["customer_id"] for row in exposures] == [before["id"]], "debts stay with their own name"


async def test_a_new_holder_who_comes_by_passkey_leaves_the_same_note() -> None:
    merchant = await a_merchant()
    await (await a_shopper_at_confirm(merchant)).confirm()
    before = await db.fetch_one("SELECT id, public_id FROM customers")
    assert before is not None
    await db.in_tx(lambda: remembered.keep(before["id"], None, wall=clock.wall()))
    device = await a_saved_passkey(merchant, identity=an_identity("another", "Another Person"))
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope LIKE 'code.phone%'"))
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    assert (await shopper.type_code(await shopper.ask_code(PHONE, "90100"))).outcome == "needs_bank"
    await use(shopper, device)
    assert await db.fetch_value("SELECT name FROM customers WHERE phone = $1", PHONE) == "Another Person"
    assert [row["subject"] for row in await db.fetch_all(NOTES)] == [before["public_id"]]
    assert await db.fetch_value("SELECT ended_at FROM remembered_browsers") is not None


async def test_who_owes_nothing_leaves_no_note() -> None:
    merchant = await a_merchant()
    await a_shopper_at_confirm(merchant)
    await the_new_holder_comes(merchant)
    assert await db.fetch_all(NOTES) == []


async def test_the_same_person_at_the_bank_again_leaves_no_note() -> None:
    merchant = await a_merchant()
    await (await a_shopper_at_confirm(merchant)).confirm()
    await db.in_tx(lambda: db.execute("DELETE FROM limits WHERE scope LIKE 'code.phone%'"))
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.type_code(await shopper.ask_code(PHONE, "90100"))
    await shopper.return_from_bank(an_identity())
    assert await db.fetch_all(NOTES) == []
    assert await db.fetch_value("SELECT count(*) FROM customers") == 1
