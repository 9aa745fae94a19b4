"""Holds: money set aside between the page that shows a payment and its confirmation. Nothing is posted meanwhile.

Each verb runs inside the caller's transaction. The order of locks: the account, then the hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.kernel import db, ids
from app.kernel.money import Amount, amount_of
from app.kernel.states import LostRace
from app.ledger.actions.moving import free_parts
from app.ledger.actions.purses import Move, find_purse, move, set_aside, uses_of
from app.ledger.errors import (
    CurrencyMismatch,
    HoldEnded,
    InsufficientFunds,
    KeyUsed,
    MoneyFrozen,
    MoreThanHeld,
    NeverUsable,
    NoSuchHold,
    NotPositive,
)
from app.ledger.lots import Part, split
from app.ledger.rules import Account, AccountKind, Entry, check_lotted, check_plain, check_unit
from app.ledger.states import MACHINE, HoldState

_log = structlog.get_logger("ledger")


@dataclass(frozen=True, slots=True)
class Hold:
    """So much is set aside under this id."""

    id: UUID
    amount: Amount


@dataclass(frozen=True, slots=True)
class _Found:
    id: UUID
    about: str
    account: Account
    amount: Amount
    state: HoldState
    expires_at: datetime


_INSERT: Final = """
INSERT INTO holds (merchant_id, id, key, about, account_id, currency, amount_minor, state, expires_at, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, 'pending', $8, $9
WHERE NOT EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL)
RETURNING id
"""

_FIND: Final = """
SELECT h.id, h.about, h.amount_minor, h.currency, h.state, h.expires_at, a.address, a.kind
FROM holds h JOIN ledger_accounts a ON a.merchant_id = h.merchant_id AND a.id = h.account_id
WHERE h.merchant_id = $1 AND h.id = $2
"""

# In the order in which a hold's lots are used: as it set them aside.
_PARTS: Final = """
SELECT u.lot_id, sum(u.amount_minor)::bigint AS amount_minor FROM lot_uses u
JOIN lots l ON l.merchant_id = u.merchant_id AND l.id = u.lot_id
WHERE u.merchant_id = $1 AND u.hold_id = $2
GROUP BY u.lot_id, l.expires_at, l.created_at HAVING sum(u.amount_minor) > 0
ORDER BY l.expires_at, l.created_at, u.lot_id
"""


async def hold(
    merchant_id: UUID,
    *,
    key: str,
    about: str,
    account: Account,
    amount: Amount,
    expires_at: datetime,
    now: datetime,
) -> Hold:
    """Set so much aside until `expires_at`; the same key again answers the same hold, whatever became of it.

    Raises InsufficientFunds, NotPositive, NotForThisAccount, NeverUsable, KeyUsed, MoneyFrozen.
    """
    check_lotted(account, amount)
    purse = await find_purse(merchant_id, account, amount.currency, key)
    if purse is None:
        raise InsufficientFunds(0, amount.amount_minor)
    if purse.hold_id is not None:
        return _same(await _find(merchant_id, purse.hold_id), account, amount)
    if expires_at <= now:
        raise NeverUsable
    parts = free_parts(purse, amount.amount_minor, now)
    hold_id = await db.fetch_value(
        _INSERT,
        merchant_id,
        ids.internal_id(),
        key,
        about,
        purse.account_id,
        amount.currency,
        amount.amount_minor,
        expires_at,
        now,
    )
    if hold_id is None:
        raise MoneyFrozen
    await MACHINE.begin(
        merchant_id, hold_id, state=HoldState.PENDING, event="hold.placed", actor="ledger", at=now
    )
    await set_aside(merchant_id, purse, uses_of(parts, 1, hold_id), now)
    return Hold(hold_id, amount)


def _same(found: _Found, account: Account, amount: Amount) -> Hold:
    if (found.account, found.amount) != (account, amount):
        raise KeyUsed
    return Hold(found.id, found.amount)


async def capture(
    merchant_id: UUID,
    hold_id: UUID,
    *,
    key: str,
    cause: str,
    about: str,
    against: Account,
    now: datetime,
    amount: Amount | None = None,
) -> bool:
    """Debit the held account, credit `against`: all that is held, or less, and the rest comes free again.

    False when the key was used. Raises NoSuchHold, HoldEnded, MoreThanHeld, CurrencyMismatch, NotPositive,
    NotForThisAccount, MoneyFrozen.
    """
    found = await _find(merchant_id, hold_id)
    amount = amount if amount is not None else found.amount
    _check_capture(found, against, amount)
    purse = await find_purse(merchant_id, found.account, amount.currency, key)
    assert purse is not None
    if purse.posted:
        return False
    # Under the lock of its account no hold changes any more.
    found = await _find(merchant_id, hold_id)
    if found.state is not HoldState.PENDING:
        raise HoldEnded(found.state)
    if found.expires_at <= now:
        raise HoldEnded(HoldState.EXPIRED)
    parts = await _held_parts(merchant_id, hold_id)
    taken, _ = split(parts, amount.amount_minor)
    uses = [*uses_of(taken, -1), *uses_of(parts, -1, hold_id)]
    entries = (Entry(against, "credit", amount),)
    await move(merchant_id, purse, Move(key, cause, about, entries, amount.amount_minor, uses), now)
    await _end(merchant_id, hold_id, HoldState.CAPTURED, actor="ledger", now=now)
    await db.execute(
        "UPDATE holds SET captured_minor = $3 WHERE merchant_id = $1 AND id = $2",
        merchant_id,
        hold_id,
        amount.amount_minor,
    )
    return True


def _check_capture(found: _Found, against: Account, amount: Amount) -> None:
    if amount.currency != found.amount.currency:
        raise CurrencyMismatch(found.amount.currency, amount.currency)
    if amount.amount_minor <= 0:
        raise NotPositive(amount.amount_minor)
    if amount.amount_minor > found.amount.amount_minor:
        raise MoreThanHeld(found.amount.amount_minor, amount.amount_minor)
    check_plain(against)
    check_unit(against, amount.currency)


async def outlast(merchant_id: UUID, hold_id: UUID, *, until: datetime, now: datetime) -> None:
    """Keep what is set aside until then at least: paying the rest may take longer. Raises NoSuchHold, HoldEnded."""
    found = await _find(merchant_id, hold_id)
    await find_purse(merchant_id, found.account, found.amount.currency, "")
    kept = await db.fetch_value(
        """UPDATE holds SET expires_at = greatest(expires_at, $3)
           WHERE merchant_id = $1 AND id = $2 AND state = 'pending' AND expires_at > $4 RETURNING id""",
        merchant_id,
        hold_id,
        until,
        now,
    )
    if kept is None:
        raise HoldEnded(HoldState.EXPIRED if found.state is HoldState.PENDING else found.state)


async def release(merchant_id: UUID, hold_id: UUID, *, actor: str, now: datetime) -> bool:
    """Let go of what is set aside. False when the hold has ended already.

    Also while money is frozen: none moves. Raises NoSuchHold.
    """
    return await _let_go(merchant_id, hold_id, HoldState.RELEASED, actor=actor, now=now)


async def expire_holds(now: datetime, limit: int) -> int:
    """Let go of holds that ran out, each in a transaction of its own; answers how many."""
    due = await db.fetch_all(
        "SELECT merchant_id, id FROM holds WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
        now,
        limit,
    )
    ended = 0
    for row in due:
        merchant_id, hold_id = row["merchant_id"], row["id"]
        try:
            ended += await db.in_tx(partial(_expire, merchant_id, hold_id, now))
        except db.Contended:
            _log.warning("hold_not_expired", hold=str(hold_id))
    return ended


async def _expire(merchant_id: UUID, hold_id: UUID, now: datetime) -> int:
    return int(await _let_go(merchant_id, hold_id, HoldState.EXPIRED, actor="clock", now=now))


async def _let_go(merchant_id: UUID, hold_id: UUID, to: HoldState, *, actor: str, now: datetime) -> bool:
    found = await _find(merchant_id, hold_id)
    purse = await find_purse(merchant_id, found.account, found.amount.currency, "")
    assert purse is not None
    if (await _find(merchant_id, hold_id)).state is not HoldState.PENDING:
        return False
    parts = await _held_parts(merchant_id, hold_id)
    await set_aside(merchant_id, purse, uses_of(parts, -1, hold_id), now)
    await _end(merchant_id, hold_id, to, actor=actor, now=now)
    return True


async def _end(merchant_id: UUID, hold_id: UUID, to: HoldState, *, actor: str, now: datetime) -> None:
    try:
        await MACHINE.move(merchant_id, hold_id, expected=HoldState.PENDING, to=to, actor=actor, at=now)
    except LostRace as lost:
        # Nobody may end a hold without the lock of its account: a fault of the program.
        raise RuntimeError("a hold ended under the lock of its account") from lost


async def _find(merchant_id: UUID, hold_id: UUID) -> _Found:
    row = await db.fetch_one(_FIND, merchant_id, hold_id)
    if row is None:
        raise NoSuchHold
    return _Found(
        row["id"],
        row["about"],
        Account(row["address"], AccountKind(row["kind"])),
        amount_of(row["amount_minor"], row["currency"]),
        HoldState(row["state"]),
        row["expires_at"],
    )


async def _held_parts(merchant_id: UUID, hold_id: UUID) -> Sequence[Part]:
    rows = await db.fetch_all(_PARTS, merchant_id, hold_id)
    return [Part(row["lot_id"], row["amount_minor"]) for row in rows]
