"""What is forgotten when, and what stays: the clock moves, and the worker's chores run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout.actions import cancel_session
from app.checkout.books import check_books
from app.doors import WorkerDoors
from app.kernel import clock, db, idempotency
from app.kernel.jobs import Now
from app.outside.mail import SandboxLetterbox
from app.privacy.retention import seldom
from app.webhooks.ports import OutgoingWebhook, WebhookReply
from app.worker import Worker, chores, handlers
from tests.factories.checkout import Shopper, a_merchant, a_session, a_shopper_at_confirm

pytestmark = pytest.mark.usefixtures("db")

DAY_S = 86_400


class NoWebhooks:
    async def post(self, webhook: OutgoingWebhook) -> WebhookReply:
        raise AssertionError(f"nobody listens, and yet {webhook.url} was to be told")


async def days_pass(days: float) -> None:
    offset_s = await clock.read_offset_s() + round(days * DAY_S)
    await db.in_tx(lambda: clock.set_offset_s(offset_s))
    await Worker(handlers(WorkerDoors(SandboxLetterbox(), NoWebhooks())), chores()).run_once()


async def known_of(session: str) -> list[str]:
    """Which personal data of a session and its order stand in the database."""
    row = await db.fetch_one(
        """SELECT s.phone, s.postcode, s.customer_id::text AS customer, c.name, c.email, c.phone AS contact_phone,
                  c.postcode AS contact_postcode, c.street, c.city
           FROM checkout_sessions s JOIN order_contacts c ON c.order_id = s.order_id WHERE s.public_id = $1""",
        session,
    )
    assert row is not None
    return [name for name, value in row.items() if value is not None]


async def test_an_expired_session_is_forgotten_thirty_days_after_its_end_and_not_before() -> None:
    merchant = await a_merchant()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.return_from_bank()
    await days_pass(1.1)
    await days_pass(29)
    assert {"phone", "customer", "email", "contact_phone"} <= set(await known_of(shopper.session))
    await days_pass(1)
    assert await known_of(shopper.session) == []
    flow = await shopper.flow()
    assert (flow.state, flow.total_minor, len(flow.lines), flow.identified) == ("expired", 12_900, 1, False)
    assert await check_books() == []


async def test_a_cancelled_session_is_forgotten_too_and_an_open_one_is_not() -> None:
    merchant = await a_merchant()
    cancelled, kept = await a_session(merchant), await a_session(merchant)
    await cancel_session(merchant.id, cancelled, actor="shopper", now=clock.wall())
    await db.in_tx(
        lambda: db.execute("UPDATE checkout_sessions SET expires_at = expires_at + interval '60 days'")
    )
    await days_pass(30.1)
    assert await known_of(cancelled) == []
    assert "email" in await known_of(kept)


async def test_a_purchase_is_not_touched_but_for_the_browser_it_was_made_in() -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    await shopper.confirm()
    await db.in_tx(lambda: db.execute("UPDATE browsers SET expires_at = now() - interval '1 s'"))
    await days_pass(400)
    assert {"customer", "name", "email"} <= set(await known_of(shopper.session))
    assert await db.fetch_value("SELECT count(*) FROM browsers") == 0
    stranger = await Shopper.at(shopper.session).flow()
    assert (stranger.ours, stranger.identified, stranger.tells_all) == (False, False, False)
    assert await check_books() == []


async def test_codes_go_after_a_day_with_the_phones_in_them() -> None:
    shopper = Shopper.at(await a_session(await a_merchant()))
    await shopper.choose()
    await shopper.ask_code()
    await days_pass(0.9)
    assert await db.fetch_value("SELECT count(*) FROM code_challenges") == 1
    await days_pass(0.2)
    assert await db.fetch_value("SELECT count(*) FROM code_challenges") == 0


async def test_counters_answers_and_staff_sessions_go_when_nothing_asks_for_them() -> None:
    merchant = await a_merchant()
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.ask_code()
    await db.in_tx(lambda: idempotency.claim(merchant.id, "POST /x", "key-1", b"digest"))
    await db.in_tx(lambda: db.execute("UPDATE limits SET hits = ARRAY[now() - interval '3 days']"))
    await days_pass(29)
    assert await db.fetch_value("SELECT count(*) FROM idempotency_keys") == 1
    assert await db.fetch_value("SELECT count(*) FROM limits") == 0
    await days_pass(1.1)
    assert await db.fetch_value("SELECT count(*) FROM idempotency_keys") == 0


async def test_a_seldom_chore_looks_again_while_it_finds_something_and_then_rests() -> None:
    left, asked = [2, 1, 0, 5], []

    async def chore(now: Now) -> int:
        asked.append(now)
        return left[len(asked) - 1]

    rested, start = seldom(chore, timedelta(minutes=10)), clock.wall()
    did = [await rested(Now(start + timedelta(minutes=m), start)) for m in (0, 1, 2, 3, 11, 12)]
    assert did == [2, 1, 0, 0, 0, 5]
    assert (rested.__name__, len(asked)) == ("chore", 4)
