"""What the sandbox twins of the outside world remember, and the people who live there. Test mode only.

Both are tables and not objects in memory, because any of several web processes may be asked next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from app.kernel import clock, db

_REMEMBER = """
INSERT INTO sandbox_memory AS known (key, value, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
WHERE known.expires_at <= $4
RETURNING true
"""

# SKIP LOCKED: two processes that sweep at once share the work instead of waiting for each other.
_SWEEP = """
DELETE FROM sandbox_memory WHERE key IN (
    SELECT key FROM sandbox_memory WHERE expires_at <= $1 LIMIT 100 FOR UPDATE SKIP LOCKED
)
"""

_RECALL = "SELECT value FROM sandbox_memory WHERE key = $1 AND expires_at > $2"

_CHANGE = """
UPDATE sandbox_memory SET value = value || $2, expires_at = greatest(expires_at, $4)
WHERE key = $1 AND expires_at > $3 RETURNING value
"""

_PERSON = "SELECT subject, name, kind, phone, national_number, birthdate, country FROM sandbox_shoppers"

_PERSON_BY_SUBJECT = f"{_PERSON} WHERE subject = $1"

_PEOPLE_FOUND = f"""
{_PERSON} WHERE country = $3
    AND (position(lower($1) IN lower(name)) > 0 OR position($1 IN coalesce(phone, '')) > 0)
ORDER BY created_at, id LIMIT $2
"""

# The seeded ones came first and are asked for by name; the newest were made a moment ago by the test that
# looks.
_PEOPLE_AT_BOTH_ENDS = """
WITH picked AS (
    (SELECT id FROM sandbox_shoppers WHERE country = $2 ORDER BY created_at, id LIMIT $1)
    UNION
    (SELECT id FROM sandbox_shoppers WHERE country = $2 ORDER BY created_at DESC, id DESC LIMIT $1)
)
SELECT subject, name, kind, phone, national_number, birthdate, country FROM sandbox_shoppers
WHERE id IN (SELECT id FROM picked) ORDER BY created_at, id
"""


@dataclass(frozen=True, slots=True)
class SandboxPerson:
    """Somebody the sandbox bank can vouch for."""

    subject: str
    name: str
    kind: str
    phone: str | None = field(repr=False)
    national_number: str = field(repr=False)
    birthdate: date = field(repr=False)
    country: str


async def remember_once(key: str, value: Mapping[str, object], ttl_s: int) -> bool:
    """Keeps `value` (a JSON object) under `key` for `ttl_s` seconds. False, and nothing changes, while the
    key is known: of many callers at once exactly one hears True. One transaction."""
    now = clock.wall()

    async def remember() -> bool:
        await db.execute(_SWEEP, now)
        return await db.fetch_value(_REMEMBER, key, value, now + timedelta(seconds=ttl_s), now) is True

    return await db.in_tx(remember)


async def recall(key: str) -> object | None:
    """What is kept under `key`; None once it has expired."""
    value: object | None = await db.fetch_value(_RECALL, key, clock.wall())
    return value


async def change(key: str, changes: Mapping[str, object], ttl_s: int) -> object | None:
    """Lays `changes` over the JSON object kept under `key`; what it is now, None when nothing is known.
    Changes of several callers at once are all kept. One transaction."""
    now = clock.wall()

    async def lay_over() -> object | None:
        kept: object | None = await db.fetch_value(
            _CHANGE, key, dict(changes), now, now + timedelta(seconds=ttl_s)
        )
        return kept

    return await db.in_tx(lay_over)


async def person_by_subject(subject: str) -> SandboxPerson | None:
    row = await db.fetch_one(_PERSON_BY_SUBJECT, subject)
    return None if row is None else _person(row)


async def people(country: str, search: str, at_most: int) -> list[SandboxPerson]:
    """People of a country whose name or phone holds `search`; with an empty search the first and the newest ones."""
    if search:
        rows = await db.fetch_all(_PEOPLE_FOUND, search, at_most, country)
    else:
        rows = await db.fetch_all(_PEOPLE_AT_BOTH_ENDS, at_most // 2, country)
    return [_person(row) for row in rows]


def _person(row: db.Record) -> SandboxPerson:
    return SandboxPerson(
        subject=row["subject"],
        name=row["name"],
        kind=row["kind"],
        phone=row["phone"],
        national_number=row["national_number"],
        birthdate=row["birthdate"],
        country=row["country"],
    )
