"""Money of the wallet is set aside for a session, from the page that shows it to the purchase, and comes free again.

The ledger's hold is the money; the session points at the newest one that was made for it. Inside the callers'
transactions, session before wallet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.checkout.errors import HoldEnded, SessionEnded
from app.checkout.flow_parts import Aside, Customer
from app.checkout.purse import WALLET
from app.checkout.queries import Flow
from app.checkout.states import SessionState
from app.kernel import db, ids
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger import errors as ledger_errors
from app.ledger.rules import wallet_of
from app.ledger.states import HoldState
from app.merchants.modules import require_module
from app.wallet import actions as wallet

SHOPPER: Final = "shopper"

# As long as a decision on credit: whoever takes longer to confirm asks for it once more.
HOLD_LIFE: Final = timedelta(minutes=30)

_LOCK: Final = """
SELECT hold_id FROM checkout_sessions
WHERE merchant_id = $1 AND id = $2 AND state = $3 AND expires_at > $4 AND quote_id = $5 AND customer_id = $6
FOR UPDATE
"""


async def set_aside(flow: Flow) -> Flow:
    """Set aside what the chosen way to pay takes from the wallet of whoever is identified here; the flow as it is now.

    Without enough money nothing is set aside, which `flow.money_aside` tells. One transaction. Raises SessionEnded when
    session, choice or person are others by now, and ModuleOff.
    """
    return await db.in_tx(lambda: _set_aside(flow))


async def _set_aside(flow: Flow) -> Flow:
    assert flow.quote is not None, "something is chosen"
    assert flow.customer is not None, "somebody is identified"
    held = await db.fetch_one(
        _LOCK,
        flow.merchant.id,
        flow.session_id,
        SessionState.OPEN.value,
        flow.now,
        flow.quote.id,
        flow.customer.id,
    )
    if held is None:
        raise SessionEnded
    await db.race_point("session locked for its hold")
    return await set_aside_in_tx(flow, before=held["hold_id"])


async def set_aside_in_tx(flow: Flow, *, before: UUID | None) -> Flow:
    """As above for a session that is locked; `before` is the hold that it has, which comes free first."""
    quote, customer, now = flow.quote, flow.customer, flow.now
    assert quote is not None, "something is chosen"
    assert customer is not None, "somebody is identified"
    merchant_id = flow.merchant.id
    await require_module(merchant_id, WALLET)
    if before is not None:
        await ledger.release(merchant_id, before, actor=SHOPPER, now=now)
    until = min(now + HOLD_LIFE, flow.expires_at)
    try:
        hold = await ledger.hold(
            merchant_id,
            # Another one each time: what ended stays ended.
            key=f"{flow.public_id}:{ids.internal_id()}",
            about=flow.order_public_id,
            account=wallet_of(customer.public_id),
            amount=Money(quote.wallet_minor, quote.currency),
            expires_at=until,
            now=now,
        )
    except ledger_errors.InsufficientFunds:
        return replace(flow, aside=None)
    await db.execute(
        "UPDATE checkout_sessions SET hold_id = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        flow.session_id,
        hold.id,
    )
    return replace(flow, aside=Aside(hold.id, quote.wallet_minor, HoldState.PENDING, until))


async def free_in_tx(merchant_id: UUID, hold_id: UUID | None, *, actor: str, now: datetime) -> None:
    """What was set aside is the customer's to spend again, unless it was spent or came free before."""
    if hold_id is not None:
        await ledger.release(merchant_id, hold_id, actor=actor, now=now)


async def check_aside(flow: Flow) -> None:
    """What is confirmed can be paid: with money set aside it goes on, whatever the shop has switched off since. In a
    transaction. Raises ModuleOff without money set aside in a shop whose wallet is off by now, else HoldEnded."""
    if flow.money_aside:
        return
    await require_module(flow.merchant.id, WALLET)
    raise HoldEnded


async def spend_in_tx(flow: Flow, customer: Customer) -> None:
    """The money that was set aside pays its part of the price. Raises HoldEnded when it came free meanwhile."""
    if flow.quote is None or not flow.quote.wallet_minor:
        return
    assert flow.aside is not None, "it was looked at under the lock"
    key = f"wallet:{flow.order_public_id}"
    try:
        await wallet.capture(
            flow.merchant,
            customer.public_id,
            flow.aside.id,
            about=flow.order_public_id,
            key=key,
            now=flow.now,
        )
    except ledger_errors.HoldEnded:
        raise HoldEnded from None


# Without a lock on the session: whoever confirms waits for the order that the caller has changed, and then finds a
# version that they have not seen.
_OUTDATED: Final = """
SELECT s.hold_id FROM orders o JOIN checkout_sessions s ON s.merchant_id = o.merchant_id AND s.order_id = o.id
WHERE o.merchant_id = $1 AND o.public_id = $2 AND s.hold_id IS NOT NULL AND s.seen_version <> o.shown_version
ORDER BY s.id
"""


async def free_outdated_in_tx(merchant_id: UUID, order_public_id: str, *, actor: str, now: datetime) -> None:
    """The shop has changed an order: what was set aside for the order as it was comes free. Whoever goes on with the
    order as it is sets aside anew. In the transaction of the edit."""
    for row in await db.fetch_all(_OUTDATED, merchant_id, order_public_id):
        await ledger.release(merchant_id, row["hold_id"], actor=actor, now=now)
