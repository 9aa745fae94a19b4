"""What of the product a shop has beside its core. The operator says what a module costs; the shop switches it.

`Merchant.has("wallet")` tells it for free and at most five seconds late, which is right for a page. A verb that moves
money asks `require_module` in its own transaction: that answer holds until the transaction ends, because a switch waits
for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.merchants.errors import FieldRefused, ModuleOff, ModuleTermsChanged
from app.merchants.queries import Merchant, forget_kept_merchants
from app.merchants.rules import MODULE_PRICE_MAX_MINOR, Module, ModuleState

# `merchants` and not its own name: there is no row to lock before the first switch, and two first switches meet here.
_LOCK_SHOP: Final = "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE"
_OF: Final = "SELECT is_on, price_minor FROM merchant_modules WHERE merchant_id = $1 AND module = $2"
_SAVE: Final = """
INSERT INTO merchant_modules (merchant_id, module, is_on, price_minor, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (merchant_id, module) DO UPDATE
    SET is_on = EXCLUDED.is_on, price_minor = EXCLUDED.price_minor, changed_at = EXCLUDED.changed_at,
        changed_by = EXCLUDED.changed_by
"""
_ADD_CHANGE: Final = """
INSERT INTO merchant_module_changes (merchant_id, id, module, is_on, price_minor, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


@dataclass(frozen=True, slots=True)
class ModuleTerms:
    """Whether a shop has it switched on, and what it costs a month in minor units of the shop's currency: 0 when the
    price plan includes it."""

    is_on: bool = False
    price_minor: int = 0


async def terms_of(merchant_id: UUID, module: Module) -> ModuleTerms:
    """As they stand now, not kept. A module nobody has touched is included and off."""
    row = await db.fetch_one(_OF, merchant_id, module)
    return ModuleTerms() if row is None else ModuleTerms(row["is_on"], row["price_minor"])


async def was_decided(merchant_id: UUID, module: Module) -> bool:
    """Whether anybody has said anything of this module yet."""
    return await db.fetch_one(_OF, merchant_id, module) is not None


async def module_states(merchant_id: UUID) -> list[ModuleState]:
    """Every change of every module of a shop, in the order they were made."""
    rows = await db.fetch_all(
        """SELECT module, is_on, price_minor, changed_at AS at FROM merchant_module_changes
           WHERE merchant_id = $1 ORDER BY id""",
        merchant_id,
    )
    return [ModuleState(**row) for row in rows]


async def require_module(merchant_id: UUID, module: Module) -> None:
    """In the caller's transaction, before any account is locked: the module is on, and stays on until that transaction
    ends. Raises ModuleOff."""
    db.require_transaction("require_module")
    if await db.fetch_value(f"{_OF} AND is_on FOR SHARE", merchant_id, module) is None:
        raise ModuleOff(module)


async def switch_module(
    merchant: Merchant, module: Module, *, on: bool, seen_price_minor: int, actor: str, now: datetime
) -> bool:
    """Switch a module on or off; one transaction, which waits for money that is on its way. False: it stood so already.

    `seen_price_minor` is the price that whoever switches has read. Raises ModuleTermsChanged when it is another one by
    now.
    """

    async def write() -> bool:
        before = await _locked(merchant.id, module)
        if on and before.price_minor != seen_price_minor:
            raise ModuleTermsChanged(before.price_minor)
        return await _change(merchant, module, before, ModuleTerms(on, before.price_minor), actor, now)

    changed = await db.in_tx(write)
    forget_kept_merchants()
    return changed


async def set_module_price(
    merchant: Merchant, module: Module, price_minor: int, *, actor: str, now: datetime
) -> bool:
    """What the module costs this shop a month, 0 for included. The operator's verb; one transaction.

    Where it is on, the price holds from the next month: `prices.rules.module_line`.
    Raises FieldRefused ("price"): out_of_range.
    """
    if not 0 <= price_minor <= MODULE_PRICE_MAX_MINOR:
        raise FieldRefused("price", "out_of_range")

    async def write() -> bool:
        before = await _locked(merchant.id, module)
        return await _change(merchant, module, before, ModuleTerms(before.is_on, price_minor), actor, now)

    changed = await db.in_tx(write)
    forget_kept_merchants()
    return changed


async def _locked(merchant_id: UUID, module: Module) -> ModuleTerms:
    await db.fetch_value(_LOCK_SHOP, merchant_id)
    return await terms_of(merchant_id, module)


async def _change(
    merchant: Merchant, module: Module, before: ModuleTerms, after: ModuleTerms, actor: str, now: datetime
) -> bool:
    if before == after:
        return False
    await db.execute(_SAVE, merchant.id, module, after.is_on, after.price_minor, now, actor)
    await db.execute(
        _ADD_CHANGE, merchant.id, ids.internal_id(), module, after.is_on, after.price_minor, now, actor
    )
    await audit.record(
        actor,
        "merchant.module",
        merchant.public_id,
        merchant_id=merchant.id,
        at=now,
        detail={
            "module": module,
            "is_on": [before.is_on, after.is_on],
            "price_minor": [before.price_minor, after.price_minor],
        },
    )
    return True
