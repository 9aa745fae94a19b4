"""What a shop says of its ways to pay."""

from __future__ import annotations

from app.kernel import clock
from app.merchants.queries import Merchant
from app.merchants.rules import MethodTerms
from app.merchants.ways import save_ways


async def on_credit_alone(merchant: Merchant) -> None:
    """Card and MobilePay, which take nearly any sum, are switched off."""
    without = {way: MethodTerms(is_on=False) for way in ("card", "mobilepay")}
    limit_minor = merchant.company_limit_minor
    await save_ways(merchant, without, limit_minor, actor="staff:st_1", now=clock.wall())
