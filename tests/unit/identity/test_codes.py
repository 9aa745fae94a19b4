"""A one-time code: what it is bound to, how often it may be tried, and how many may be sent."""

from __future__ import annotations

import asyncio
from contextvars import Context
from datetime import timedelta

import pytest

from app.checkout.actions import identify_by_code, request_code
from app.identity import rules
from app.identity.rules import SmsBudget
from app.kernel import clock
from app.kernel import db as database
from app.kernel.keys import Keyring, use_keyring
from app.kernel.limits import LimitReached
from app.merchants.queries import Merchant
from tests.factories.checkout import PHONE, POSTCODE, Shopper, a_known_person, a_merchant, a_session
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("db")


async def a_shopper_with_a_code(merchant: Merchant | None = None) -> tuple[Shopper, str]:
    shopper = Shopper.at(await a_session(merchant or await a_merchant()))
    await shopper.choose()
    return shopper, await shopper.ask_code()


def another_than(code: str) -> str:
    return "000000" if code != "000000" else "111111"


def phone(number: int) -> str:
    return f"+35848{number:07}"


async def later(seconds: int) -> None:
    offset_s = await clock.read_offset_s()
    await database.in_tx(lambda: clock.set_offset_s(offset_s + seconds))


async def change(sql: str) -> None:
    await database.in_tx(lambda: database.execute(sql))


async def test_nothing_that_is_stored_tells_the_code() -> None:
    _, code = await a_shopper_with_a_code()
    stored = await database.fetch_value("SELECT c::text FROM code_challenges c")
    assert code not in stored.replace(PHONE, "").replace("\\x", " ").split()
    # The same code for two challenges leaves two digests.
    [row] = await database.fetch_all("SELECT octet_length(code_digest) AS length FROM code_challenges")
    assert row["length"] == 32


async def test_a_code_is_used_once() -> None:
    shopper, code = await a_shopper_with_a_code()
    assert (await shopper.type_code(code)).outcome == "needs_bank"
    assert (await shopper.type_code(code)).outcome == "spent"


async def test_a_code_lives_five_minutes() -> None:
    shopper, code = await a_shopper_with_a_code()
    await later(299)
    flow = await shopper.flow()
    await later(1)
    assert flow.challenge is not None
    assert flow.challenge.expires_at - flow.challenge.created_at == timedelta(minutes=5)
    assert (await shopper.type_code(code)).outcome == "expired"


async def test_a_clock_that_is_set_back_revives_no_code() -> None:
    shopper, code = await a_shopper_with_a_code()
    await change("UPDATE code_challenges SET wall_expires_at = now() - interval '1 second'")
    await later(-86_400)
    assert (await shopper.type_code(code)).outcome == "expired"


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE orders SET version = version + 1, shown_version = version + 1",
        "UPDATE orders SET total_minor = total_minor + 1",
    ],
    ids=["basket", "amount"],
)
async def test_a_purchase_that_changes_burns_its_code(edit: str) -> None:
    shopper, code = await a_shopper_with_a_code()
    await in_replica(edit)
    assert (await shopper.type_code(code)).outcome == "changed"
    assert (await shopper.type_code(code)).outcome == "spent"


async def in_replica(edit: str) -> None:
    """An edit of an order past the guards of its tables, as if its shop had made it."""

    async def write() -> None:
        await database.execute("SET LOCAL session_replication_role = replica")
        await database.execute(edit)

    await database.in_tx(write)


async def test_a_new_code_voids_the_old_one() -> None:
    shopper, old = await a_shopper_with_a_code()
    await later(61)
    new = await shopper.ask_code()
    if old != new:
        assert (await shopper.type_code(old)).outcome == "wrong"
    assert (await shopper.type_code(new)).outcome == "needs_bank"


async def test_a_code_of_one_session_is_wrong_in_another() -> None:
    merchant = await a_merchant()
    _, code = await a_shopper_with_a_code(merchant)
    other = Shopper.at(await a_session(merchant))
    await other.choose()
    mine = await other.ask_code(phone(1))
    if mine != code:
        assert (await other.type_code(code)).outcome == "wrong"


async def test_a_code_that_left_under_the_key_before_is_still_good() -> None:
    shopper, code = await a_shopper_with_a_code()
    use_keyring(Keyring({"new": bytes(range(1, 33)), "test": bytes(range(32))}))
    assert (await shopper.type_code(code)).outcome == "needs_bank"


async def test_fifty_guesses_at_once_are_fifty_counts_and_five_tries() -> None:
    shopper, code = await a_shopper_with_a_code()
    guesses = [typed for number in range(51) if (typed := f"{number:06}") != code][:50]
    ends = await asyncio.gather(*(shopper.type_code(typed) for typed in guesses))
    assert [end.outcome for end in ends].count("wrong") == rules.CODE_TRIES - 1
    assert await database.fetch_value("SELECT tries_left FROM code_challenges") == 0
    assert await counted("code.wrong.block") == 50
    assert await counted("code.wrong") == rules.CODE_TRIES
    assert (await shopper.type_code(code)).outcome == "spent"


async def test_guesses_where_no_code_lives_pause_nobody_else_s_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "WRONG_CODES_A_MINUTE", 5)
    merchant = await a_merchant()
    shopper, code = await a_shopper_with_a_code(merchant)
    idler = Shopper.at(await a_session(merchant))
    await idler.choose()
    for number in range(10):
        assert (await idler.type_code("123456", f"198.51.{number}.1")).outcome == "spent"
    assert (await shopper.type_code(code)).outcome == "needs_bank"


async def counted(scope: str) -> int:
    found = await database.fetch_value(
        "SELECT coalesce(sum(cardinality(hits)), 0) FROM limits WHERE scope = $1", scope
    )
    return int(found)


# --- sprays -------------------------------------------------------------------------------------------------


async def test_one_guess_at_each_of_many_phones_pauses_every_code_within_two_hundred(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "WRONG_CODES_A_MINUTE", 20)
    merchant = await a_merchant()
    shopper, code = await a_shopper_with_a_code(merchant)
    address = "192.0.2.1"
    for number in range(20):
        guesser = Shopper.at(await a_session(merchant))
        await guesser.choose()
        sent = await guesser.ask_code(phone(number), address=f"198.51.{number}.1")
        assert (await guesser.type_code(another_than(sent), f"198.51.{number}.1")).outcome == "wrong"
    with pytest.raises(LimitReached) as refused:
        await shopper.type_code(another_than(code), "198.51.100.1")
    assert refused.value.scope == "code.wrong"
    assert 0 < refused.value.resets_in_s <= 60
    # Even the right code is not looked at while it lasts, and its tries stand; afterwards it is good.
    with pytest.raises(LimitReached):
        await shopper.type_code(code, address)
    await later(61)
    assert (await shopper.type_code(code, address)).outcome == "needs_bank"


async def test_the_limit_of_wrong_codes_is_two_hundred_a_minute() -> None:
    assert rules.WRONG_CODES_A_MINUTE == 200


async def test_codes_that_nobody_types_stop_at_their_block_and_other_blocks_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rules, "UNANSWERED_PER_BLOCK_AN_HOUR", 5)
    assert await spray("203.0.113.{}", 8) == 5
    merchant = await a_merchant("Other shop")
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await shopper.ask_code(phone(999), address="198.51.100.1")


@pytest.mark.parametrize(
    "limit", ["UNANSWERED_PER_MERCHANT_AN_HOUR", "UNANSWERED_PER_ROUTE_AN_HOUR"], ids=["shop", "country"]
)
async def test_codes_that_nobody_types_stop_at_their_shop_and_country_wherever_they_come_from(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, limit, 5)
    assert await spray("198.51.{}.1", 8) == 5


async def spray(addresses: str, times: int) -> int:
    """How many codes left, each to a phone and from an address of its own, in a browser of its own."""
    merchant = await a_merchant()
    left = 0
    for number in range(times):
        shopper = Shopper.at(await a_session(merchant))
        await shopper.choose()
        try:
            await shopper.ask_code(phone(number), address=addresses.format(number))
        except LimitReached:
            continue
        left += 1
    return left


async def test_a_block_where_codes_are_typed_never_meets_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "UNANSWERED_PER_BLOCK_AN_HOUR", 2)
    merchant = await a_merchant()
    for number in range(6):
        shopper = Shopper.at(await a_session(merchant))
        await shopper.choose()
        code = await shopper.ask_code(phone(number), address=f"203.0.113.{number}")
        assert (await shopper.type_code(code, f"203.0.113.{number}")).outcome == "needs_bank"
    assert await counted("code.block") == 0


@pytest.mark.parametrize(
    ("budget", "scope"),
    [(SmsBudget(per_merchant_a_day=3), "sms.merchant"), (SmsBudget(per_day=3), "sms.all")],
    ids=["shop", "operator"],
)
async def test_ten_thousand_numbers_cost_no_more_than_the_day_s_budget(budget: SmsBudget, scope: str) -> None:
    merchant = await a_merchant()
    sent = 0
    refusals: list[LimitReached] = []
    for number in range(6):
        shopper = Shopper.at(await a_session(merchant))
        await shopper.choose()
        try:
            await request_code(
                await shopper.flow(),
                phone(number),
                POSTCODE,
                shopper.browser,
                address=f"198.51.{number}.1",
                wall=clock.wall(),
                budget=budget,
            )
        except LimitReached as refused:
            refusals.append(refused)
            continue
        sent += 1
    assert sent == 3
    assert {refused.scope for refused in refusals} == {scope}
    assert all(0 < refused.resets_in_s <= 86_400 for refused in refusals)
    assert await database.fetch_value("SELECT used FROM budgets WHERE scope = $1", scope) == 3
    await later(86_400)
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    await request_code(
        await shopper.flow(),
        phone(9),
        POSTCODE,
        shopper.browser,
        address="198.51.9.1",
        wall=clock.wall(),
        budget=budget,
    )


# --- known and unknown phones; parallel requests -------------------------------------------------------------


async def test_known_and_unknown_phones_cost_the_same_statements() -> None:
    await a_known_person()
    seen = []
    for number in (PHONE, phone(1)):
        shopper = Shopper.at(await a_session(await a_merchant()))
        await shopper.choose()
        flow = await shopper.flow()
        with database.counting() as counts:
            await request_code(
                flow, number, POSTCODE, shopper.browser, address="203.0.113.7", wall=clock.wall()
            )
        seen.append((counts.queries, counts.writes, counts.commits, counts.round_trips))
    assert seen[0] == seen[1]


async def test_a_code_that_is_typed_while_another_is_asked_for_waits_and_holds_nothing() -> None:
    shopper, code = await a_shopper_with_a_code()
    flow = await shopper.flow()
    async with database.tx() as asking:
        # What a request for a code takes first: the browser, then the session.
        await database.fetch_all("SELECT id FROM browsers FOR UPDATE")
        await database.fetch_all("SELECT id FROM checkout_sessions FOR UPDATE")
        typing = asyncio.create_task(
            identify_by_code(flow, code, code_is_enough=True, address="203.0.113.7", wall=clock.wall()),
            context=Context(),
        )

        async def it_waits() -> bool:
            sql = """SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'"""
            return bool(await asking.fetchval(sql))

        await until(it_waits, 30)
        assert not typing.done()
        # The last thing that the request for a code takes is free.
        await database.fetch_all("SELECT id FROM code_challenges FOR UPDATE NOWAIT")
    assert (await typing).outcome == "needs_bank"
