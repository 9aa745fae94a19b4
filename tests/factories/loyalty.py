"""A plain programme, as most shops would begin with."""

from __future__ import annotations

from typing import Final

from app.loyalty.rules import Programme, Rate, Turning

PLAIN: Final = Programme(
    active=True,
    rate=Rate.per_unit(1_00),
    categories=(),
    periods=(),
    tiers=(),
    rounding="down",
    shipping_earns=False,
    wallet_part_earns=False,
    pending_days=14,
    expiry_months=24,
    turning=Turning(100, 100, 100),
)
