"""Purchases that were confirmed and wait for a person."""

from __future__ import annotations

from typing import Final, Literal

from app.cases.queries import CaseView, newest_of_session
from app.checkout import actions, shown
from app.checkout.actions import Answer, Details, answer_case
from app.checkout.assessing import Press
from app.checkout.queries import Flow
from app.kernel import db
from app.merchants.queries import Merchant
from tests.factories.checkout import Shopper, a_known_person, a_session
from tests.factories.wallets_in_flow import aino_identified, pay_all_from_wallet

TEST_MODE: Final = Press(is_test=True)
# What is confirmed with such an address waits for a person, or is declined.
HELD: Final = "aino@held.example"
STOPPED: Final = "aino@stopped.example"


async def a_shopper_who_may_confirm(merchant: Merchant, email: str = HELD) -> Shopper:
    await a_known_person()
    shopper = Shopper.at(await a_session(merchant, email=email))
    await shopper.choose()
    await shopper.return_from_bank()
    await shopper.be_decided()
    return shopper


async def press(shopper: Shopper, details: Details | None = None, how: Press = TEST_MODE) -> Flow:
    """Confirm, as a page in Swedish does in test mode."""
    signed = shown.sign(await shopper.flow())
    return await actions.confirm(
        shopper.session, shopper.browser, signed, details or Details(), lang="sv", press=how
    )


async def a_held_purchase(merchant: Merchant) -> tuple[Shopper, CaseView]:
    shopper = await a_shopper_who_may_confirm(merchant)
    await press(shopper)
    return shopper, await case_of(shopper)


async def a_held_purchase_by_wallet(merchant: Merchant) -> tuple[Shopper, CaseView]:
    """All of it is paid by the wallet of Aino, who has the money."""
    shopper = await aino_identified(merchant, session=await a_session(merchant, email=HELD))
    await pay_all_from_wallet(shopper)
    await press(shopper)
    return shopper, await case_of(shopper)


async def case_of(shopper: Shopper) -> CaseView:
    """The newest case about the session, however it stands."""
    flow = await shopper.flow()
    case = await newest_of_session(flow.merchant.id, flow.session_id)
    assert case is not None
    return case


async def answer(
    shopper: Shopper, case: CaseView, outcome: Literal["approved", "declined"] = "approved"
) -> None:
    """A person's answer takes effect."""
    flow = await shopper.flow()
    await answer_case(flow.merchant, case.public_id, Answer(outcome, "stf_1", "Looked at"), flow.now)


async def told(merchant: Merchant) -> list[str]:
    """What the shop was told, in order."""
    rows = await db.fetch_all("SELECT type FROM events WHERE merchant_id = $1 ORDER BY id", merchant.id)
    return [row["type"] for row in rows]


async def states(shopper: Shopper) -> tuple[str, str]:
    flow = await shopper.flow()
    return flow.state.value, flow.order_state.value
