"""Saving a programme makes its next version; the versions before stay as they were."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.loyalty.checks import checked
from app.loyalty.errors import ProgrammeChanged
from app.loyalty.queries import latest_programme
from app.loyalty.rules import Programme

_INSERT: Final = """
INSERT INTO loyalty_programmes (merchant_id, id, version, content, actor, from_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (merchant_id, version) DO NOTHING RETURNING version
"""


async def save_programme(
    merchant_id: UUID, public_id: str, programme: Programme, *, seen_version: int, actor: str, now: datetime
) -> int:
    """Let this programme hold for what is paid from now on; answers its version. One transaction.

    `seen_version` is the one that was changed, 0 for none. A programme that says what the present one says makes no
    version. Raises ProgrammeRefused, ProgrammeChanged.
    """
    checked(programme)
    row_id = ids.internal_id()

    async def write() -> int:
        present = await latest_programme(merchant_id)
        version = present.version if present is not None else 0
        if version != seen_version:
            raise ProgrammeChanged(version)
        if present is not None and present.programme == programme:
            return version
        made = await db.fetch_value(_INSERT, merchant_id, row_id, version + 1, programme, actor, now)
        if made is None:
            raise ProgrammeChanged(version + 1)
        await audit.record(
            actor,
            "loyalty.programme_saved",
            public_id,
            merchant_id=merchant_id,
            at=now,
            detail={"version": made, "active": programme.active},
        )
        return version + 1

    return await db.in_tx(write) if not db.in_transaction() else await write()
