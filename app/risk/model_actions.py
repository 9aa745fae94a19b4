"""The verbs of a shop's model: ask for a lesson, keep what was learnt, switch it. One transaction each.

A model begins in shadow. It is switched on by a person, and only while its replay beats the rules; a night on which it
no longer does puts it back into the shadow by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import audit, db, ids, outbox
from app.risk.errors import ModelBroken, ModelMissing, ModelNotBetter
from app.risk.learning import Learnt
from app.risk.model_queries import FELL_BACK, ModelView, newest_model
from app.risk.scoring import Mode, digest_of

LEARN_JOB: Final = "risk.learn"
# With fewer outcomes there is nothing to learn.
OUTCOMES_MIN: Final = 50
# Once a night, with room for a worker that was late yesterday.
LEARN_EVERY: Final = timedelta(hours=20)
SYSTEM: Final = "system"

_DUE: Final = """
SELECT m.id FROM merchants m
LEFT JOIN LATERAL (SELECT made_at FROM risk_models WHERE merchant_id = m.id ORDER BY version DESC LIMIT 1) r ON true
WHERE (r.made_at IS NULL OR r.made_at <= $2)
  AND EXISTS (SELECT FROM risk_labels WHERE merchant_id = m.id AND (r.made_at IS NULL OR at > r.made_at))
  AND (SELECT count(*) FROM (SELECT FROM risk_labels WHERE merchant_id = m.id LIMIT $3) l) = $3
  AND NOT EXISTS (SELECT FROM outbox WHERE merchant_id = m.id AND key = $4)
LIMIT $1
"""


async def ask_for_lessons(now: datetime, at_most: int) -> int:
    """Ask for tonight's lesson of each shop that has learnt of something since its last one. Answers how many."""
    key = f"{LEARN_JOB}:{now:%Y-%m-%d}"

    async def put() -> int:
        rows = await db.fetch_all(_DUE, at_most, now - LEARN_EVERY, OUTCOMES_MIN, key)
        for row in rows:
            await outbox.put(row["id"], LEARN_JOB, {}, run_at=now, key=key)
        return len(rows)

    return await db.in_tx(put)


_KEEP: Final = """
INSERT INTO risk_models (merchant_id, id, version, made_at, content, digest, figures, mode, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $4, $9)
"""


async def keep_in_tx(merchant_id: UUID, learnt: Learnt, now: datetime) -> int:
    """A new version with what was learnt; answers its number. It stays as switched as the last one was, unless that was
    on and this one no longer beats the rules. In a transaction."""
    await db.fetch_value("SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE", merchant_id)
    last = await newest_model(merchant_id)
    mode: Mode = "shadow" if last is None else last.mode
    by = SYSTEM if last is None else last.changed_by
    if mode == "on" and not learnt.figures.beats_rules:
        mode, by = "shadow", FELL_BACK
    version = 1 if last is None else last.version + 1
    await db.execute(
        _KEEP,
        merchant_id,
        ids.internal_id(),
        version,
        now,
        msgspec.to_builtins(learnt.content),
        digest_of(learnt.content),
        msgspec.to_builtins(learnt.figures),
        mode,
        by,
    )
    await _tell(merchant_id, last, learnt, version, fell_back=by == FELL_BACK, now=now)
    return version


async def _tell(
    merchant_id: UUID, last: ModelView | None, learnt: Learnt, version: int, *, fell_back: bool, now: datetime
) -> None:
    """What staff have to know stands in the audit; the first page shows it as long as it holds."""
    subject = f"model:{version}"
    if fell_back and last is not None and last.mode == "on":
        await audit.record(SYSTEM, "model.fell_back", subject, merchant_id=merchant_id, at=now)
    drift_at = learnt.figures.drift_at
    known_at = last.figures.drift_at if last is not None and last.figures is not None else None
    if drift_at is not None and (known_at is None or drift_at > known_at):
        detail = {"since": drift_at.isoformat()}
        await audit.record(SYSTEM, "model.drift", subject, merchant_id=merchant_id, at=now, detail=detail)


async def switch(merchant_id: UUID, version: int, mode: Mode, *, actor: str, now: datetime) -> None:
    """Switch the model. Raises ModelMissing when `version` is not the newest any more, ModelBroken when it cannot be
    read, ModelNotBetter when it would be on without beating the rules."""

    async def write() -> None:
        model = await newest_model(merchant_id, lock=True)
        if model is None or model.version != version:
            raise ModelMissing
        if mode == "on":
            if model.broken is not None:
                raise ModelBroken(model.broken)
            if model.figures is None or not model.figures.beats_rules:
                raise ModelNotBetter
        if model.mode == mode and model.changed_by != FELL_BACK:
            return
        await db.execute(
            """UPDATE risk_models SET mode = $3, changed_at = $4, changed_by = $5
               WHERE merchant_id = $1 AND id = $2""",
            merchant_id,
            model.id,
            mode,
            now,
            actor,
        )
        detail = {"from": model.mode, "to": mode}
        await audit.record(
            actor, "model.switched", f"model:{version}", merchant_id=merchant_id, at=now, detail=detail
        )

    await db.in_tx(write)
