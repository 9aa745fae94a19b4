"""Reads of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kernel import db


@dataclass(frozen=True, slots=True)
class PostingView:
    """One posting as an accountant reads it: a debit is positive, a credit negative, in minor units."""

    cause: str
    address: str
    currency: str
    amount_minor: int
    posted_at: datetime


async def postings_about(merchant_id: UUID, about: str) -> list[PostingView]:
    """Every posting of the transfers about a thing (an order's public id), oldest first."""
    rows = await db.fetch_all(
        """SELECT t.cause, a.address, p.currency, p.amount_minor, t.posted_at
           FROM transfers t
           JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id
           JOIN ledger_accounts a ON a.merchant_id = p.merchant_id AND a.id = p.account_id
           WHERE t.merchant_id = $1 AND t.about = $2 ORDER BY t.id, p.amount_minor DESC""",
        merchant_id,
        about,
    )
    return [PostingView(**row) for row in rows]
