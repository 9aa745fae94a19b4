"""Who did what to what, when: a log that only grows, written in the transaction of the deed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from app.kernel import db, ids


async def record(
    actor: str,
    action: str,
    subject: str,
    *,
    merchant_id: UUID | None,
    at: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one line: `actor` and `subject` are public ids, `action` is a word like "key.created".

    No personal data stands here: the log outlives it.
    """
    await db.execute(
        "INSERT INTO audit_log (id, merchant_id, actor, action, subject, at, detail)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        ids.internal_id(),
        merchant_id,
        actor,
        action,
        subject,
        at,
        detail or {},
    )
