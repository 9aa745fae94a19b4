"""While money is frozen the shop reads it on its first page."""

from __future__ import annotations

import httpx

from app.kernel import clock
from app.ledger import actions as ledger


async def test_the_first_page_says_that_no_money_moves(desk: httpx.AsyncClient) -> None:
    assert "Payments are stopped" not in (await desk.get("/admin")).text
    await ledger.freeze_now("a drill", clock.wall())
    page = (await desk.get("/admin")).text
    assert "Payments are stopped" in page
    assert "a drill" not in page, "the reason is for whoever runs the system"
