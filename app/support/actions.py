"""The verbs of feedback: say how it was, tell what changed, forget the words. One transaction each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.support.rules import NEWS_MAX, words_of

WORDS_KEPT: Final = timedelta(days=365)

_SAY: Final = """
INSERT INTO feedback (merchant_id, id, session_id, outcome, ease, words, lang, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, session_id)
DO UPDATE SET ease = excluded.ease, words = coalesce(excluded.words, feedback.words), lang = excluded.lang
"""
_END_NEWS: Final = """
UPDATE feedback_news SET ended_at = $3 WHERE merchant_id = $1 AND lang = $2 AND ended_at IS NULL RETURNING id
"""
_TELL: Final = "INSERT INTO feedback_news (merchant_id, id, lang, words, at) VALUES ($1, $2, $3, $4, $5)"
_LOCK_SHOP: Final = "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE"
_FORGET: Final = """
UPDATE feedback SET words = NULL WHERE (merchant_id, id) IN (
    SELECT merchant_id, id FROM feedback WHERE words IS NOT NULL AND at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING id
"""


async def say(
    merchant_id: UUID,
    session_id: UUID,
    *,
    outcome: str,
    ease: int,
    words: str | None,
    lang: str,
    now: datetime,
) -> None:
    """What one shopper says of one purchase; said again, the newer holds, and words once written stay."""

    async def write() -> None:
        await db.execute(_SAY, merchant_id, ids.internal_id(), session_id, outcome, ease, words, lang, now)

    await db.in_tx(write)


async def tell(merchant_id: UUID, lang: str, text: str, *, actor: str, now: datetime) -> None:
    """From now on shoppers of this language read what changed; nothing typed takes the news down.

    Raises FeedbackRefused.
    """
    words = words_of(text, NEWS_MAX)

    async def write() -> None:
        await db.fetch_value(_LOCK_SHOP, merchant_id)
        ended = await db.fetch_all(_END_NEWS, merchant_id, lang, now)
        if words is not None:
            await db.execute(_TELL, merchant_id, ids.internal_id(), lang, words, now)
        elif not ended:
            return
        action = "feedback_news.ended" if words is None else "feedback_news.told"
        await audit.record(actor, action, lang, merchant_id=merchant_id, at=now)

    await db.in_tx(write)


async def forget_words(before: datetime, batch: int) -> int:
    """What was written before then is forgotten, how easy it was stays. In a transaction; answers how many."""
    return len(await db.fetch_all(_FORGET, before, batch))
