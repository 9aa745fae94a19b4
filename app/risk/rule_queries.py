"""Reads of a shop's own rules, what they said before, and for whom one is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.risk.conditions import Condition, MerchantRule, Mode, RuleOutcome, read


@dataclass(frozen=True, slots=True)
class RuleView:
    rule: MerchantRule
    created_at: datetime
    changed_at: datetime
    changed_by: str


_RULE: Final = """
SELECT id, public_id, name, version, conditions, outcome, mode, created_at, changed_at, changed_by
FROM risk_rules WHERE merchant_id = $1
"""


async def rules_of(merchant_id: UUID) -> tuple[RuleView, ...]:
    """Those that are on first, then those in shadow, off, and removed at last; the newest first in each."""
    rows = await db.fetch_all(
        _RULE
        + "ORDER BY array_position(ARRAY['on', 'shadow', 'off', 'removed'], mode), created_at DESC, id DESC",
        merchant_id,
    )
    return tuple(_view(row) for row in rows)


CATEGORIES_SQL: Final = """
SELECT category FROM (
    SELECT facts FROM risk_decisions WHERE merchant_id = $1 ORDER BY at DESC LIMIT $2
) d CROSS JOIN LATERAL jsonb_array_elements_text(d.facts->'categories') AS category
GROUP BY category ORDER BY count(*) DESC, category LIMIT $3
"""


async def categories_sold(merchant_id: UUID, orders: int = 500, limit: int = 50) -> tuple[str, ...]:
    """The categories that the newest orders name, the most frequent first: what a rule is compared with."""
    rows = await db.fetch_all(CATEGORIES_SQL, merchant_id, orders, limit)
    return tuple(row["category"] for row in rows)


async def rule_of(merchant_id: UUID, public_id: str, *, lock: bool = False) -> RuleView | None:
    row = await db.fetch_one(
        _RULE + "AND public_id = $2" + (" FOR UPDATE" if lock else ""), merchant_id, public_id
    )
    return None if row is None else _view(row)


def _view(row: db.Record) -> RuleView:
    return RuleView(merchant_rule(row), row["created_at"], row["changed_at"], row["changed_by"])


def merchant_rule(row: db.Record) -> MerchantRule:
    """Of a row of the table, or of one that has its columns."""
    return MerchantRule(
        id=row["id"],
        public_id=row["public_id"],
        name=row["name"],
        version=row["version"],
        conditions=read(row["conditions"]),
        outcome=row["outcome"],
        mode=row["mode"],
    )


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """What a rule said from `made_at` until its next version. `before` is the version that it changed."""

    version: int
    name: str
    conditions: tuple[Condition, ...]
    outcome: RuleOutcome
    mode: Mode
    made_at: datetime
    made_by: str


_VERSIONS: Final = """
SELECT version, name, conditions, outcome, mode, made_at, made_by FROM risk_rule_versions
WHERE merchant_id = $1 AND rule_id = $2 ORDER BY version DESC LIMIT $3
"""


async def versions_of_rule(merchant_id: UUID, rule_id: UUID, limit: int = 50) -> tuple[RuleVersion, ...]:
    """The newest first."""
    rows = await db.fetch_all(_VERSIONS, merchant_id, rule_id, limit)
    return tuple(
        RuleVersion(
            version=row["version"],
            name=row["name"],
            conditions=read(row["conditions"]),
            outcome=row["outcome"],
            mode=row["mode"],
            made_at=row["made_at"],
            made_by=row["made_by"],
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class Snooze:
    """A rule that is left out for one customer. `rule` is the word of a rule of the house, or the public id of one of
    the shop's, whose name is `rule_name`."""

    id: UUID
    rule: str
    rule_name: str | None
    customer: str
    customer_name: str | None = field(repr=False)
    until: datetime
    by: str
    made_at: datetime


_SNOOZE: Final = """
SELECT s.id, s.rule, r.name AS rule_name, c.public_id AS customer, c.name AS customer_name, s.until, s.by, s.made_at
FROM risk_snoozes s JOIN customers c ON c.id = s.customer_id
LEFT JOIN risk_rules r ON r.merchant_id = s.merchant_id AND r.public_id = s.rule
WHERE s.merchant_id = $1
"""
_SNOOZES: Final = _SNOOZE + "AND s.until > $2 ORDER BY s.until, s.id LIMIT $3"
_SNOOZES_OF_CUSTOMER: Final = (
    _SNOOZE + "AND s.customer_id = $2 AND s.until > $3 ORDER BY s.until, s.id LIMIT $4"
)


async def running_snoozes(merchant_id: UUID, now: datetime, limit: int = 200) -> tuple[Snooze, ...]:
    """Those that end first come first."""
    rows = await db.fetch_all(_SNOOZES, merchant_id, now, limit)
    return tuple(Snooze(**dict(row.items())) for row in rows)


async def snoozes_of_customer(
    merchant_id: UUID, customer_id: UUID, now: datetime, limit: int = 100
) -> tuple[Snooze, ...]:
    """What is left out for one customer now; those that end first come first."""
    rows = await db.fetch_all(_SNOOZES_OF_CUSTOMER, merchant_id, customer_id, now, limit)
    return tuple(Snooze(**dict(row.items())) for row in rows)


async def snoozed_customers(merchant_id: UUID, rule: str, now: datetime) -> frozenset[UUID]:
    """For whom a rule is left out now."""
    rows = await db.fetch_all(
        "SELECT customer_id FROM risk_snoozes WHERE merchant_id = $1 AND rule = $2 AND until > $3",
        merchant_id,
        rule,
        now,
    )
    return frozenset(row["customer_id"] for row in rows)
