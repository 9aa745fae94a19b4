"""How a shop reviews: the sample that is looked at blind, and the sum above which an approval takes two people."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.cases.queries import ReviewSettings
from app.kernel import audit, db

_SAVE: Final = """
INSERT INTO review_settings (merchant_id, sample_ppm, second_above_minor, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id) DO UPDATE
SET sample_ppm = excluded.sample_ppm, second_above_minor = excluded.second_above_minor,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""


async def save_settings(
    merchant_id: UUID, settings: ReviewSettings, public_id: str, *, actor: str, now: datetime
) -> None:
    """Keep the settings of a shop (`public_id`: the merchant's); they hold from now on."""

    async def write() -> None:
        await db.execute(_SAVE, merchant_id, settings.sample_ppm, settings.second_above_minor, now, actor)
        detail = {"sample_ppm": settings.sample_ppm, "second_above_minor": settings.second_above_minor}
        await audit.record(
            actor, "review_settings.saved", public_id, merchant_id=merchant_id, at=now, detail=detail
        )

    await db.in_tx(write)
