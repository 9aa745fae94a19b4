"""Everybody at once, against two real web processes on one database: one effect, and everybody hears of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.checkout.actions import expire_due
from app.checkout.books import check_books
from app.kernel import db
from tests.factories.checkout import PHONE, Shopper, a_merchant, a_session
from tests.faults.conftest import Webs
from tests.faults.shoppers import BOUGHT, BROWSER, as_browser_of, at_confirm, press_confirm
from tests.support.waiting import until
from tests.web.api.documents import a_basket

pytestmark = pytest.mark.timeout(120)


async def state_of(session: str) -> tuple[str, str]:
    """The session's state and its order's."""
    row = await db.fetch_one(
        """SELECT s.state, o.state AS order_state FROM checkout_sessions s
           JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id WHERE s.public_id = $1""",
        session,
    )
    assert row is not None
    return row["state"], row["order_state"]


async def purchases_of(session: str) -> int:
    count = await db.fetch_value(
        """SELECT count(*) FROM transfers t
           JOIN checkout_sessions s ON s.merchant_id = t.merchant_id
           JOIN orders o ON o.merchant_id = s.merchant_id AND o.id = s.order_id AND t.about = o.public_id
           WHERE s.public_id = $1 AND t.cause = 'purchase'""",
        session,
    )
    assert isinstance(count, int)
    return count


async def test_twenty_confirms_at_once_are_one_purchase_that_all_twenty_see(webs: Webs) -> None:
    for _ in range(3):
        shopper, field = await at_confirm(await a_merchant())
        answers = await asyncio.gather(
            *(press_confirm(webs.lane(lane), shopper, field) for lane in range(20))
        )
        assert [answer.status_code for answer in answers] == [200] * 20
        assert all(BOUGHT in answer.text for answer in answers)
        assert await purchases_of(shopper.session) == 1
        assert await check_books() == []


async def test_two_purchases_at_once_never_pass_the_limit_together(webs: Webs) -> None:
    for number in range(5):
        merchant = await a_merchant(credit_limit_minor=20_000)
        shoppers = [await at_confirm(merchant, f"one-{number}") for _ in range(4)]
        answers = await asyncio.gather(
            *(
                press_confirm(webs.lane(lane), shopper, field)
                for lane, (shopper, field) in enumerate(shoppers)
            )
        )
        assert [BOUGHT in answer.text for answer in answers].count(True) == 1
        assert all(answer.status_code == 200 for answer in answers)
        assert await check_books() == []


async def test_twenty_first_posts_of_one_browser_are_one_browser_one_quote_and_one_step(webs: Webs) -> None:
    session = await a_session(await a_merchant())
    page = await webs.lane(0).get(f"/pay/{session}", headers=BROWSER)
    cookie = page.headers["set-cookie"].split(";")[0]
    webs.lane(0).cookies.clear()
    browsers_before = await db.fetch_value("SELECT count(*) FROM browsers")
    answers = await asyncio.gather(
        *(
            webs.lane(lane).post(
                f"/pay/{session}",
                data={"method": "invoice", "delivery": "email"},
                headers={**BROWSER, "Cookie": cookie},
            )
            for lane in range(20)
        )
    )
    assert [answer.status_code for answer in answers] == [200] * 20
    assert all("Who is paying?" in answer.text for answer in answers)
    assert await db.fetch_value("SELECT count(*) FROM browsers") == browsers_before + 1
    assert await check_books() == []


async def test_of_twenty_browsers_at_one_address_one_is_first_and_alone_sees_what_the_shop_passed(
    webs: Webs,
) -> None:
    session = await a_session(await a_merchant())
    form = {"method": "invoice", "delivery": "email"}

    async def stranger(lane: int) -> str:
        """A browser without a cookie; the one that it is given."""
        answer = await webs.lane(lane).post(f"/pay/{session}", data=form, headers=BROWSER)
        assert answer.status_code == 200
        return str(answer.headers["set-cookie"].split(";")[0])

    cookies = await asyncio.gather(*(stranger(lane) for lane in range(20)))
    for client in webs.clients:
        client.cookies.clear()
    assert len(set(cookies)) == 20
    pages = [
        await webs.lane(0).get(f"/pay/{session}/identify", headers={**BROWSER, "Cookie": cookie})
        for cookie in cookies
    ]
    assert all("Who is paying?" in page.text for page in pages)
    assert [PHONE in page.text for page in pages].count(True) == 1


async def a_code_for(phone: str) -> tuple[Shopper, str]:
    """A shopper in step 2 and the code that their phone has got."""
    shopper = Shopper.at(await a_session(await a_merchant()))
    await shopper.choose()
    return shopper, await shopper.ask_code(phone=phone)


async def guess(webs: Webs, shopper: Shopper, code: str, lane: int) -> httpx.Response:
    return await webs.lane(lane).post(
        f"/pay/{shopper.session}/identify", data={"code": code}, headers=as_browser_of(shopper)
    )


async def test_fifty_guesses_at_once_are_five_tries_and_the_code_is_burnt(webs: Webs) -> None:
    shopper, code = await a_code_for("+358480000201")
    wrong = [f"{number:06}" for number in range(51) if f"{number:06}" != code][:50]
    answers = await asyncio.gather(*(guess(webs, shopper, typed, lane) for lane, typed in enumerate(wrong)))
    assert {answer.status_code for answer in answers} == {422}
    left = sorted(
        int(found[1]) for answer in answers if (found := re.search(r"(\d) tr(?:y|ies) left", answer.text))
    )
    assert left == [1, 2, 3, 4], "each try was told of once"
    late = await guess(webs, shopper, code, 0)
    assert late.status_code == 422, "the right code comes too late"
    row = await db.fetch_one(
        "SELECT tries_left, state FROM code_challenges WHERE subject = $1", shopper.session
    )
    assert row is not None
    assert (row["tries_left"], row["state"]) == (0, "burnt")


async def test_a_right_code_sent_fifty_times_at_once_is_used_once(webs: Webs) -> None:
    shopper, code = await a_code_for("+358480000202")
    answers = await asyncio.gather(*(guess(webs, shopper, code, lane) for lane in range(50)))
    assert {answer.status_code for answer in answers} <= {200, 422}
    row = await db.fetch_one(
        "SELECT tries_left, state FROM code_challenges WHERE subject = $1", shopper.session
    )
    assert row is not None
    assert (row["tries_left"], row["state"]) == (4, "used")


async def queued_behind_a_lock(
    session: str, *contenders: Callable[[], Awaitable[httpx.Response | int]]
) -> list[httpx.Response | int]:
    """Let the contenders line up, in their order, for a session's row that this test holds; then let go."""
    lined_up: list[asyncio.Task[httpx.Response | int]] = []
    holding, let_go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with db.tx():
            await db.fetch_value("SELECT id FROM checkout_sessions WHERE public_id = $1 FOR UPDATE", session)
            holding.set()
            await let_go.wait()

    async def run(contender: Callable[[], Awaitable[httpx.Response | int]]) -> httpx.Response | int:
        return await contender()

    async def all_wait() -> bool:
        waiting = await db.fetch_value(
            """SELECT count(DISTINCT l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
               WHERE NOT l.granted AND a.datname = current_database()"""
        )
        return bool(waiting == len(lined_up))

    holder = asyncio.create_task(hold())
    await holding.wait()
    for contender in contenders:
        lined_up.append(asyncio.create_task(run(contender)))
        await until(all_wait)
    let_go.set()
    await holder
    return [await task for task in lined_up]


@pytest.mark.parametrize("first", ["confirm", "cancel"])
async def test_cancel_and_confirm_have_one_winner_and_the_other_follows(webs: Webs, first: str) -> None:
    shopper, field = await at_confirm(await a_merchant())
    key = await webs.key((await shopper.flow()).merchant)

    def cancel() -> Awaitable[httpx.Response | int]:
        return webs.lane(1).post(f"/api/v1/sessions/{shopper.session}/cancel", headers=key)

    def confirm() -> Awaitable[httpx.Response | int]:
        return press_confirm(webs.lane(0), shopper, field)

    order = [confirm, cancel] if first == "confirm" else [cancel, confirm]
    answers = dict(
        zip(
            (first, "cancel" if first == "confirm" else "confirm"),
            await queued_behind_a_lock(shopper.session, *order),
            strict=True,
        )
    )
    page, said = answers["confirm"], answers["cancel"]
    assert isinstance(page, httpx.Response)
    assert isinstance(said, httpx.Response)
    if first == "confirm":
        assert BOUGHT in page.text
        assert said.status_code == 409
        assert await state_of(shopper.session) == ("confirmed", "paid")
    else:
        assert said.json()["state"] == "cancelled"
        assert "The purchase was cancelled" in page.text
        assert await state_of(shopper.session) == ("cancelled", "cancelled")
    assert await check_books() == []


async def test_cancel_and_confirm_released_together_have_one_winner_every_time(webs: Webs) -> None:
    for _ in range(10):
        shopper, field = await at_confirm(await a_merchant())
        key = await webs.key((await shopper.flow()).merchant)
        page, said = await asyncio.gather(
            press_confirm(webs.lane(0), shopper, field),
            webs.lane(1).post(f"/api/v1/sessions/{shopper.session}/cancel", headers=key),
        )
        won = BOUGHT in page.text
        assert (said.status_code == 409) == won
        assert await state_of(shopper.session) == (
            ("confirmed", "paid") if won else ("cancelled", "cancelled")
        )
        assert await purchases_of(shopper.session) == won
    assert await check_books() == []


@pytest.mark.parametrize("first", ["confirm", "expire"])
async def test_expiry_and_confirm_have_one_winner_and_the_other_follows(webs: Webs, first: str) -> None:
    shopper, field = await at_confirm(await a_merchant())
    # A worker whose clock is ahead of the web processes': the one way in which both may believe that they are right.
    late = await db.fetch_value(
        "SELECT expires_at + interval '1 second' FROM checkout_sessions WHERE public_id = $1", shopper.session
    )

    def expire() -> Awaitable[httpx.Response | int]:
        return expire_due(late, 1_000)

    def confirm() -> Awaitable[httpx.Response | int]:
        return press_confirm(webs.lane(0), shopper, field)

    answers = await queued_behind_a_lock(
        shopper.session, *([confirm, expire] if first == "confirm" else [expire, confirm])
    )
    [page] = [answer for answer in answers if isinstance(answer, httpx.Response)]
    if first == "confirm":
        assert BOUGHT in page.text
        assert await state_of(shopper.session) == ("confirmed", "paid")
    else:
        assert BOUGHT not in page.text
        assert await state_of(shopper.session) == ("expired", "expired")
    assert await check_books() == []


async def test_one_idempotency_key_twenty_times_at_once_opens_one_session(webs: Webs) -> None:
    merchant = await a_merchant()
    headers = {**await webs.key(merchant), "Idempotency-Key": "basket-1"}
    answers = await asyncio.gather(
        *(webs.lane(lane).post("/api/v1/sessions", json=a_basket(), headers=headers) for lane in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    opened = {answer.content for answer in answers if answer.status_code == 201}
    assert len(opened) == 1
    count = await db.fetch_value("SELECT count(*) FROM checkout_sessions WHERE merchant_id = $1", merchant.id)
    assert count == 1
    again = await webs.lane(1).post("/api/v1/sessions", json=a_basket(), headers=headers)
    assert {again.content} == opened
