"""The company that an order is for. Runs inside its caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.company_number import CompanyNumber
from app.orders.errors import OrderLocked
from app.orders.states import EDITABLE

NAME_LENGTH_MAX: Final = 100
PURCHASE_ORDER_LENGTH_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Company:
    """Who buys, by number and name, and what they call their purchase, for the invoice to repeat. A sole trader's name
    is personal data: none of it shows in a representation."""

    number: CompanyNumber
    name: str = field(repr=False)
    purchase_order: str | None = field(default=None, repr=False)


# A session's own transaction may have the order locked already; here it is held so that none is paid meanwhile.
_PUT: Final = """
WITH o AS (
    SELECT merchant_id, id FROM orders
    WHERE merchant_id = $1 AND id = $2 AND buyer = 'business' AND state = ANY($7) FOR UPDATE
)
UPDATE order_contacts c
SET company_country = $3, company_number = $4, company_name = $5, purchase_order = $6
FROM o WHERE c.merchant_id = o.merchant_id AND c.order_id = o.id
RETURNING c.order_id
"""


async def put_company(merchant_id: UUID, order_id: UUID, company: Company) -> None:
    """Say which company an order of a business is for, in place of what was said before. Raises OrderLocked once it is
    paid or has ended, and for an order of a consumer."""
    db.require_transaction("orders: naming the company")
    put = await db.fetch_value(
        _PUT,
        merchant_id,
        order_id,
        company.number.country,
        company.number.value,
        company.name,
        company.purchase_order,
        [state.value for state in EDITABLE],
    )
    if put is None:
        raise OrderLocked("locked")


def company_of(row: db.Record) -> Company | None:
    """From a row with the columns `company_country`, `company_number`, `company_name` and `purchase_order`."""
    if row["company_number"] is None:
        return None
    number = CompanyNumber(row["company_country"], row["company_number"])
    return Company(number, row["company_name"] or number.printed, row["purchase_order"])
