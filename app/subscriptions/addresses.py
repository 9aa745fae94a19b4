"""Where somebody whose subscription could not be charged chooses another way to pay without signing in: an address that
we signed and keep nowhere.

Whoever has it may have the subscription charged to a card or an agreement of their own, which nobody gains by. It shows
the plan and what is owed, and not what is charged now. It opens nothing once all is paid.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import keys
from app.subscriptions.states import SubscriptionState

PATH: Final = "/subscribed"
# So long the page still tells how it ended.
_TELLS_FOR: Final = timedelta(days=1)
_PURPOSE: Final = "subscription.address"
_ID_BYTES: Final = 16


def address_of(merchant_id: UUID, subscription_id: UUID) -> str:
    """The path of the page, with what opens it."""
    return f"{PATH}/{keys.process_keyring().sign(_PURPOSE, merchant_id.bytes + subscription_id.bytes)}"


def opened_by(token: str) -> tuple[UUID, UUID] | None:
    """The ids of the merchant and of the subscription; None for what we did not sign."""
    payload = keys.process_keyring().unsign(_PURPOSE, token)
    if payload is None or len(payload) != 2 * _ID_BYTES:
        return None
    return UUID(bytes=payload[:_ID_BYTES]), UUID(bytes=payload[_ID_BYTES:])


def is_open(state: SubscriptionState, chosen_at: datetime | None, now: datetime) -> bool:
    """`chosen_at` is when another way to pay was chosen there last, if ever."""
    tells = chosen_at is not None and now <= chosen_at + _TELLS_FOR
    return state is SubscriptionState.PAST_DUE or (tells and state is not SubscriptionState.ENDED)
