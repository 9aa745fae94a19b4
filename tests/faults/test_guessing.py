"""Somebody with ten thousand addresses and one victim's phone: limits count by the phone, not by where one stands."""

from __future__ import annotations

from app.identity import rules
from app.kernel import clock
from app.kernel import db as database
from app.kernel.limits import LimitReached
from tests.factories.checkout import PHONE, Shopper, a_known_person, a_merchant, a_session

ADDRESSES = 40


async def test_from_however_many_addresses_a_phone_gets_five_codes_and_25_guesses_a_day(db: str) -> None:
    await a_known_person()
    merchant = await a_merchant()
    sent = guesses = refused = 0
    for number in range(ADDRESSES):
        await later(61)
        shopper = Shopper.at(await a_session(merchant))
        await shopper.choose()
        try:
            code = await shopper.ask_code(phone=PHONE, address=f"198.51.100.{number}")
        except LimitReached:
            refused += 1
            continue
        sent += 1
        guesses += await guess_until_burnt(shopper, code)
    assert (sent, refused) == (rules.SENDS_PER_PHONE_A_DAY, ADDRESSES - rules.SENDS_PER_PHONE_A_DAY)
    assert guesses == rules.SENDS_PER_PHONE_A_DAY * rules.CODE_TRIES == 25


async def later(seconds: int) -> None:
    offset_s = await clock.read_offset_s()
    await database.in_tx(lambda: clock.set_offset_s(offset_s + seconds))


async def guess_until_burnt(shopper: Shopper, code: str) -> int:
    """How many wrong guesses were judged before the code was worth nothing."""
    wrong = "000000" if code != "000000" else "111111"
    judged = 0
    for _ in range(rules.CODE_TRIES + 3):
        before = await tries_left(shopper)
        assert (await shopper.type_code(wrong)).outcome in {"wrong", "spent"}
        judged += before - await tries_left(shopper)
    assert (await shopper.type_code(code)).outcome == "spent"
    return judged


async def tries_left(shopper: Shopper) -> int:
    left = await database.fetch_value(
        "SELECT tries_left FROM code_challenges WHERE subject = $1", shopper.session
    )
    assert isinstance(left, int)
    return left
