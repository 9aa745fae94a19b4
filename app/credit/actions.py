"""The verbs of credit: store a decision, and reserve what a customer may still owe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from app.credit.errors import LimitUsedUp
from app.credit.rules import Decision, Facts, facts_digest, facts_to_json
from app.kernel import db, ids, keys

DECISION_LIFE: Final = timedelta(minutes=30)
FACTS_KEPT: Final = timedelta(days=2 * 365)
FACTS_PURPOSE: Final = "credit-facts"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a decision is about."""

    merchant_id: UUID
    session_id: UUID
    customer_id: UUID
    quote_id: str


# Parameters 1 to 16, as `asked_to_store` gives them: the head of a larger statement, which ends with what uses the
# decision.
STORE_SQL: Final = """
WITH decided AS (
    INSERT INTO credit_decisions (merchant_id, id, session_id, customer_id, quote_id, amount_minor, currency, outcome,
                                  reasons, would_pass_minor, rules_version, register_answer, facts_digest, decided_at,
                                  valid_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
), facts AS (
    INSERT INTO credit_facts (merchant_id, decision_id, sealed, created_at) VALUES ($1, $2, $16, $14)
)
"""


async def store(decision_id: UUID, subject: Subject, facts: Facts, decision: Decision, now: datetime) -> None:
    """Keep a decision with a digest of the facts it rested on, and the facts sealed; it is valid for thirty minutes.
    In a transaction."""
    await db.execute(f"{STORE_SQL} SELECT", *asked_to_store(decision_id, subject, facts, decision, now))


def asked_to_store(
    decision_id: UUID, subject: Subject, facts: Facts, decision: Decision, now: datetime
) -> tuple[object, ...]:
    return (
        subject.merchant_id,
        decision_id,
        subject.session_id,
        subject.customer_id,
        subject.quote_id,
        facts.amount_minor,
        facts.currency,
        decision.outcome,
        list(decision.reasons),
        decision.would_pass_minor,
        decision.rules_version,
        facts.answer.id if facts.answer else None,
        facts_digest(facts),
        now,
        now + DECISION_LIFE,
        keys.process_keyring().seal(FACTS_PURPOSE, facts_to_json(facts)),
    )


@dataclass(frozen=True, slots=True)
class PersonsWord:
    """What somebody on the staff (`staff`: their public id) decided in a case, and until when it holds."""

    case_id: UUID
    staff: str
    outcome: Literal["approved", "declined"]
    valid_until: datetime


# The reasons of the machine stay in the machine's row. The person saw its facts, so the row names the same ones.
_OVERRULE: Final = """
INSERT INTO credit_decisions (merchant_id, id, session_id, customer_id, quote_id, amount_minor, currency, outcome,
                              reasons, would_pass_minor, rules_version, register_answer, facts_digest, decided_at,
                              valid_until, decided_by, case_id)
SELECT merchant_id, $3, session_id, customer_id, $9, amount_minor, currency, $4, '{}', NULL, rules_version,
       register_answer, facts_digest, $5, $6, $7, $8
FROM credit_decisions WHERE merchant_id = $1 AND id = $2
RETURNING id
"""


async def decide_by_person(
    merchant_id: UUID, decision_id: UUID, quote_id: str, word: PersonsWord, now: datetime
) -> UUID:
    """Store what a person decided on the facts of a machine's decision, about the plan that is chosen now. In a
    transaction."""
    stored = await db.fetch_value(
        _OVERRULE,
        merchant_id,
        decision_id,
        ids.internal_id(),
        word.outcome,
        now,
        word.valid_until,
        word.staff,
        word.case_id,
        quote_id,
    )
    assert isinstance(stored, UUID), "a case is about a decision that stands"
    return stored


async def forget_facts(older_than: datetime, at_most: int) -> int:
    """Delete sealed facts whose time is over; the decision, its reasons and the digest stay. In a transaction."""
    status = await db.execute(
        """DELETE FROM credit_facts WHERE (merchant_id, decision_id) IN (
               SELECT merchant_id, decision_id FROM credit_facts WHERE created_at < $1 ORDER BY created_at LIMIT $2)""",
        older_than,
        at_most,
    )
    return int(status.split()[-1])


# The guard and the change are one statement: two purchases at once wait for each other on the row and cannot both pass.
_RESERVE: Final = """
INSERT INTO credit_exposures AS e (merchant_id, customer_id, currency, exposure_minor, limit_minor)
SELECT $1, $2, $3, $4, $5 WHERE $4::bigint <= $5::bigint
ON CONFLICT (merchant_id, customer_id, currency)
    DO UPDATE SET exposure_minor = e.exposure_minor + $4, limit_minor = $5
    WHERE e.exposure_minor + $4 <= $5
RETURNING exposure_minor
"""


async def reserve(
    merchant_id: UUID, customer_id: UUID, currency: str, *, amount_minor: int, limit_minor: int
) -> None:
    """Add a purchase to what a customer owes here, in a transaction. Raises LimitUsedUp when it passes the limit."""
    reserved = await db.fetch_value(_RESERVE, merchant_id, customer_id, currency, amount_minor, limit_minor)
    if reserved is None:
        raise LimitUsedUp


_HOLD: Final = """
SELECT customer_id FROM credit_exposures WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3
FOR NO KEY UPDATE
"""


async def hold(merchant_id: UUID, customer_id: UUID, currency: str) -> None:
    """For a transaction that locks accounts before it comes to `follow`; who never had credit here has nothing to
    hold."""
    await db.fetch_value(_HOLD, merchant_id, customer_id, currency)


_CHANGE: Final = """
UPDATE credit_exposures SET exposure_minor = exposure_minor + $4
WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3
RETURNING exposure_minor
"""


async def follow(merchant_id: UUID, customer_id: UUID, currency: str, *, change_minor: int) -> None:
    """Keep the exposure equal to the receivable: interest that fell due raises it, a payment lowers it.

    No limit is asked: what was agreed at the purchase may come due whatever the limit is now. In a transaction, before
    any account of the ledger is locked, as a purchase does.
    """
    changed = await db.fetch_value(_CHANGE, merchant_id, customer_id, currency, change_minor)
    assert changed is not None, "whoever owes something has an exposure"
