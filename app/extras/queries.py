"""Reads of what a shop lets its shoppers choose, and of the insurances it has sold."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.extras.rules import InsuranceOffer, MethodFee
from app.extras.states import InsuranceState
from app.kernel import db
from app.plans.quote import Method

CACHE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Steering:
    """A shop's fees and discounts of ways to pay, and the insurances it offers, in the order they were made."""

    fees: tuple[MethodFee, ...] = ()
    offers: tuple[InsuranceOffer, ...] = ()

    def fees_for(self, buyer: str) -> Mapping[Method, MethodFee]:
        return {fee.method: fee for fee in self.fees if fee.buyer == buyer}


_OFFER_COLUMNS: Final = """x.public_id, x.name, x.insurer, x.covers, x.currency, x.categories, x.from_minor, x.to_minor,
       x.fixed_minor, x.rate_points, x.least_minor, x.most_minor, x.cancel_days, x.terms_url, x.terms_text"""

# Both in one statement, so that a shop without any costs one.
_STEERING: Final = f"""
SELECT f.buyer, f.method, f.fixed_minor AS fee_minor, f.rate_points AS fee_points, NULL AS offer
FROM method_fees f WHERE f.merchant_id = $1
UNION ALL
SELECT NULL, NULL, NULL, NULL, to_jsonb(o) FROM (
    SELECT {_OFFER_COLUMNS} FROM insurance_offers x WHERE x.merchant_id = $1 AND x.ended_at IS NULL ORDER BY x.id
) o
"""  # noqa: S608 - column names of this module alone

_kept: dict[UUID, tuple[float, Steering]] = {}


async def steering_of(merchant_id: UUID) -> Steering:
    """At most five seconds old. No query while it is kept."""
    found = _kept.get(merchant_id)
    if found is not None and time.monotonic() - found[0] < CACHE_S:
        return found[1]
    rows = await db.fetch_all(_STEERING, merchant_id)
    steering = Steering(
        fees=tuple(
            MethodFee(row["buyer"], row["method"], row["fee_minor"], row["fee_points"])
            for row in rows
            if row["offer"] is None
        ),
        offers=tuple(offer_of(row["offer"]) for row in rows if row["offer"] is not None),
    )
    _kept[merchant_id] = (time.monotonic(), steering)
    return steering


async def fees_now(merchant_id: UUID) -> tuple[MethodFee, ...]:
    """As they stand now, not kept."""
    rows = await db.fetch_all(
        "SELECT buyer, method, fixed_minor, rate_points FROM method_fees WHERE merchant_id = $1 ORDER BY buyer, method",
        merchant_id,
    )
    return tuple(MethodFee(**dict(row.items())) for row in rows)


def forget_kept_steering() -> None:
    """Drop what this process keeps; editors call it, and tests between databases."""
    _kept.clear()


def offer_of(values: Mapping[str, object]) -> InsuranceOffer:
    """From a row, or a row as JSON, that holds the columns of an offer."""
    categories = values["categories"]
    assert isinstance(categories, list)
    return InsuranceOffer(**{**values, "categories": frozenset(categories)})  # type: ignore[arg-type]  # a row knows its types


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer as staff see it; `ended_at` once it is offered no more."""

    offer: InsuranceOffer
    created_at: datetime
    ended_at: datetime | None


async def offers_of(merchant_id: UUID) -> tuple[OfferView, ...]:
    """Those on offer first, then those that ended, the newest first."""
    rows = await db.fetch_all(
        f"""SELECT {_OFFER_COLUMNS}, x.created_at, x.ended_at FROM insurance_offers x WHERE x.merchant_id = $1
            ORDER BY x.ended_at IS NOT NULL, CASE WHEN x.ended_at IS NULL THEN x.id END, x.id DESC""",  # noqa: S608
        merchant_id,
    )
    return tuple(_offer_view(row) for row in rows)


def _offer_view(row: db.Record) -> OfferView:
    values = dict(row.items())
    created_at, ended_at = values.pop("created_at"), values.pop("ended_at")
    return OfferView(offer_of(values), created_at, ended_at)


async def offer_by_public_id(merchant_id: UUID, public_id: str) -> OfferView | None:
    row = await db.fetch_one(
        f"""SELECT {_OFFER_COLUMNS}, x.created_at, x.ended_at FROM insurance_offers x
            WHERE x.merchant_id = $1 AND x.public_id = $2""",  # noqa: S608 - column names of this module alone
        merchant_id,
        public_id,
    )
    return None if row is None else _offer_view(row)


@dataclass(frozen=True, slots=True)
class InsuranceView:
    """One that was bought, with the offer as it was. `position` is its line of the order, from 0; `cancel_until` the
    last day on which it can be given up."""

    id: UUID
    public_id: str
    order_public_id: str
    position: int
    state: InsuranceState
    premium_minor: int
    currency: str
    lang: str
    taken_at: datetime
    cancel_until: date
    offer: InsuranceOffer


_INSURANCE: Final = f"""
SELECT i.id, i.public_id, o.public_id AS order_public_id, i.position, i.state, i.premium_minor, i.currency, i.lang,
       i.taken_at, i.cancel_until,
       (SELECT to_jsonb(y) FROM (SELECT {_OFFER_COLUMNS} FROM insurance_offers x
        WHERE x.merchant_id = i.merchant_id AND x.id = i.offer_id) y) AS offer
FROM insurances i JOIN orders o ON o.merchant_id = i.merchant_id AND o.id = i.order_id
"""  # noqa: S608 - column names of this module alone


async def insurance_of_order(
    merchant_id: UUID, order_public_id: str, *, lock: bool = False
) -> InsuranceView | None:
    """With `lock` its row is held until the end of the transaction."""
    sql = f"{_INSURANCE} WHERE i.merchant_id = $1 AND o.public_id = $2"
    row = await db.fetch_one(f"{sql} FOR UPDATE OF i" if lock else sql, merchant_id, order_public_id)
    return None if row is None else _insurance(row)


async def insurance_by_public_id(merchant_id: UUID, public_id: str) -> InsuranceView | None:
    row = await db.fetch_one(
        f"{_INSURANCE} WHERE i.merchant_id = $1 AND i.public_id = $2", merchant_id, public_id
    )
    return None if row is None else _insurance(row)


async def insurance_by_id(merchant_id: UUID, insurance_id: UUID) -> InsuranceView | None:
    row = await db.fetch_one(
        f"{_INSURANCE} WHERE i.merchant_id = $1 AND i.id = $2", merchant_id, insurance_id
    )
    return None if row is None else _insurance(row)


def _insurance(row: db.Record) -> InsuranceView:
    values = dict(row.items())
    return InsuranceView(
        **{**values, "state": InsuranceState(values["state"]), "offer": offer_of(values["offer"])}
    )


@dataclass(frozen=True, slots=True)
class Conversion:
    """How one offer does: sessions that went on from its question, how they answered last, what was bought and given
    up, and the money of both, in minor units."""

    offer: InsuranceOffer
    is_on: bool
    asked: int
    taken: int
    declined: int
    bought: int
    cancelled: int
    sold_minor: int
    given_back_minor: int

    @property
    def kept_minor(self) -> int:
        return self.sold_minor - self.given_back_minor


_CONVERSION: Final = f"""
WITH asked AS (
    SELECT DISTINCT ON (a.session_id) a.offer_id, a.answer FROM insurance_answers a
    WHERE a.merchant_id = $1 AND a.at >= $2 AND a.at < $3 ORDER BY a.session_id, a.id DESC
), answers AS (
    SELECT offer_id, count(*) AS asked, count(*) FILTER (WHERE answer = 'taken') AS taken,
           count(*) FILTER (WHERE answer = 'declined') AS declined FROM asked GROUP BY offer_id
), sales AS (
    SELECT offer_id, count(*) AS bought, count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
           sum(premium_minor)::bigint AS sold_minor,
           coalesce(sum(premium_minor) FILTER (WHERE state = 'cancelled'), 0)::bigint AS given_back_minor
    FROM insurances WHERE merchant_id = $1 AND taken_at >= $2 AND taken_at < $3 GROUP BY offer_id
)
SELECT {_OFFER_COLUMNS}, x.ended_at, coalesce(a.asked, 0) AS asked, coalesce(a.taken, 0) AS taken,
       coalesce(a.declined, 0) AS declined, coalesce(s.bought, 0) AS bought, coalesce(s.cancelled, 0) AS cancelled,
       coalesce(s.sold_minor, 0) AS sold_minor, coalesce(s.given_back_minor, 0) AS given_back_minor
FROM insurance_offers x LEFT JOIN answers a ON a.offer_id = x.id LEFT JOIN sales s ON s.offer_id = x.id
WHERE x.merchant_id = $1 AND (x.ended_at IS NULL OR a.offer_id IS NOT NULL OR s.offer_id IS NOT NULL)
ORDER BY x.ended_at IS NOT NULL, x.id
"""  # noqa: S608 - column names of this module alone

_COUNTED: Final = ("asked", "taken", "declined", "bought", "cancelled", "sold_minor", "given_back_minor")


async def conversion_of(merchant_id: UUID, since: datetime, until: datetime) -> tuple[Conversion, ...]:
    """Every offer that is on or was asked about in the time, from `since` to just before `until` (business time)."""
    found = []
    for row in await db.fetch_all(_CONVERSION, merchant_id, since, until):
        values = dict(row.items())
        counted = {name: values.pop(name) for name in _COUNTED}
        ended_at = values.pop("ended_at")
        found.append(Conversion(offer_of(values), ended_at is None, **counted))
    return tuple(found)
