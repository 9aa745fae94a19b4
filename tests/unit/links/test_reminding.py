"""Reminders before a link lapses: none unless the shop says so, each once, and never to whom it no longer concerns."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.kernel import clock, db
from app.links import actions
from app.links.queries import LinkView
from app.links.reminding import count_due, remind_due
from app.links.sending import SendView, sends_of_link
from app.merchants.queries import Merchant
from tests.factories.checkout import a_merchant
from tests.factories.links import EMAIL, STAFF, a_link

WEEK = timedelta(days=7)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    return await a_merchant()


async def reminding(merchant: Merchant, *hours: int) -> None:
    change = "UPDATE merchants SET link_reminders_h = $2 WHERE id = $1"
    await db.in_tx(lambda: db.execute(change, merchant.id, list(hours)))


async def a_sent_link(merchant: Merchant, lasts: timedelta = WEEK) -> tuple[LinkView, datetime]:
    """A link that was sent when it was made, and its end."""
    link = await a_link(merchant, lasts=lasts)
    await send(link, link.created_at)
    assert link.expires_at is not None
    return link, link.expires_at


async def send(link: LinkView, now: datetime) -> None:
    await actions.ask_to_send(
        link.merchant_id, link, channel="email", recipient=EMAIL, lang="fi", actor=STAFF, now=now
    )


async def reminders(link: LinkView) -> list[SendView]:
    return [send for send in await sends_of_link(link.merchant_id, link.id) if send.reminder]


async def test_nobody_is_reminded_unless_the_shop_says_so(merchant: Merchant) -> None:
    link, end = await a_sent_link(merchant)
    assert await remind_due(end - timedelta(hours=1), 10) == 0
    assert await reminders(link) == []


async def test_each_reminder_goes_out_once_when_its_hour_has_come(merchant: Merchant) -> None:
    await reminding(merchant, 72, 24)
    link, end = await a_sent_link(merchant)
    for hours, expected in ((73, 0), (72, 1), (50, 1), (24, 2), (1, 2)):
        now = end - timedelta(hours=hours)
        await remind_due(now, 10)
        await remind_due(now, 10)
        assert (hours, len(await reminders(link))) == (hours, expected)
        assert await count_due(now) == 0
    first, _ = await reminders(link)
    assert (first.recipient, first.lang, first.channel) == (EMAIL, "fi", "email")
    assert first.subject is not None
    assert "odottaa maksua" in first.subject


async def test_after_a_long_pause_of_the_worker_one_reminder_goes_out_for_all_that_were_missed(
    merchant: Merchant,
) -> None:
    await reminding(merchant, 72, 48, 24)
    link, end = await a_sent_link(merchant)
    now = end - timedelta(hours=2)
    assert await count_due(now) == 3
    assert await remind_due(now, 10) == 1
    assert (len(await reminders(link)), await count_due(now)) == (1, 0)


async def test_a_link_made_or_sent_after_the_moment_of_a_reminder_has_none(merchant: Merchant) -> None:
    await reminding(merchant, 24)
    short, _ = await a_sent_link(merchant, timedelta(hours=12))
    late, end = await a_sent_link(merchant)
    await send(late, end - timedelta(hours=20))
    never = await a_link(merchant, lasts=WEEK)
    assert await remind_due(short.created_at + timedelta(hours=11), 10) == 0
    assert await remind_due(end - timedelta(hours=1), 10) == 0
    assert await reminders(late) == await reminders(never) == []


async def test_who_extends_a_link_is_reminded_of_the_new_end(merchant: Merchant) -> None:
    await reminding(merchant, 24)
    link, end = await a_sent_link(merchant)
    await remind_due(end - timedelta(hours=20), 10)
    now = end - timedelta(hours=10)
    await actions.extend(merchant.id, link.order_public_id, expires_at=end + WEEK, actor=STAFF, now=now)
    assert await remind_due(end, 10) == 0
    assert await remind_due(end + WEEK - timedelta(hours=24), 10) == 1
    assert len(await reminders(link)) == 2


@pytest.mark.parametrize("ended", ["paused", "withdrawn", "paid", "bounced", "lapsed"])
async def test_nobody_is_reminded_of_what_cannot_be_paid_or_did_not_reach_them(
    merchant: Merchant, ended: str
) -> None:
    await reminding(merchant, 24)
    link, end = await a_sent_link(merchant)
    now = end - timedelta(hours=2)
    match ended:
        case "paused":
            await actions.pause(merchant.id, link.order_public_id, actor=STAFF, now=now)
        case "withdrawn":
            await actions.withdraw(merchant.id, link.order_public_id, actor=STAFF, now=now)
        case "paid":
            paid = "UPDATE orders SET state = 'paid' WHERE merchant_id = $1"
            await db.in_tx(lambda: db.execute(paid, merchant.id))
        case "bounced":
            bounced = "UPDATE link_sends SET state = 'bounced' WHERE merchant_id = $1"
            await db.in_tx(lambda: db.execute(bounced, merchant.id))
        case _:
            now = end
    assert await remind_due(now, 10) == 0
    assert await count_due(now) == 0


async def test_who_cannot_be_written_to_keeps_nobody_else_from_being_reminded(merchant: Merchant) -> None:
    await reminding(merchant, 24)
    broken, end = await a_sent_link(merchant)
    fine, _ = await a_sent_link(merchant)
    spoil = "UPDATE link_sends SET recipient = 'nobody' WHERE merchant_id = $1 AND link_id = $2"
    await db.in_tx(lambda: db.execute(spoil, merchant.id, broken.id))
    now = end - timedelta(hours=3)
    assert await remind_due(now, 10) == 2
    assert (await reminders(broken), len(await reminders(fine))) == ([], 1)
    assert await remind_due(now, 10) == 0


async def test_one_shops_reminders_are_its_own(merchant: Merchant) -> None:
    other = await a_merchant("Tammi & Kuusi")
    await reminding(other, 24)
    mine, end = await a_sent_link(merchant)
    theirs, _ = await a_sent_link(other)
    assert await clock.business_now() < end
    assert await remind_due(end - timedelta(hours=3), 10) == 1
    assert await reminders(mine) == []
    assert len(await reminders(theirs)) == 1
