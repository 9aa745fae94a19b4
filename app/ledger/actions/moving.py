"""What comes into an account with lots and what goes out of it: put, take, claw_back, restore.

Each runs inside the caller's transaction, with a key that names the effect: a second call changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.kernel.money import Amount, amount_of
from app.ledger.actions.originals import Original, original_of
from app.ledger.actions.purses import Birth, Move, Purse, Use, find_purse, move, open_purse, uses_of
from app.ledger.errors import (
    CurrencyMismatch,
    InsufficientFunds,
    MoreThanTaken,
    NeverUsable,
    NotPositive,
    NotReversible,
)
from app.ledger.lots import (
    BACK_LASTS_MIN,
    NewLot,
    Part,
    available_minor,
    parts_of,
    spending_order,
    split,
    total,
    usable,
)
from app.ledger.rules import Account, AccountKind, Entry, check_lotted

_AT_ONCE: Final = NewLot()


@dataclass(frozen=True, slots=True)
class ClawedBack:
    """What a claw-back found there, and what the customer owes since; in minor units or points."""

    taken: int
    debt: int


async def put(  # noqa: PLR0913 - all by name
    merchant_id: UUID,
    *,
    key: str,
    cause: str,
    about: str,
    account: Account,
    against: Account,
    amount: Amount,
    now: datetime,
    lot: NewLot = _AT_ONCE,
) -> bool:
    """Debit `against`, credit the account: a new lot, of which a debt is settled first. False when the key was used.

    Raises NotPositive, NotForThisAccount, NeverUsable, MoneyFrozen.
    """
    check_lotted(account, amount, against)
    if lot.is_never_usable(now):
        raise NeverUsable
    purse = await open_purse(merchant_id, account, amount.currency, key)
    asked = amount.amount_minor
    settled = min(asked, purse.debt_minor)
    birth = Birth(ids.internal_id(), cause, about, asked, asked - settled, lot.usable_from, lot.expires_at)
    uses = [Use(birth.lot_id, asked)]
    if settled:
        uses.append(Use(birth.lot_id, -settled))
    entries = (Entry(against, "debit", amount),)
    return await move(
        merchant_id,
        purse,
        Move(key, cause, about, entries, -asked, uses, (birth,), debt_minor=-settled),
        now,
    )


async def take(
    merchant_id: UUID,
    *,
    key: str,
    cause: str,
    about: str,
    account: Account,
    against: Account,
    amount: Amount,
    now: datetime,
) -> bool:
    """Debit the account, credit `against`; what lapses first goes first. False when the key was used.

    Raises InsufficientFunds, NotPositive, NotForThisAccount, MoneyFrozen.
    """
    check_lotted(account, amount, against)
    asked = amount.amount_minor
    purse = await find_purse(merchant_id, account, amount.currency, key)
    if purse is None:
        raise InsufficientFunds(0, asked)
    if purse.posted:
        return False
    uses = uses_of(free_parts(purse, asked, now), -1)
    entries = (Entry(against, "credit", amount),)
    return await move(merchant_id, purse, Move(key, cause, about, entries, asked, uses), now)


def free_parts(purse: Purse, asked_minor: int, now: datetime) -> list[Part]:
    """What of the purse pays this. Raises InsufficientFunds."""
    available = available_minor(purse.lots, purse.debt_minor, now)
    if available < asked_minor:
        raise InsufficientFunds(available, asked_minor)
    return parts_of(usable(purse.lots, now), asked_minor)


async def claw_back(  # noqa: PLR0913 - all by name
    merchant_id: UUID,
    *,
    key: str,
    cause: str,
    about: str,
    account: Account,
    against: Account,
    amount: Amount,
    now: datetime,
    first_about: str | None = None,
) -> ClawedBack:
    """Take back what was given: lots about `first_about` first, then the rest, those not usable yet included.

    What is not there becomes a debt of points, which the next ones settle; money is never owed this way, so of a wallet
    only what is there is taken. What is held stays held. The same key again answers the same. Raises NotPositive,
    NotForThisAccount, MoneyFrozen.
    """
    check_lotted(account, amount, against)
    purse = await open_purse(merchant_id, account, amount.currency, key)
    if purse.posted:
        return await _clawed_before(merchant_id, key)
    living = [lot for lot in spending_order(purse.lots) if not lot.is_over(now)]
    living.sort(key=lambda lot: lot.about != first_about)
    parts = parts_of(living, amount.amount_minor)
    taken = total(parts)
    debt = amount.amount_minor - taken if account.kind is AccountKind.POINTS else 0
    if taken + debt:
        entries = (Entry(against, "credit", amount_of(taken + debt, amount.currency)),)
        await move(
            merchant_id,
            purse,
            Move(key, cause, about, entries, taken + debt, uses_of(parts, -1), debt_minor=debt),
            now,
        )
    return ClawedBack(taken, debt)


async def _clawed_before(merchant_id: UUID, key: str) -> ClawedBack:
    row = await db.fetch_one(
        """SELECT p.amount_minor, (SELECT coalesce(-sum(u.amount_minor), 0)::bigint FROM lot_uses u
                                   WHERE u.merchant_id = t.merchant_id AND u.transfer_id = t.id) AS taken
           FROM transfers t
           JOIN postings p ON p.merchant_id = t.merchant_id AND p.transfer_id = t.id AND p.amount_minor > 0
           WHERE t.merchant_id = $1 AND t.key = $2""",
        merchant_id,
        key,
    )
    assert row is not None
    return ClawedBack(row["taken"], row["amount_minor"] - row["taken"])


async def restore(
    merchant_id: UUID, *, of_key: str, key: str, cause: str, about: str, amount: Amount, now: datetime
) -> bool:
    """Give back what the transfer `of_key` took, all of it or a part, into the lots it came out of.

    The lot that lapses last is filled first; each keeps its cause and its end. What comes back to a lot that is over or
    soon will be leaves it again for a new one with the same cause, which lasts for `BACK_LASTS_MIN`. A debt is settled
    first. False when the key was used. Raises NoSuchTransfer, NotReversible, CurrencyMismatch, MoreThanTaken,
    NotPositive, MoneyFrozen.
    """
    if amount.amount_minor <= 0:
        raise NotPositive(amount.amount_minor)
    original = await original_of(merchant_id, of_key)
    account = original.purse
    if account is None or original.purse_minor <= 0 or original.takes_back or len(original.entries) != 1:
        raise NotReversible
    if original.unit != amount.currency:
        raise CurrencyMismatch(original.unit, amount.currency)
    purse = await find_purse(merchant_id, account, original.unit, key)
    assert purse is not None
    if purse.posted:
        return False
    taken = await _taken_from(merchant_id, original)
    parts = _parts_to_restore(taken, amount.amount_minor)
    settled = min(purse.debt_minor, amount.amount_minor)
    settling, given = split(parts, settled)
    renewals, births = _renewed(taken, given, now)
    uses = [*uses_of(parts, 1), *uses_of(settling, -1), *renewals]
    entries = (Entry(original.entries[0].account, "debit", amount),)
    return await move(
        merchant_id,
        purse,
        Move(
            key,
            cause,
            about,
            entries,
            -amount.amount_minor,
            uses,
            births,
            debt_minor=-settled,
            restores_id=original.id,
        ),
        now,
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    """A lot of which a transfer took so much, and what of that has not come back yet."""

    lot_id: UUID
    missing_minor: int
    cause: str
    about: str
    expires_at: datetime | None


# A lot in which something that came back was renewed is none that the transfer took from.
_TAKEN: Final = """
SELECT u.lot_id, l.cause, l.about, l.expires_at, -sum(u.amount_minor) FILTER (WHERE u.transfer_id = $2) AS taken,
       coalesce(sum(u.amount_minor) FILTER (WHERE u.transfer_id <> $2 AND u.amount_minor > 0), 0) AS back
FROM lot_uses u JOIN lots l ON l.merchant_id = u.merchant_id AND l.id = u.lot_id
WHERE u.merchant_id = $1 AND u.transfer_id IN (
    SELECT id FROM transfers WHERE merchant_id = $1 AND (id = $2 OR restores_id = $2 OR reverses_id = $2))
GROUP BY u.lot_id, l.cause, l.about, l.expires_at, l.created_at
HAVING sum(u.amount_minor) FILTER (WHERE u.transfer_id = $2) IS NOT NULL
ORDER BY l.expires_at DESC NULLS FIRST, l.created_at DESC, u.lot_id DESC
"""


async def _taken_from(merchant_id: UUID, original: Original) -> list[_Taken]:
    """Read under the purse's lock; in the order in which they are filled again."""
    return [
        _Taken(row["lot_id"], int(row["taken"] - row["back"]), row["cause"], row["about"], row["expires_at"])
        for row in await db.fetch_all(_TAKEN, merchant_id, original.id)
    ]


def _parts_to_restore(taken: Sequence[_Taken], asked_minor: int) -> list[Part]:
    """Raises MoreThanTaken."""
    missing = [Part(each.lot_id, each.missing_minor) for each in taken]
    parts, _ = split(missing, asked_minor)
    if total(parts) < asked_minor:
        raise MoreThanTaken(total(missing), asked_minor)
    return parts


def _renewed(taken: Sequence[_Taken], given: Sequence[Part], now: datetime) -> tuple[list[Use], list[Birth]]:
    """Of what came back to lots, what lasts longer than they do: it goes out of those and into new ones."""
    soon, by_id = now + BACK_LASTS_MIN, {each.lot_id: each for each in taken}
    uses, births = [], []
    for part in given:
        lot = by_id[part.lot_id]
        if lot.expires_at is None or lot.expires_at >= soon:
            continue
        birth = Birth(
            ids.internal_id(), lot.cause, lot.about, part.amount_minor, part.amount_minor, None, soon
        )
        uses += [Use(lot.lot_id, -part.amount_minor), Use(birth.lot_id, part.amount_minor)]
        births.append(birth)
    return uses, births
