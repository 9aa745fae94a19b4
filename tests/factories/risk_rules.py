"""People whom a shop's own rules are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.kernel import db, ids

_ADD = """
INSERT INTO customers (id, public_id, country, name, state, created_at) VALUES ($1, $2, 'FI', $3, 'active', $4)
"""


@dataclass(frozen=True)
class Person:
    id: UUID
    public_id: str


async def a_person(name: str) -> Person:
    """A customer who has bought nowhere yet."""
    person = Person(ids.internal_id(), ids.public_id("cus"))
    await db.execute_alone(_ADD, person.id, person.public_id, name, datetime(2026, 11, 1, tzinfo=UTC))
    return person
