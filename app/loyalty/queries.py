"""Reads of loyalty, for the shopper's page, the admin and the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import db
from app.loyalty.rules import Programme


@dataclass(frozen=True, slots=True)
class ProgrammeVersion:
    """One version of a shop's programme: who saved it, and since when it holds for what is paid."""

    version: int
    programme: Programme
    actor: str
    from_at: datetime


_VERSIONS: Final = """
SELECT version, content, actor, from_at FROM loyalty_programmes WHERE merchant_id = $1
"""


async def latest_programme(merchant_id: UUID) -> ProgrammeVersion | None:
    """What holds for the next purchase; None: the shop never had a programme."""
    row = await db.fetch_one(f"{_VERSIONS} ORDER BY version DESC LIMIT 1", merchant_id)
    return _version_of(row) if row is not None else None


async def programme_at(merchant_id: UUID, at: datetime) -> ProgrammeVersion | None:
    """The version that held at this moment."""
    row = await db.fetch_one(f"{_VERSIONS} AND from_at <= $2 ORDER BY version DESC LIMIT 1", merchant_id, at)
    return _version_of(row) if row is not None else None


async def programme_versions(merchant_id: UUID, limit: int = 50) -> tuple[ProgrammeVersion, ...]:
    """Newest first."""
    rows = await db.fetch_all(f"{_VERSIONS} ORDER BY version DESC LIMIT $2", merchant_id, limit)
    return tuple(_version_of(row) for row in rows)


def _version_of(row: db.Record) -> ProgrammeVersion:
    return msgspec.convert(
        {
            "version": row["version"],
            "programme": row["content"],
            "actor": row["actor"],
            "from_at": row["from_at"],
        },
        type=ProgrammeVersion,
    )
