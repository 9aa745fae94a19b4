"""Passkeys as a test would say them: a person saves one after a purchase, and uses it in another session."""

from __future__ import annotations

from typing import Any, Final

from app.checkout import actions
from app.identity.actions.browsers import BrowserToken
from app.identity.passkeys import RelyingParty
from app.identity.ports import VerifiedIdentity
from app.kernel import clock, db
from app.merchants.queries import Merchant
from tests.factories.checkout import Shopper, a_session
from tests.support.authenticator import ORIGIN, RP_ID, Device

PARTY: Final = RelyingParty(RP_ID, ORIGIN, "Kolme")
AGENT: Final = (
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36"
)


async def a_shopper_at_identify(merchant: Merchant) -> Shopper:
    shopper = Shopper.at(await a_session(merchant))
    await shopper.choose()
    return shopper


async def a_bank_customer(merchant: Merchant, identity: VerifiedIdentity | None = None) -> Shopper:
    shopper = await a_shopper_at_identify(merchant)
    await shopper.return_from_bank(identity)
    return shopper


async def save(shopper: Shopper, device: Device, **wishes: Any) -> None:
    """`wishes` override what the device answers to."""
    options = await actions.ask_to_save(await shopper.flow(), PARTY, clock.wall())
    await save_answer(shopper, device.make({**options, **wishes}))


async def save_answer(shopper: Shopper, answer: str) -> None:
    flow = await shopper.flow()
    await actions.save_passkey(flow, answer, PARTY, user_agent=AGENT, wall=clock.wall())


async def a_saved_passkey(
    merchant: Merchant, device: Device | None = None, identity: VerifiedIdentity | None = None
) -> Device:
    """In the device of somebody who was identified by their bank."""
    holder = device or Device()
    await save(await a_bank_customer(merchant, identity), holder)
    return holder


async def asked(shopper: Shopper) -> dict[str, Any]:
    return await actions.ask_for_passkey(await shopper.flow(), shopper.browser, PARTY, clock.wall())


async def answer(shopper: Shopper, text: str) -> None:
    """The browser takes its new secret, as the cookie would bring it."""
    flow = await shopper.flow()
    token = await actions.identify_by_passkey(flow, text, shopper.browser, PARTY, clock.wall())
    shopper.browser = BrowserToken(token, clock.wall(), fresh=False)


async def use(shopper: Shopper, device: Device, **lies: Any) -> None:
    await answer(shopper, device.sign(await asked(shopper), **lies))


async def erase(name: str) -> None:
    """As the erasure of a person leaves their row."""

    async def write() -> None:
        await db.execute("UPDATE customers SET state = 'erased', name = NULL WHERE name = $1", name)

    await db.in_tx(write)
