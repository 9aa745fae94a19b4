"""An account with lots, under its lock; and the two statements that change one. For the verbs beside this file.

Every verb locks the account's row first, then reads the lots: what it decides stands until its transaction ends. The
lots are read by a statement of their own, because one that waited for the lock would still see the lots of before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.ledger.errors import MoneyFrozen
from app.ledger.lots import Lot, Part
from app.ledger.rules import NORMAL_SIDE, Account, Entry

_LOCK: Final = """
SELECT id, debt_minor FROM ledger_accounts WHERE merchant_id = $1 AND address = $2 AND currency = $3
FOR NO KEY UPDATE
"""

_OPEN: Final = """
INSERT INTO ledger_accounts (merchant_id, id, address, kind, normal_side, currency, balance_minor)
VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (merchant_id, address, currency) DO NOTHING
"""

# One row even without a lot, to say whether the key was used.
_LOTS: Final = """
SELECT EXISTS (SELECT FROM transfers WHERE merchant_id = $1 AND key = $3) AS posted,
       (SELECT id FROM holds WHERE merchant_id = $1 AND key = $3) AS hold_id,
       l.id, l.cause, l.about, l.amount_minor, l.left_minor, l.held_minor, l.usable_from, l.expires_at, l.created_at
FROM (SELECT) AS always
LEFT JOIN lots l ON l.merchant_id = $1 AND l.account_id = $2 AND l.left_minor > 0
"""

# What a use means: with a transfer it changes what is left of the lot, with a hold what is set aside of it.
_USES: Final = """
use AS (
    SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[]) AS u (id, lot_id, hold_id, amount_minor)
), lot AS (
    UPDATE lots l SET left_minor = l.left_minor + u.went, held_minor = l.held_minor + u.aside
    FROM (SELECT lot_id, coalesce(sum(amount_minor) FILTER (WHERE hold_id IS NULL), 0)::bigint AS went,
                 coalesce(sum(amount_minor) FILTER (WHERE hold_id IS NOT NULL), 0)::bigint AS aside
          FROM use GROUP BY lot_id) u, gate
    WHERE l.merchant_id = $1 AND l.id = u.lot_id
), used AS (
    INSERT INTO lot_uses (merchant_id, id, lot_id, transfer_id, hold_id, amount_minor, at)
    SELECT $1, use.id, use.lot_id, CASE WHEN use.hold_id IS NULL THEN gate.id END, use.hold_id, use.amount_minor, $2
    FROM use, gate
)
"""

_MOVE: Final = """
WITH gate AS (
    INSERT INTO transfers (merchant_id, id, key, cause, about, posted_at, reverses_id, restores_id)
    SELECT $1, $7, $8, $9, $10, $2, $11, $12 WHERE NOT EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL)
    ON CONFLICT (merchant_id, key) DO NOTHING
    RETURNING id
), unsealed AS (
    INSERT INTO ledger_unsealed (merchant_id, transfer_id) SELECT $1, id FROM gate
), entry AS (
    SELECT * FROM unnest($13::uuid[], $14::text[], $15::text[], $16::text[], $17::bigint[], $18::uuid[])
        AS e (account_id, address, kind, normal_side, amount_minor, posting_id)
), plain AS (
    INSERT INTO ledger_accounts AS a
        (merchant_id, id, address, kind, normal_side, currency, balance_minor, last_seq)
    SELECT $1, e.account_id, e.address, e.kind, e.normal_side, $19, e.amount_minor, 1
    FROM entry e, gate ORDER BY e.address
    ON CONFLICT (merchant_id, address, currency)
        DO UPDATE SET balance_minor = a.balance_minor + EXCLUDED.balance_minor, last_seq = a.last_seq + 1
    RETURNING a.id, a.address, a.balance_minor, a.last_seq
), purse AS (
    UPDATE ledger_accounts a SET balance_minor = a.balance_minor + $22, held_minor = a.held_minor + $23,
        debt_minor = a.debt_minor + $24, last_seq = a.last_seq + 1
    FROM gate WHERE a.merchant_id = $1 AND a.id = $20
    RETURNING a.id, a.balance_minor, a.last_seq
), posting AS (
    INSERT INTO postings (merchant_id, id, transfer_id, account_id, currency, amount_minor,
                          account_seq, balance_after_minor, posted_at)
    SELECT $1, e.posting_id, gate.id, plain.id, $19, e.amount_minor, plain.last_seq, plain.balance_minor, $2
    FROM entry e JOIN plain USING (address), gate
    UNION ALL
    SELECT $1, $21, gate.id, purse.id, $19, $22, purse.last_seq, purse.balance_minor, $2 FROM purse, gate
), born AS (
    INSERT INTO lots (merchant_id, id, account_id, transfer_id, cause, about, amount_minor, left_minor, held_minor,
                      usable_from, expires_at, created_at)
    SELECT $1, b.id, $20, gate.id, b.cause, b.about, b.amount_minor, b.left_minor, 0, b.usable_from, b.expires_at, $2
    FROM unnest($25::uuid[], $26::text[], $27::text[], $28::bigint[], $29::bigint[], $30::timestamptz[],
                $31::timestamptz[])
        AS b (id, cause, about, amount_minor, left_minor, usable_from, expires_at), gate
), __USES__
SELECT (SELECT id FROM gate) AS id, EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL) AS frozen
""".replace("__USES__", _USES)

# Of a hold: no transfer, no posting.
_SET_ASIDE: Final = """
WITH gate AS (SELECT NULL::uuid AS id), __USES__
UPDATE ledger_accounts SET held_minor = held_minor + $8 WHERE merchant_id = $1 AND id = $7
""".replace("__USES__", _USES)


@dataclass(frozen=True, slots=True)
class Purse:
    """An account with lots, locked. `posted` and `hold_id`: whether the key of the verb was used, for which hold."""

    account: Account
    unit: str
    account_id: UUID
    debt_minor: int
    lots: Sequence[Lot]
    posted: bool
    hold_id: UUID | None


@dataclass(frozen=True, slots=True)
class Use:
    """A change of one lot: of what is set aside when it names a hold, else of what is left."""

    lot_id: UUID
    amount_minor: int
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Birth:
    """A lot that a transfer brings, with its own cause; some of it may have settled a debt already."""

    lot_id: UUID
    cause: str
    about: str
    amount_minor: int
    left_minor: int
    usable_from: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer between one purse and other accounts. `entries` are the others', signed_minor the purse's own."""

    key: str
    cause: str
    about: str
    entries: Sequence[Entry]
    signed_minor: int
    uses: Sequence[Use]
    births: Sequence[Birth] = ()
    debt_minor: int = 0
    reverses_id: UUID | None = None
    restores_id: UUID | None = None


async def lock(merchant_id: UUID, accounts: Iterable[tuple[Account, str]]) -> None:
    """Lock the accounts with lots that a transaction is about to use, each with its unit, in the order of address.

    Only for whoever uses several in one transaction: each verb locks its own. One that does not exist is left out.
    """
    db.require_transaction("ledger.lock")
    for account, unit in sorted(accounts, key=lambda each: (each[0].address, each[1])):
        await db.fetch_one(_LOCK, merchant_id, account.address, unit)


async def open_purse(merchant_id: UUID, account: Account, unit: str, key: str) -> Purse:
    """The purse under its lock; one that is used for the first time is opened."""
    found = await find_purse(merchant_id, account, unit, key)
    if found is None:
        await db.execute(
            _OPEN,
            merchant_id,
            ids.internal_id(),
            account.address,
            account.kind.value,
            NORMAL_SIDE[account.kind],
            unit,
        )
        found = await find_purse(merchant_id, account, unit, key)
        assert found is not None
    return found


async def find_purse(merchant_id: UUID, account: Account, unit: str, key: str) -> Purse | None:
    """The purse under its lock, or None when nothing ever came into it."""
    db.require_transaction("a verb of the ledger")
    row = await db.fetch_one(_LOCK, merchant_id, account.address, unit)
    if row is None:
        return None
    rows = await db.fetch_all(_LOTS, merchant_id, row["id"], key)
    await db.race_point("purse read")
    return Purse(
        account,
        unit,
        row["id"],
        row["debt_minor"],
        [_lot(each) for each in rows if each["id"] is not None],
        rows[0]["posted"],
        rows[0]["hold_id"],
    )


def _lot(row: db.Record) -> Lot:
    return Lot(
        row["id"],
        row["cause"],
        row["about"],
        row["amount_minor"],
        row["left_minor"],
        row["held_minor"],
        row["usable_from"],
        row["expires_at"],
        row["created_at"],
    )


async def move(merchant_id: UUID, purse: Purse, move: Move, now: datetime) -> bool:
    """Write the transfer, its postings, lots and uses in one statement; False when the key was used.

    Raises MoneyFrozen.
    """
    births = move.births
    row = await db.fetch_one(
        _MOVE,
        merchant_id,
        now,
        *_columns(move.uses),
        ids.internal_id(),
        move.key,
        move.cause,
        move.about,
        move.reverses_id,
        move.restores_id,
        [ids.internal_id() for _ in move.entries],
        [entry.account.address for entry in move.entries],
        [entry.account.kind.value for entry in move.entries],
        [NORMAL_SIDE[entry.account.kind] for entry in move.entries],
        [entry.signed_minor for entry in move.entries],
        [ids.internal_id() for _ in move.entries],
        purse.unit,
        purse.account_id,
        ids.internal_id(),
        move.signed_minor,
        sum(use.amount_minor for use in move.uses if use.hold_id is not None),
        move.debt_minor,
        [birth.lot_id for birth in births],
        [birth.cause for birth in births],
        [birth.about for birth in births],
        [birth.amount_minor for birth in births],
        [birth.left_minor for birth in births],
        [birth.usable_from for birth in births],
        [birth.expires_at for birth in births],
    )
    assert row is not None
    if row["id"] is None and row["frozen"]:
        raise MoneyFrozen
    return row["id"] is not None


async def set_aside(merchant_id: UUID, purse: Purse, uses: Sequence[Use], now: datetime) -> None:
    """Write what a hold sets aside, or lets go of: the uses' amounts say which."""
    change = sum(use.amount_minor for use in uses)
    await db.execute(_SET_ASIDE, merchant_id, now, *_columns(uses), purse.account_id, change)


def _columns(
    uses: Sequence[Use],
) -> tuple[list[UUID], list[UUID], list[UUID | None], list[int]]:
    return (
        [ids.internal_id() for _ in uses],
        [use.lot_id for use in uses],
        [use.hold_id for use in uses],
        [use.amount_minor for use in uses],
    )


def uses_of(parts: Iterable[Part], sign: int, hold_id: UUID | None = None) -> list[Use]:
    return [Use(part.lot_id, sign * part.amount_minor, hold_id) for part in parts]
