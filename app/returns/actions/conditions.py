"""A shop says what it takes back, and who has a say in refunds."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Final

from app.kernel import audit, db
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.returns.queries import conditions_of
from app.returns.rules import Conditions, checked, law_days

_SAVE: Final = """
INSERT INTO return_conditions (merchant_id, days, delivery_days, fee_minor, fee_waived_to_wallet, kept_categories,
                               approval_above_minor)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (merchant_id) DO UPDATE
    SET days = EXCLUDED.days, delivery_days = EXCLUDED.delivery_days, fee_minor = EXCLUDED.fee_minor,
        fee_waived_to_wallet = EXCLUDED.fee_waived_to_wallet, kept_categories = EXCLUDED.kept_categories,
        approval_above_minor = EXCLUDED.approval_above_minor
"""
# The shop's own row: two first savings meet there.
_LOCK_SHOP: Final = "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE"


async def save_conditions(merchant: Merchant, wanted: Conditions, *, actor: str, now: datetime) -> Conditions:
    """From the next return on; what was announced keeps what the shopper was told. One transaction.

    Every change stands in the audit log with what was before. Raises ConditionsRefused.
    """
    today = merchant.local_date(now)
    conditions = checked(wanted, law_days(law_of(merchant.country), today))

    async def write() -> None:
        await db.fetch_value(_LOCK_SHOP, merchant.id)
        before = asdict(await conditions_of(merchant, today))
        after = asdict(conditions)
        changed = {
            name: [_plain(before[name]), _plain(new)] for name, new in after.items() if before[name] != new
        }
        if not changed:
            return
        await db.execute(
            _SAVE,
            merchant.id,
            conditions.days,
            conditions.delivery_days,
            conditions.fee_minor,
            conditions.fee_waived_to_wallet,
            list(conditions.kept_categories),
            conditions.approval_above_minor,
        )
        await audit.record(
            actor,
            "merchant.return_conditions",
            merchant.public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"changed": changed},
        )

    await db.in_tx(write)
    return conditions


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
