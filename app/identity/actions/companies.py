"""Who owes what a company bought: a customer of its own, one a shop and company number.

It has no phone and no identity, so nobody is ever recognised as it and no page of a customer shows it: a contact person
proves a phone for one purchase.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.company_number import CompanyNumber

_FIND: Final = """
UPDATE customers c SET name = $4 FROM companies k
WHERE k.merchant_id = $1 AND k.country = $2 AND k.number = $3 AND c.id = k.customer_id
RETURNING c.id
"""

_NEW: Final = """
WITH customer AS (
    INSERT INTO customers (id, public_id, country, name, state, created_at)
    VALUES ($1, $2, $3, $4, 'active', $5)
)
INSERT INTO companies (merchant_id, id, country, number, customer_id, created_at) VALUES ($6, $7, $8, $9, $1, $5)
"""


async def customer_of_company(
    merchant_id: UUID, number: CompanyNumber, name: str, home: str, now: datetime
) -> UUID:
    """The customer that a company is at a shop, made at its first purchase. Its name is what was typed last; `home` is
    the shop's country. In a transaction."""
    db.require_transaction("identity: a company's customer")
    # Two first purchases at once: the second waits here and then finds what the first one made.
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        f"company {merchant_id} {number.country} {number.value}",
    )
    found = await db.fetch_value(_FIND, merchant_id, number.country, number.value, name)
    if isinstance(found, UUID):
        return found
    customer_id = ids.internal_id()
    await db.execute(
        _NEW,
        customer_id,
        ids.public_id("cus"),
        home,
        name,
        now,
        merchant_id,
        ids.internal_id(),
        number.country,
        number.value,
    )
    return customer_id
