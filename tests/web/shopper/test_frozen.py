"""Money is frozen while a shopper is about to pay: a calm page, nothing charged, and afterwards they go on."""

from __future__ import annotations

import httpx

from app.checkout.books import check_books
from app.kernel import clock, db
from app.ledger import actions as ledger
from tests.factories.checkout import PHONE, POSTCODE, a_merchant, a_session
from tests.web.shopper.test_flow import HTMX, a_known_register_entry, hidden, the_code


async def test_who_confirms_while_money_is_frozen_is_told_and_pays_afterwards(
    client: httpx.AsyncClient,
) -> None:
    await a_known_register_entry()
    at = f"/pay/{await a_session(await a_merchant())}"
    await client.post(at, data={"method": "invoice", "delivery": "email"})
    await client.post(f"{at}/code", data={"phone": PHONE, "postcode": POSTCODE})
    await client.post(f"{at}/identify", data={"code": await the_code()})
    confirmed = {"shown": hidden((await client.get(f"{at}/confirm")).text, "shown")}
    await ledger.freeze_now("a drill", clock.wall())
    for headers in ({}, HTMX):
        answer = await client.post(f"{at}/confirm", data=confirmed, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "Payments are paused" in answer.text
        assert "nothing was charged" in answer.text
        assert f'href="{at}"' in answer.text
    assert await db.fetch_value("SELECT count(*) FROM transfers") == 0
    assert await check_books() == []
    await ledger.unfreeze_now("it was a drill", clock.wall())
    answer = await client.post(f"{at}/confirm", data=confirmed)
    assert answer.headers["location"] == f"{at}/outcome"
    assert await check_books() == []
