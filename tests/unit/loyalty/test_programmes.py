"""A programme is kept version by version; each holds for what is paid while it was the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.kernel import db
from app.loyalty.actions import save_programme
from app.loyalty.errors import ProgrammeChanged, ProgrammeRefused
from app.loyalty.queries import latest_programme, programme_at, programme_versions
from app.loyalty.rules import CategoryRate, Period, Programme, Rate, Tier
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.factories.loyalty import PLAIN

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RICH = replace(
    PLAIN,
    categories=(CategoryRate("Home", Rate.per_unit(2_50)), CategoryRate("Gift cards", None)),
    periods=(Period("Winter", date(2026, 12, 1), date(2026, 12, 24), 2_00),),
    tiers=(Tier("Gold", 500, 1_50),),
    expiry_months=None,
)

pytestmark = pytest.mark.usefixtures("db")


async def save(merchant: Merchant, programme: Programme, seen: int, now: datetime = NOW) -> int:
    return await save_programme(
        merchant.id, merchant.public_id, programme, seen_version=seen, actor="staff:st_1", now=now
    )


async def test_a_programme_is_read_as_it_was_saved() -> None:
    merchant = await a_merchant()
    assert await latest_programme(merchant.id) is None
    assert await save(merchant, RICH, 0) == 1
    found = await latest_programme(merchant.id)
    assert found is not None
    assert (found.version, found.programme, found.actor, found.from_at) == (1, RICH, "staff:st_1", NOW)


async def test_a_version_holds_from_its_saving_until_the_next() -> None:
    merchant = await a_merchant()
    await save(merchant, PLAIN, 0)
    await save(merchant, RICH, 1, NOW + timedelta(days=1))
    before, between, after = [
        await programme_at(merchant.id, NOW + timedelta(hours=hours)) for hours in (-1, 23, 25)
    ]
    assert before is None
    assert between is not None
    assert between.programme == PLAIN
    assert after is not None
    assert after.programme == RICH
    assert [each.version for each in await programme_versions(merchant.id)] == [2, 1]


async def test_saving_the_same_again_makes_no_version() -> None:
    merchant = await a_merchant()
    assert await save(merchant, RICH, 0) == 1
    assert await save(merchant, RICH, 1) == 1
    assert len(await programme_versions(merchant.id)) == 1


async def test_who_saw_an_older_version_changes_nothing() -> None:
    merchant = await a_merchant()
    await save(merchant, PLAIN, 0)
    with pytest.raises(ProgrammeChanged) as refused:
        await save(merchant, RICH, 0)
    assert refused.value.version == 1
    assert len(await programme_versions(merchant.id)) == 1


async def test_what_cannot_be_is_not_saved() -> None:
    merchant = await a_merchant()
    with pytest.raises(ProgrammeRefused):
        await save(merchant, replace(PLAIN, pending_days=-1), 0)
    assert await programme_versions(merchant.id) == ()


async def test_a_saved_version_is_never_changed_and_the_log_tells_who_saved_it() -> None:
    merchant = await a_merchant()
    await save(merchant, PLAIN, 0)
    with pytest.raises(Exception, match="only grows"):
        await db.in_tx(lambda: db.execute("UPDATE loyalty_programmes SET actor = 'x'"))
    logged = await db.fetch_one("SELECT actor, action FROM audit_log WHERE action LIKE 'loyalty.%'")
    assert logged is not None
    assert tuple(logged.values()) == ("staff:st_1", "loyalty.programme_saved")
