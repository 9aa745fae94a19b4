"""One row for each shop that has anything to pay: which month comes next. Whoever counts or closes holds it."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from app.kernel import db

_LOCK: Final = "SELECT next_month FROM price_counts WHERE merchant_id = $1 FOR NO KEY UPDATE"

# Shops whose module costs something and was switched on before they had a price plan of any kind.
_BEGIN_OF_MODULES: Final = """
INSERT INTO price_counts (merchant_id, next_month)
SELECT c.merchant_id, date_trunc('month', min(c.changed_at) AT TIME ZONE m.time_zone)::date
FROM merchant_module_changes c JOIN merchants m ON m.id = c.merchant_id
WHERE c.is_on AND c.price_minor > 0
  AND NOT EXISTS (SELECT FROM price_counts k WHERE k.merchant_id = c.merchant_id)
GROUP BY c.merchant_id, m.time_zone
ON CONFLICT (merchant_id) DO NOTHING
"""


async def lock(merchant_id: UUID) -> date | None:
    """The first month that is not closed, held until the caller's transaction ends; None where nothing is paid."""
    db.require_transaction("prices.lock")
    month: date | None = await db.fetch_value(_LOCK, merchant_id)
    return month


async def begin_of_modules() -> None:
    """A row for each shop that pays for a module alone. Nothing to do, most times."""
    await db.execute_alone(_BEGIN_OF_MODULES)


async def begin(merchant_id: UUID, month: date) -> None:
    """A row for this shop, in the caller's transaction, if it has none."""
    await db.execute(
        "INSERT INTO price_counts (merchant_id, next_month) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        merchant_id,
        month,
    )
