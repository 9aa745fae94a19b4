"""The seeds: a demo merchant that can be used at once, made once, and a file that says how."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyotp
import pytest

from app.doors import turn_keys
from app.kernel import clock
from app.kernel import db as database
from app.kernel.keys import use_keyring
from app.merchants.actions import sign_in
from app.merchants.errors import SignInRefused
from app.merchants.queries import authenticate_key, merchant_by_public_id
from app.messages.sandbox_shoppers import shoppers
from app.seeds import PEOPLE, seed_demo
from app.settings import Settings
from tests.support.pages import settings_in

TABLES = (
    "merchants", "plans", "api_keys", "staff", "webhook_endpoints", "sandbox_shoppers", "customers",
    "verified_identities",
)  # fmt: skip


@pytest.fixture
async def settings(db: str, tmp_path: Path) -> AsyncIterator[Settings]:
    settings = settings_in(tmp_path, db)
    turn_keys(settings)
    yield settings
    use_keyring(None)


def demo_file(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((settings.var_dir / "demo.json").read_text())
    return found


async def rows() -> dict[str, int]:
    return {table: await database.fetch_value(f"SELECT count(*) FROM {table}") for table in TABLES}


async def can_sign_in(demo: dict[str, Any]) -> bool:
    admin, at = demo["admin"], clock.wall()
    code = pyotp.TOTP(admin["totp_secret"]).at(at)
    try:
        await sign_in(admin["email"], admin["password"], code, address="192.0.2.1", replaces=None, at=at)
    except SignInRefused:
        return False
    return True


async def test_the_file_holds_what_a_newcomer_needs(settings: Settings) -> None:
    await seed_demo(settings)

    demo = demo_file(settings)
    caller = await authenticate_key(demo["api_key"])
    merchant = await merchant_by_public_id(demo["merchant_id"])
    assert demo["base_url"] == "http://localhost:8000"
    assert demo["admin"]["url"] == "http://localhost:8000/admin"
    assert merchant is not None
    assert caller is not None
    assert caller.merchant.id == merchant.id
    assert (merchant.country, merchant.currency, merchant.locale) == ("FI", "EUR", "fi")
    assert await can_sign_in(demo)


async def test_only_the_owner_of_the_file_may_read_it(settings: Settings) -> None:
    await seed_demo(settings)

    assert stat.S_IMODE((settings.var_dir / "demo.json").stat().st_mode) == 0o600


async def test_a_second_run_makes_nothing_and_keeps_every_secret(settings: Settings) -> None:
    await seed_demo(settings)
    demo, before = demo_file(settings), await rows()

    await seed_demo(settings)

    assert demo_file(settings) == demo
    assert await rows() == before


async def test_another_port_refreshes_the_addresses_and_nothing_else(
    settings: Settings, db: str, tmp_path: Path
) -> None:
    await seed_demo(settings)
    demo = demo_file(settings)

    await seed_demo(settings_in(tmp_path, db, PORT="8123"))

    moved = demo_file(settings)
    assert moved["base_url"] == "http://localhost:8123"
    assert (moved["api_key"], moved["webhook_secret"]) == (demo["api_key"], demo["webhook_secret"])
    assert moved["admin"]["password"] == demo["admin"]["password"]
    urls = await database.fetch_all("SELECT url FROM webhook_endpoints WHERE deleted_at IS NULL")
    assert [row["url"] for row in urls] == ["http://localhost:8123/demo/webhook"]


@pytest.mark.parametrize("damage", [None, b"", b"{}", b'{"api_key": 1}', b"\xff"])
async def test_a_lost_or_broken_file_means_new_secrets_and_the_old_ones_open_nothing(
    settings: Settings, damage: bytes | None
) -> None:
    await seed_demo(settings)
    lost = demo_file(settings)
    path = settings.var_dir / "demo.json"
    path.unlink() if damage is None else path.write_bytes(damage)

    await seed_demo(settings)

    demo = demo_file(settings)
    assert demo["merchant_id"] == lost["merchant_id"]
    assert await authenticate_key(lost["api_key"]) is None
    assert await authenticate_key(demo["api_key"]) is not None
    assert not await can_sign_in(lost)
    assert await can_sign_in(demo)


async def test_a_file_of_another_database_opens_nothing_here(settings: Settings) -> None:
    foreign = {
        "base_url": "http://localhost:8000",
        "merchant_id": "m_00000000000000000000000000",
        "api_key": "sk_test_" + "x" * 43,
        "webhook_secret": "whsec_" + "eA" * 22,
        "admin": {"url": "u", "email": "e", "password": "known to somebody", "totp_secret": "AAAAAAAA"},
    }
    (settings.var_dir / "demo.json").write_text(json.dumps(foreign))

    await seed_demo(settings)

    demo = demo_file(settings)
    assert demo["admin"]["password"] != "known to somebody"
    assert demo["webhook_secret"] != foreign["webhook_secret"]
    assert await can_sign_in(demo)


async def test_one_shopper_of_each_kind_lives_there_and_the_product_knows_those_who_have_bought_before(
    settings: Settings,
) -> None:
    await seed_demo(settings)

    people = {person.kind: person for person in await shoppers()}
    known = await database.fetch_all(
        """SELECT c.phone, c.postcode, v.subject, v.issuer FROM customers c
           JOIN verified_identities v ON v.customer_id = c.id"""
    )
    assert {kind: person.name for kind, person in people.items()} == dict(PEOPLE)
    before = [people[kind] for kind in ("returning", "declined", "credit-ban", "register-down", "held")]
    assert {row["subject"] for row in known} == {person.subject for person in before}
    assert {row["phone"] for row in known} == {person.phone for person in before}
    assert {row["issuer"] for row in known} == {"http://127.0.0.1:8000/sandbox/bank"}


async def test_live_mode_has_no_seeds(settings: Settings) -> None:
    from dataclasses import replace  # noqa: PLC0415

    with pytest.raises(ValueError, match="test mode"):
        await seed_demo(replace(settings, mode="live"))
    assert await rows() == dict.fromkeys(TABLES, 0)


async def test_the_plans_are_those_of_the_demo(settings: Settings) -> None:
    await seed_demo(settings)

    found = await database.fetch_all(
        "SELECT kind, due_days, min_months, max_months, nominal_rate, min_instalment_minor FROM plans ORDER BY position"
    )
    assert [tuple(row.values())[:4] for row in found] == [("invoice", 14, 0, 0), ("instalments", 0, 3, 36)]
    assert str(found[1]["nominal_rate"].normalize()) == "14.9"
    assert found[1]["min_instalment_minor"] == 20_00
