"""What whoever is identified in a session can pay out of their wallet at this shop."""

from __future__ import annotations

from typing import Final

from app.checkout.queries import Flow
from app.kernel.money import Money
from app.ledger.queries import balance
from app.ledger.rules import wallet_of
from app.ledger.states import HoldState
from app.merchants.rules import Module

# The module of a shop that has wallets.
WALLET: Final[Module] = "wallet"


async def purse_of(flow: Flow) -> Money | None:
    """What is free to spend now, with what is set aside for this very session; None before somebody is identified in
    this browser. Two queries, and none where nothing ever came into the wallet."""
    if flow.customer is None or not flow.identified:
        return None
    if not flow.wallet_minor:
        return Money(0, flow.currency)
    found = await balance(flow.merchant.id, wallet_of(flow.customer.public_id), flow.currency, flow.now)
    own = flow.aside
    own_minor = own.amount_minor if own is not None and own.state is HoldState.PENDING else 0
    return Money(found.available + own_minor, flow.currency)
