"""While a provider has trouble the shop reads it on its first page."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from app.kernel import clock
from app.payments import actions
from app.payments.health import DOWN_AFTER, DOWN_AT, SHAKY_AT, forget_kept_health


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    forget_kept_health()
    yield
    forget_kept_health()


async def test_the_first_page_names_the_way_to_pay_and_what_shoppers_see(desk: httpx.AsyncClient) -> None:
    assert "right now" not in (await desk.get("/admin")).text
    for _ in range(SHAKY_AT):
        await actions.note_failure("card", "timeout", clock.wall())
    shaky = (await desk.get("/admin")).text
    for number in range(DOWN_AT):
        await actions.note_failure("card", "timeout", clock.wall() + number * DOWN_AFTER)
    down = (await desk.get("/admin")).text

    assert "Paying by card has problems right now" in shaky
    assert "Shoppers are still offered it, with a warning." in shaky
    assert "Nobody can pay by card right now" in down
    assert "MobilePay" not in down
