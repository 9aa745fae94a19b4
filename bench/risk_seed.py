"""Very many decisions about risk in a few statements, for databases that are thrown away: no row they speak of stands.

Two years of one shop. Most phones, addresses and devices are a few people's; a tenth of the orders goes to a handful of
parcel points, a third comes out of a few mobile networks, and every fifth is the basket of the season.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from app.risk.collecting import collect
from app.risk.digests import Digest, digests_of
from app.risk.facts import Item, Purchase
from tests.factories.risk import a_purchase

PEOPLE: Final = 120_000
PARCEL_POINTS: Final = 8
NETWORKS: Final = 4_000
MOBILE_NETWORKS: Final = 6
BASKETS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Who buys the n-th time: which of the subjects their order has."""

    person: int
    address: int
    network: int
    basket: int


def standing(n: int) -> Standing:
    """Spread by multiplying with primes: the same in every run."""
    person = n * 7_919 % PEOPLE
    return Standing(
        person=person,
        address=n % PARCEL_POINTS if n % 10 == 0 else PARCEL_POINTS + person,
        network=n % MOBILE_NETWORKS if n % 3 == 0 else MOBILE_NETWORKS + person % NETWORKS,
        basket=0 if n % 5 == 0 else 1 + n * 31 % BASKETS,
    )


def purchase_by(merchant_id: UUID, who: Standing, **changed: object) -> Purchase:
    """An order of theirs, in texts that give the digests that are seeded."""
    told = {
        "merchant_id": merchant_id,
        "phone": f"+35848{who.person:07d}",
        "email": f"shopper{who.person}@kolme.example",
        "street": f"Street {who.address}",
        "device": f"device {who.person}".encode(),
        "network": f"network {who.network}",
        "items": (Item(f"S-{who.basket}", "Wool blanket", "home", 1, 12_900, "item"),),
    }
    return a_purchase(**{**told, **changed})


# $1: merchant, $2: how many, $3: when the last one was, $4: facts.
_DECISIONS: Final = f"""
INSERT INTO risk_decisions (merchant_id, id, session_id, order_id, customer_id, at, outcome, weight, amount_minor,
    currency, facts, findings, phone, email, address, device, network, basket, rules_version)
SELECT $1, ids.id, ids.id, ids.id, lpad(to_hex(person), 32, '0')::uuid, at, 'approve', 0, 1000 + born.n * 37 % 40000,
       'EUR', $4, '[]', p.phone, p.email, a.digest, p.device, w.digest, b.digest, 'bench'
FROM (SELECT n, n * 7919 % {PEOPLE} AS person, $3::timestamptz - ($2::bigint - n) * interval '63 seconds' AS at
      FROM generate_series(1::bigint, $2::bigint) AS n) AS born
JOIN seed_people p ON p.n = person
JOIN seed_addresses a ON a.n = CASE WHEN born.n % 10 = 0 THEN born.n % {PARCEL_POINTS} ELSE {PARCEL_POINTS} + person END
JOIN seed_networks w
    ON w.n = CASE WHEN born.n % 3 = 0 THEN born.n % {MOBILE_NETWORKS} ELSE {MOBILE_NETWORKS} + person % {NETWORKS} END
JOIN seed_baskets b ON b.n = CASE WHEN born.n % 5 = 0 THEN 0 ELSE 1 + born.n * 31 % {BASKETS} END,
     LATERAL (SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
                      || '70008' || lpad(to_hex(born.n), 15, '0'))::uuid AS id) AS ids
ORDER BY born.n
"""  # noqa: S608 - numbers of this module alone


# What came of every thirtieth: nearly always good.
_LABELS: Final = """
INSERT INTO risk_labels (merchant_id, id, decision_id, at, source, is_bad)
SELECT $1, id, id, $2, 'reviewer', n % 600 = 0
FROM (SELECT id, row_number() OVER () AS n FROM risk_decisions) AS numbered WHERE n % 30 = 0
"""


async def make_decisions(dsn: str, merchant_id: UUID, count: int, last: datetime) -> None:
    """`count` decisions, one every 63 seconds. The pool must be open: one decision's facts are those of all."""
    facts = msgspec.to_builtins((await collect(purchase_by(merchant_id, standing(1)))).facts)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        # Nobody stands behind the ids of customers: what is measured is looking for them.
        await connection.execute("ALTER TABLE risk_decisions DROP CONSTRAINT risk_decisions_customer_id_fkey")
        await _make_subjects(connection, merchant_id)
        indexes = await connection.fetch(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'risk_decisions' AND indexname !~ 'pkey$'"
        )
        # Many times as fast as growing them row by row.
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['indexname']}")
        await connection.execute(
            _DECISIONS, merchant_id, count, last, msgspec.json.encode(facts).decode(), timeout=600
        )
        for index in indexes:
            await connection.execute(index["indexdef"], timeout=600)
        await connection.execute(_LABELS, merchant_id, last, timeout=600)
        await connection.execute("VACUUM ANALYZE risk_decisions, risk_labels", timeout=600)
    finally:
        await connection.close()


async def _make_subjects(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    await connection.execute(
        """CREATE TEMPORARY TABLE seed_people (n bigint PRIMARY KEY, phone bytea, email bytea, device bytea);
           CREATE TEMPORARY TABLE seed_addresses (n bigint PRIMARY KEY, digest bytea);
           CREATE TEMPORARY TABLE seed_networks (n bigint PRIMARY KEY, digest bytea);
           CREATE TEMPORARY TABLE seed_baskets (n bigint PRIMARY KEY, digest bytea)"""
    )
    people, addresses, networks, baskets = [], {}, {}, {}
    for n in range(max(PEOPLE, NETWORKS + MOBILE_NETWORKS, BASKETS + 1) + PARCEL_POINTS):
        who = Standing(n, n, n % (NETWORKS + MOBILE_NETWORKS), n % (BASKETS + 1))
        digests = digests_of(purchase_by(merchant_id, who))
        people.append((n, _one(digests.phone), _one(digests.email), _one(digests.device)))
        addresses[n] = _one(digests.address)
        networks[who.network] = _one(digests.network)
        baskets[who.basket] = _one(digests.basket)
    await connection.copy_records_to_table("seed_people", records=people)
    for table, digests_by in (("addresses", addresses), ("networks", networks), ("baskets", baskets)):
        await connection.copy_records_to_table(f"seed_{table}", records=list(digests_by.items()))


def _one(digest: Digest) -> bytes:
    return digest[0]
