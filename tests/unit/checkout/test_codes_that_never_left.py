"""A gateway that refuses costs a shopper the minute until the next try, and not the day."""

from __future__ import annotations

import pytest

from app.checkout.actions import code_never_left, request_code
from app.identity.rules import SENDS_PER_PHONE_A_DAY
from app.kernel import clock, db
from app.kernel.limits import LimitReached
from tests.factories.checkout import ADDRESS, PHONE, POSTCODE, Shopper, a_merchant, a_session

pytestmark = pytest.mark.usefixtures("db")


async def test_codes_that_never_left_do_not_count_for_the_day_and_are_worth_nothing() -> None:
    merchant = await a_merchant()
    shopper = Shopper.at(await a_session(merchant))
    for number in range(SENDS_PER_PHONE_A_DAY + 1):
        offset_s = 61 * number
        await db.in_tx(lambda seconds=offset_s: clock.set_offset_s(seconds))  # type: ignore[misc]
        shopper = Shopper.at(await a_session(merchant))
        await shopper.choose()
        flow = await shopper.flow()
        issued, asked = await request_code(
            flow, PHONE, POSTCODE, shopper.browser, address=ADDRESS, wall=clock.wall()
        )
        await code_never_left(asked, issued, PHONE, POSTCODE, address=ADDRESS)
        assert (await shopper.type_code(issued.code)).outcome == "spent"
    with pytest.raises(LimitReached):
        await shopper.ask_code()
