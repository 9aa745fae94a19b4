"""Models of a shop as a nightly lesson leaves them."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.risk.comparing import AtLoad, Figures, Found
from app.risk.learning import Learnt
from app.risk.model_actions import keep_in_tx
from app.risk.prior import prior
from app.risk.scoring import Content

MODEL = Found(20, 16, 1_234_500, 30_000)
RULES = Found(20, 4, 250_000, 90_000)


def some_figures(now: datetime, *, orders: int = 900, only_model: int = 14) -> Figures:
    """Of a model that does clearly better than the rules, unless it is told otherwise."""
    return Figures(
        orders=orders,
        bad=40,
        from_at=now - timedelta(days=200),
        to_at=now - timedelta(days=31),
        share=0.014,
        loads=(
            AtLoad(0.014, MODEL, RULES),
            AtLoad(0.05, Found(50, 27, 2_110_000, 190_000), Found(50, 12, 540_000, 410_000)),
        ),
        only_model=only_model,
        only_rules=2,
        drift_at=None,
        has_prior=True,
    )


def some_content(**changed: object) -> Content:
    return msgspec.structs.replace(prior(), **{"threshold": 0.2, "learnt": 900, **changed})


async def a_model(
    merchant: Merchant, figures: Figures | None = None, at: datetime | None = None, **changed: object
) -> int:
    """A new version; answers its number."""
    at = clock.wall() if at is None else at
    learnt = Learnt(some_content(**changed), figures or some_figures(at))
    return await db.in_tx(lambda: keep_in_tx(merchant.id, learnt, at))
