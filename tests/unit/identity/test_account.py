"""Sessions of customers at the level of the verbs: what races, what ends, and what is never made again."""

from __future__ import annotations

import asyncio
from contextvars import Context
from datetime import timedelta
from uuid import UUID

import pytest

from app.identity.account_queries import customer_of_session, open_sessions_of
from app.identity.actions import account, browsers
from app.identity.actions.account_sign_in import Arriving, ask_code, sign_in_by_code
from app.identity.rules import SmsBudget
from app.kernel import clock, db, ids
from tests.factories.checkout import ADDRESS, PHONE, POSTCODE, a_known_person, a_merchant
from tests.factories.passkeys import erase
from tests.support.lost_answers import lose_the_next_answer

pytestmark = pytest.mark.usefixtures("db")


async def a_person() -> UUID:
    await a_merchant()
    await a_known_person()
    found = await db.fetch_value("SELECT id FROM customers WHERE phone = $1", PHONE)
    assert isinstance(found, UUID)
    return found


async def a_session(customer_id: UUID, before: str | None = None) -> str:
    token = ids.token()
    opened = await db.in_tx(
        lambda: account.open_session(
            customer_id, "bank", token, device="iphone", before=before, wall=clock.wall()
        )
    )
    assert opened
    return token


def arriving(before: str | None = None) -> Arriving:
    wall = clock.wall()
    browser = browsers.read(None, wall=wall)
    return Arriving(browser, before, ADDRESS, "Mozilla/5.0 (iPhone)", wall, wall)


async def test_of_two_exchanges_at_once_one_gets_through_and_the_old_secret_is_over() -> None:
    token = await a_session(await a_person())
    session = (await customer_of_session(token, clock.wall()) or pytest.fail("signed in")).session_id
    new = [ids.token() for _ in range(8)]

    async def exchange(to: str) -> bool:
        return await db.in_tx(lambda: account.exchange(session, token, to))

    tasks = [asyncio.create_task(exchange(each), context=Context()) for each in new]
    done = await asyncio.gather(*tasks)
    assert done.count(True) == 1
    assert await customer_of_session(token, clock.wall()) is None
    assert await customer_of_session(new[done.index(True)], clock.wall()) is not None


async def test_an_exchange_that_races_signing_out_revives_nothing() -> None:
    """Whichever comes first, the session is over afterwards, under the old secret and under the new one."""
    customer_id = await a_person()
    for _ in range(25):
        token, new = await a_session(customer_id), ids.token()
        found = await customer_of_session(token, clock.wall())
        assert found is not None
        session = found.session_id

        async def exchange(session: UUID = session, token: str = token, new: str = new) -> bool:
            return await db.in_tx(lambda: account.exchange(session, token, new))

        await asyncio.gather(
            asyncio.create_task(exchange(), context=Context()),
            asyncio.create_task(account.sign_out_everywhere(customer_id), context=Context()),
        )
        assert await customer_of_session(token, clock.wall()) is None
        assert await customer_of_session(new, clock.wall()) is None


async def test_a_browser_has_one_session_and_the_one_before_ends_with_the_next() -> None:
    customer_id = await a_person()
    first = await a_session(customer_id)
    second = await a_session(customer_id, before=first)
    assert await customer_of_session(first, clock.wall()) is None
    assert len(await open_sessions_of(customer_id, clock.wall())) == 1
    assert await customer_of_session(second, clock.wall()) is not None


async def test_nobody_signs_in_as_somebody_who_was_erased() -> None:
    customer_id = await a_person()
    token = await a_session(customer_id)
    await erase("Aino Virta")
    assert await customer_of_session(token, clock.wall()) is None
    opened = await db.in_tx(
        lambda: account.open_session(
            customer_id, "bank", ids.token(), device="mac", before=None, wall=clock.wall()
        )
    )
    assert not opened


async def test_a_session_is_over_to_the_second_and_its_row_is_forgotten() -> None:
    customer_id = await a_person()
    token = await a_session(customer_id)
    found = await customer_of_session(token, clock.wall())
    assert found is not None
    assert await customer_of_session(token, found.expires_at - timedelta(seconds=1)) is not None
    assert await customer_of_session(token, found.expires_at) is None
    assert await db.in_tx(lambda: account.forget_expired(found.expires_at + timedelta(seconds=1), 10)) == 1


async def test_a_commit_whose_answer_was_lost_signs_in_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    await a_person()
    who = arriving()
    issued, _ = await ask_code(who, PHONE, POSTCODE, "FI", SmsBudget())
    lose_the_next_answer(monkeypatch)
    ended = await sign_in_by_code(who, issued.code)
    assert ended.outcome == "signed_in"
    assert ended.token is not None
    assert await customer_of_session(ended.token, clock.wall()) is not None
    assert await db.fetch_value("SELECT count(*) FROM customer_sessions") == 1


async def test_a_known_and_an_unknown_phone_cost_the_same_statements() -> None:
    await a_person()
    costs = []
    for phone in (PHONE, "+358480000999"):
        with db.counting() as counts:
            await ask_code(arriving(), phone, POSTCODE, "FI", SmsBudget())
        costs.append((counts.queries, counts.writes, counts.commits))
    assert costs[0] == costs[1]


async def test_fifty_guesses_at_once_sign_nobody_in() -> None:
    await a_person()
    who = arriving()
    issued, _ = await ask_code(who, PHONE, POSTCODE, "FI", SmsBudget())
    guesses = [f"{number:06d}" for number in range(50) if f"{number:06d}" != issued.code]
    tasks = [asyncio.create_task(sign_in_by_code(who, each), context=Context()) for each in guesses]
    ended = await asyncio.gather(*tasks)
    assert [each.outcome for each in ended].count("wrong") == 4
    assert {each.outcome for each in ended} == {"wrong", "spent"}
    assert (await sign_in_by_code(who, issued.code)).outcome == "spent"
    assert await db.fetch_value("SELECT count(*) FROM customer_sessions") == 0
