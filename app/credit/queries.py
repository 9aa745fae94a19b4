"""Reads for a credit decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.credit.actions import FACTS_PURPOSE
from app.credit.rules import Facts, facts_from_json
from app.kernel import db, keys


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as it was made. `decided_by` is 'rules' or a public id of staff; `facts` are None once forgotten."""

    id: UUID
    outcome: str
    reasons: tuple[str, ...]
    amount_minor: int
    currency: str
    quote_id: str
    rules_version: str
    register_answer: str | None
    decided_at: datetime
    valid_until: datetime
    decided_by: str
    facts: Facts | None = field(repr=False)


async def exposure_minor(merchant_id: UUID, customer_id: UUID, currency: str) -> int:
    """What a customer owes the creditor here already, in minor units."""
    found = await db.fetch_value(
        "SELECT exposure_minor FROM credit_exposures WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3",
        merchant_id,
        customer_id,
        currency,
    )
    return int(found or 0)


async def creditors_of(customer_id: UUID) -> tuple[UUID, ...]:
    """The merchants with whom a customer has something open."""
    rows = await db.fetch_all(
        """SELECT DISTINCT merchant_id FROM credit_exposures WHERE customer_id = $1 AND exposure_minor > 0
           ORDER BY merchant_id""",
        customer_id,
    )
    return tuple(row["merchant_id"] for row in rows)


async def is_stored(merchant_id: UUID, decision_id: UUID) -> bool:
    """Whether a decision with this id was ever written."""
    found = await db.fetch_value(
        "SELECT true FROM credit_decisions WHERE merchant_id = $1 AND id = $2", merchant_id, decision_id
    )
    return found is True


_STORED: Final = """
SELECT d.id, d.outcome, d.reasons, d.amount_minor, d.currency, d.quote_id, d.rules_version, d.register_answer,
       d.decided_at, d.valid_until, d.decided_by, f.sealed
FROM credit_decisions d
LEFT JOIN credit_facts f ON f.merchant_id = d.merchant_id AND f.decision_id = d.id
WHERE d.merchant_id = $1 AND d.id = $2
"""


async def stored_decision(merchant_id: UUID, decision_id: UUID) -> StoredDecision | None:
    """A decision with the facts it rested on, opened here and nowhere else."""
    row = await db.fetch_one(_STORED, merchant_id, decision_id)
    if row is None:
        return None
    values = dict(row.items())
    sealed = values.pop("sealed")
    facts = None if sealed is None else facts_from_json(keys.process_keyring().open(FACTS_PURPOSE, sealed))
    return StoredDecision(**{**values, "reasons": tuple(row["reasons"])}, facts=facts)


async def last_machine_decision(merchant_id: UUID, session_id: UUID) -> UUID | None:
    """The newest decision that the rules made in a session."""
    found = await db.fetch_value(
        """SELECT id FROM credit_decisions WHERE merchant_id = $1 AND session_id = $2 AND decided_by = 'rules'
           ORDER BY id DESC LIMIT 1""",
        merchant_id,
        session_id,
    )
    assert found is None or isinstance(found, UUID)
    return found


async def was_approved(
    merchant_id: UUID, customer_id: UUID, currency: str, *, amount_minor: int, since: datetime
) -> bool:
    """Whether a decision since then, by rules or a person, gave somebody credit of as much here."""
    return bool(
        await db.fetch_value(
            """SELECT EXISTS (SELECT FROM credit_decisions
                   WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3 AND outcome = 'approved'
                     AND amount_minor >= $4 AND decided_at >= $5)""",
            merchant_id,
            customer_id,
            currency,
            amount_minor,
            since,
        )
    )
