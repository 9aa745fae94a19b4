"""Reads of loyalty, for the shopper's page, the admin and the verbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import db
from app.kernel.money import POINTS_UNIT, Money
from app.ledger import queries as ledger
from app.ledger.actions.lapsing import CAUSE as LAPSED
from app.ledger.lots import Lot
from app.ledger.rules import points_of
from app.loyalty.causes import ADJUSTED_KEY, EARNED
from app.loyalty.errors import NoSuchCustomer
from app.loyalty.rules import Earned, Programme, Tier, Turning, a_year_before
from app.merchants.queries import Merchant


@dataclass(frozen=True, slots=True)
class ProgrammeVersion:
    """One version of a shop's programme: who saved it, and since when it holds for what is paid."""

    version: int
    programme: Programme
    actor: str
    from_at: datetime


_VERSIONS: Final = """
SELECT version, content, actor, from_at FROM loyalty_programmes WHERE merchant_id = $1
"""


async def latest_programme(merchant_id: UUID) -> ProgrammeVersion | None:
    """What holds for the next purchase; None: the shop never had a programme."""
    row = await db.fetch_one(f"{_VERSIONS} ORDER BY version DESC LIMIT 1", merchant_id)
    return _version_of(row) if row is not None else None


async def programme_at(merchant_id: UUID, at: datetime) -> ProgrammeVersion | None:
    """The version that held at this moment."""
    row = await db.fetch_one(f"{_VERSIONS} AND from_at <= $2 ORDER BY version DESC LIMIT 1", merchant_id, at)
    return _version_of(row) if row is not None else None


async def programme_versions(merchant_id: UUID, limit: int = 50) -> tuple[ProgrammeVersion, ...]:
    """Newest first."""
    rows = await db.fetch_all(f"{_VERSIONS} ORDER BY version DESC LIMIT $2", merchant_id, limit)
    return tuple(_version_of(row) for row in rows)


def _version_of(row: db.Record) -> ProgrammeVersion:
    return msgspec.convert(
        {
            "version": row["version"],
            "programme": row["content"],
            "actor": row["actor"],
            "from_at": row["from_at"],
        },
        type=ProgrammeVersion,
    )


async def customer_id_of(merchant_id: UUID, customer_public_id: str) -> UUID:
    """The inner id of somebody who is a customer of this shop. Raises NoSuchCustomer."""
    found = await db.fetch_value(
        """SELECT c.id FROM customers c JOIN profiles p ON p.customer_id = c.id AND p.merchant_id = $1
           WHERE c.public_id = $2""",
        merchant_id,
        customer_public_id,
    )
    if not isinstance(found, UUID):
        raise NoSuchCustomer
    return found


# --- what a customer has ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PendingPoints:
    """Points that can first be used at `usable_from`; `about` is the public id of the order they came with."""

    points: int
    about: str
    usable_from: datetime


@dataclass(frozen=True, slots=True)
class LapsingPoints:
    """Points that can be used before `expires_at`, and not from then on."""

    points: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PointsStanding:
    """What a customer has in points. `total` is all of it, below zero when more is owed than there is; `debt` is what
    later points settle first. `pending` and `lapsing` are told in the order of their time.

    `turnable` is the most that can be turned into money now, worth `worth`: none while the programme rests or the
    wallet is off. `turning` is the rate, None without a programme.
    """

    total: int
    usable: int
    debt: int
    pending: tuple[PendingPoints, ...]
    lapsing: tuple[LapsingPoints, ...]
    turnable: int
    worth: Money
    turning: Turning | None

    @property
    def pending_points(self) -> int:
        return sum(each.points for each in self.pending)


async def standing_of(merchant: Merchant, customer_public_id: str, now: datetime) -> PointsStanding:
    """Three statements, whatever there is."""
    account = points_of(customer_public_id)
    balance = await ledger.balance(merchant.id, account, POINTS_UNIT, now)
    lots = await ledger.lots_of(merchant.id, account, POINTS_UNIT)
    held = await latest_programme(merchant.id)
    turning = held.programme.turning if held is not None else None
    offered = held is not None and held.programme.active and merchant.has("wallet")
    turnable = turning.turnable(balance.available) if turning is not None and offered else 0
    return PointsStanding(
        total=balance.total,
        usable=balance.available,
        debt=balance.debt,
        pending=_pending(lots, now),
        lapsing=_lapsing(lots, now),
        turnable=turnable,
        worth=Money(turning.worth_minor(turnable) if turning is not None else 0, merchant.currency),
        turning=turning,
    )


def _pending(lots: Sequence[Lot], now: datetime) -> tuple[PendingPoints, ...]:
    waiting = [
        PendingPoints(lot.free_minor, lot.about, lot.usable_from)
        for lot in lots
        if lot.usable_from is not None and lot.is_pending(now) and lot.free_minor
    ]
    return tuple(sorted(waiting, key=lambda each: each.usable_from))


def _lapsing(lots: Sequence[Lot], now: datetime) -> tuple[LapsingPoints, ...]:
    """Usable ones alone, put together where they lapse at one time; the ledger answers them in that order."""
    ending = [
        LapsingPoints(lot.free_minor, lot.expires_at)
        for lot in lots
        if lot.expires_at is not None and lot.is_usable(now) and lot.free_minor
    ]
    return tuple(
        LapsingPoints(sum(each.points for each in together), at)
        for at, together in groupby(ending, key=lambda each: each.expires_at)
    )


async def points_statement(
    merchant_id: UUID, customer_public_id: str, cursor: str | None, limit: int
) -> ledger.Statement:
    """A page of what moved a customer's points, newest first; the causes are those of `causes`, and the ledger's own
    for what lapsed. Raises CursorRefused."""
    return await ledger.statement(merchant_id, points_of(customer_public_id), POINTS_UNIT, cursor, limit)


async def adjustment_reasons(
    merchant_id: UUID, customer_id: UUID, keys: Sequence[str]
) -> Mapping[str, tuple[str, str]]:
    """Why staff gave or took, and who ("staff:st_..."), by the key of the movement; of these movements alone, whatever
    they are. For staff."""
    wanted = [UUID(key.removeprefix(ADJUSTED_KEY)) for key in keys if key.startswith(ADJUSTED_KEY)]
    if not wanted:
        return {}
    rows = await db.fetch_all(
        """SELECT id, reason, actor FROM loyalty_adjustments
           WHERE merchant_id = $1 AND customer_id = $2 AND id = ANY($3::uuid[])""",
        merchant_id,
        customer_id,
        wanted,
    )
    return {f"{ADJUSTED_KEY}{row['id']}": (row["reason"], row["actor"]) for row in rows}


@dataclass(frozen=True, slots=True)
class TurnedPoints:
    """So many points became so much money."""

    points: int
    amount: Money


async def turns_of(merchant_id: UUID, turn_ids: Sequence[UUID]) -> Mapping[UUID, TurnedPoints]:
    """What became of points that were turned, by the turn. One statement."""
    rows = await db.fetch_all(
        "SELECT id, points, amount_minor, currency FROM loyalty_turns WHERE merchant_id = $1 AND id = ANY($2::uuid[])",
        merchant_id,
        list(turn_ids),
    )
    return {
        row["id"]: TurnedPoints(row["points"], Money(row["amount_minor"], row["currency"])) for row in rows
    }


# --- tiers -----------------------------------------------------------------------------------------------------

_IN_A_YEAR: Final = """
SELECT coalesce(sum(e.points - (SELECT coalesce(sum(c.points), 0) FROM loyalty_claw_backs c
                                WHERE c.merchant_id = e.merchant_id AND c.earning_id = e.id)), 0)::bigint
FROM loyalty_earnings e WHERE e.merchant_id = $1 AND e.customer_id = $2 AND e.paid_at > $3 AND e.paid_at < $4
"""


async def earned_in_a_year(merchant_id: UUID, customer_id: UUID, at: datetime) -> int:
    """Points from orders that were paid in the twelve months before `at`, less what refunds took back of them."""
    found = await db.fetch_value(_IN_A_YEAR, merchant_id, customer_id, a_year_before(at), at)
    return int(found)


@dataclass(frozen=True, slots=True)
class TierStanding:
    """The tier that the next purchase is in, by the points earned in twelve months; None: none. `missing` is how many
    points lead to `next`; 0 when there is no higher one."""

    tier: Tier | None
    earned_points: int
    next: Tier | None
    missing: int


async def tier_of(merchant_id: UUID, customer_id: UUID, now: datetime) -> TierStanding | None:
    """None without a programme that knows tiers, or while it rests."""
    held = await latest_programme(merchant_id)
    if held is None or not held.programme.active or not held.programme.tiers:
        return None
    earned = await earned_in_a_year(merchant_id, customer_id, now)
    ahead = held.programme.tier_after(earned)
    return TierStanding(
        held.programme.tier_at(earned), earned, ahead, ahead.from_points - earned if ahead is not None else 0
    )


# --- what an order earned --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EarningView:
    """What an order earned, and why: `earned` has each step. `taken_back` is what its refunds took so far."""

    version: int
    points: int
    taken_back: int
    paid_at: datetime
    usable_from: datetime | None
    expires_at: datetime | None
    earned: Earned


_EARNING: Final = """
SELECT e.version, e.points, e.paid_at, e.usable_from, e.expires_at, e.content,
       (SELECT coalesce(sum(c.points), 0)::bigint FROM loyalty_claw_backs c
        WHERE c.merchant_id = e.merchant_id AND c.earning_id = e.id) AS taken_back
FROM loyalty_earnings e JOIN orders o ON o.merchant_id = e.merchant_id AND o.id = e.order_id
WHERE e.merchant_id = $1 AND o.public_id = $2
"""


async def earning_of(merchant_id: UUID, order_public_id: str) -> EarningView | None:
    """None for an order that came under no programme."""
    row = await db.fetch_one(_EARNING, merchant_id, order_public_id)
    if row is None:
        return None
    return EarningView(
        version=row["version"],
        points=row["points"],
        taken_back=row["taken_back"],
        paid_at=row["paid_at"],
        usable_from=row["usable_from"],
        expires_at=row["expires_at"],
        earned=msgspec.convert(row["content"], type=Earned),
    )


_LAPSED: Final = """
SELECT coalesce(sum(went.points), 0)::bigint FROM (
    SELECT CASE WHEN l.expires_at <= $5 THEN l.left_minor ELSE 0 END
           + coalesce((SELECT -sum(u.amount_minor) FROM lot_uses u
                       JOIN transfers t ON t.merchant_id = u.merchant_id AND t.id = u.transfer_id
                       WHERE u.merchant_id = l.merchant_id AND u.lot_id = l.id AND t.cause = $6), 0) AS points
    FROM ledger_accounts a JOIN lots l ON l.merchant_id = a.merchant_id AND l.account_id = a.id
    WHERE a.merchant_id = $1 AND a.address = $2 AND a.currency = $7 AND l.about = $3 AND l.cause = $4
) AS went
"""


async def lapsed_of(merchant_id: UUID, customer_public_id: str, order_public_id: str, now: datetime) -> int:
    """How many points of an order nobody used in time; those included that are over and stand there still."""
    found = await db.fetch_value(
        _LAPSED,
        merchant_id,
        points_of(customer_public_id).address,
        order_public_id,
        EARNED,
        now,
        LAPSED,
        POINTS_UNIT,
    )
    return int(found)
