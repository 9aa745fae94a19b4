"""Reads of customers and their passkeys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.identity.actions.customers import NATIONAL_NUMBER_PURPOSE
from app.kernel import db, keys


async def national_number_of(customer_id: UUID) -> str | None:
    """The person's national number, for the credit register alone; None when no provider gave one.

    Opened here and nowhere else; the caller neither stores nor shows it.
    """
    sealed = await db.fetch_value(
        """SELECT national_number FROM verified_identities
           WHERE customer_id = $1 AND national_number IS NOT NULL ORDER BY verified_at DESC LIMIT 1""",
        customer_id,
    )
    return None if sealed is None else keys.process_keyring().open(NATIONAL_NUMBER_PURPOSE, sealed).decode()


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One of a customer's passkeys, as they and staff see it. `device` is a word of `identity.passkeys.device_of`."""

    public_id: str
    device: str
    synced: bool
    created_at: datetime
    last_used_at: datetime | None


async def passkeys_of(customer_id: UUID) -> tuple[PasskeyRow, ...]:
    """Those that work, oldest first."""
    rows = await db.fetch_all(
        """SELECT public_id, device, synced, created_at, last_used_at FROM passkeys
           WHERE customer_id = $1 AND ended_at IS NULL ORDER BY id""",
        customer_id,
    )
    return tuple(PasskeyRow(**dict(row.items())) for row in rows)
