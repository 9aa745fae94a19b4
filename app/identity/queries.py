"""Reads of customers."""

from __future__ import annotations

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
