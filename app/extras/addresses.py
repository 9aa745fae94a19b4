"""Where somebody who took an insurance reaches it without signing in: an address that we signed and keep nowhere.

Whoever has it may give the insurance up, and its money goes back the way it was paid: nobody gains by another's.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from app.kernel import keys

PATH: Final = "/insured"
# The page still tells how it ended for so long after the last day to give it up; then the address is nobody's.
OPEN_FOR_DAYS: Final = 90
_PURPOSE: Final = "insurance.address"
_ID_BYTES: Final = 16


def address_of(merchant_id: UUID, insurance_id: UUID) -> str:
    """The path of the page, with what opens it."""
    return f"{PATH}/{keys.process_keyring().sign(_PURPOSE, merchant_id.bytes + insurance_id.bytes)}"


def opened_by(token: str) -> tuple[UUID, UUID] | None:
    """The ids of the merchant and of the insurance; None for what we did not sign."""
    payload = keys.process_keyring().unsign(_PURPOSE, token)
    if payload is None or len(payload) != 2 * _ID_BYTES:
        return None
    return UUID(bytes=payload[:_ID_BYTES]), UUID(bytes=payload[_ID_BYTES:])


def is_open(cancel_until: date, today: date) -> bool:
    return today <= cancel_until + timedelta(days=OPEN_FOR_DAYS)
