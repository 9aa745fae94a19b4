"""Staff change what is in a wallet: with a reason that the customer reads, and a note for the books.

Above the shop's limit a change waits for a second person, and moves nothing until then. What it would take is not set
aside meanwhile: it is the customer's until two people say that it is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.kernel.money import Money
from app.kernel.states import Also
from app.ledger import actions as ledger
from app.ledger.errors import InsufficientFunds
from app.ledger.queries import balance
from app.ledger.rules import wallet_of
from app.merchants.modules import require_module
from app.merchants.queries import Merchant
from app.merchants.rules import Role
from app.merchants.two_people import check_second
from app.wallet.actions.moving import add, check_currency, customer_id_of
from app.wallet.actions.second_person import APPROVERS, Staff, adjustment_waits
from app.wallet.actions.telling import tell
from app.wallet.errors import AdjustmentDecided, BalanceChanged, KeyOfAnother, NoSuchAdjustment, RoleRefused
from app.wallet.rules import WalletCause, against_of, checked_adjustment, checked_lapse
from app.wallet.states import ADJUSTMENTS, AdjustmentState

ADJUSTERS: Final[frozenset[Role]] = frozenset({"owner"})

_S = AdjustmentState

_BEFORE: Final = """
SELECT public_id, customer_id, cause, amount_minor, expires_at FROM wallet_adjustments
WHERE merchant_id = $1 AND key = $2
"""
_RECORD: Final = """
INSERT INTO wallet_adjustments (merchant_id, id, public_id, key, customer_id, cause, currency, amount_minor, expires_at,
                                note, adjusted_by, created_at, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING true
"""
_LOCK: Final = """
SELECT j.id, j.state, j.cause, j.currency, j.amount_minor, j.expires_at, j.note, j.adjusted_by, j.decided_by,
       c.public_id AS customer_id
FROM wallet_adjustments j JOIN customers c ON c.id = j.customer_id
WHERE j.merchant_id = $1 AND j.public_id = $2 FOR NO KEY UPDATE OF j
"""
# No lock: whoever asks in this transaction holds its row.
_BALANCE: Final = (
    "SELECT -balance_minor FROM ledger_accounts WHERE merchant_id = $1 AND address = $2 AND currency = $3"
)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`amount` is what the wallet gains, below zero what it loses. `note` is the shop's own, shown to no customer."""

    amount: Money
    cause: WalletCause
    note: str = field(repr=False)
    expires_at: datetime | None = None


async def adjust(
    merchant: Merchant,
    customer_public_id: str,
    wanted: Adjustment,
    *,
    by: Staff,
    seen_minor: int,
    key: str,
    now: datetime,
) -> str:
    """Change a wallet; one transaction. Answers the adjustment's public id; the same key again answers the same one.

    Above the shop's limit it waits for a second person instead, and nothing moves yet. `seen_minor` is what was in the
    wallet as the person saw it. Raises RoleRefused, AdjustmentRefused, NoSuchWallet, WalletCurrencyMismatch,
    MayNotLapse, ModuleOff (for a gain), InsufficientFunds, BalanceChanged, KeyOfAnother, MoneyFrozen.
    """
    if by.role not in ADJUSTERS:
        raise RoleRefused
    check_currency(merchant, wanted.amount)
    note = checked_adjustment(wanted.cause, wanted.amount, wanted.note)
    if wanted.expires_at is not None:
        lapses_on = merchant.local_date(wanted.expires_at)
        checked_lapse(wanted.cause, lapses_on, merchant.country, merchant.local_date(now))

    async def write() -> str:
        customer_id = await customer_id_of(merchant.id, customer_public_id)
        if await db.fetch_one(_BEFORE, merchant.id, key) is not None:
            return await _same_as_before(merchant.id, customer_id, wanted, key)
        change_minor = wanted.amount.amount_minor
        if change_minor > 0:
            await require_module(merchant.id, "wallet")
        await ledger.lock(merchant.id, [(wallet_of(customer_public_id), wanted.amount.currency)])
        waits = await adjustment_waits(merchant.id, customer_id, change_minor, by.actor, now)
        named = _Named(ids.internal_id(), ids.public_id("adj"), _S.PENDING_APPROVAL if waits else _S.DONE)
        written = await _record(merchant, customer_id, named, wanted, note=note, by=by, key=key, now=now)
        if not written:
            return await _same_as_before(merchant.id, customer_id, wanted, key)
        if waits:
            await _check_seen(merchant, customer_public_id, wanted.amount, seen_minor, now)
        else:
            await _move(merchant, customer_public_id, wanted, named.public_id, seen_minor, now)
        action = "wallet.adjustment_asked" if waits else "wallet.adjusted"
        about = _About(merchant.id, customer_public_id, named.public_id)
        await _note(action, about, wanted, by, now)
        return named.public_id

    return await db.in_tx(write)


async def would_wait(
    merchant_id: UUID, customer_public_id: str, amount_minor: int, actor: str, now: datetime
) -> bool:
    """Whether such a change would wait for a second person, as things stand. Raises NoSuchWallet."""
    customer_id = await customer_id_of(merchant_id, customer_public_id)
    return await adjustment_waits(merchant_id, customer_id, amount_minor, actor, now)


async def approve_adjustment(
    merchant: Merchant, adjustment_public_id: str, *, by: Staff, seen_minor: int, now: datetime
) -> None:
    """A second person says yes: the wallet changes now; one transaction. Their own second press: nothing.

    `seen_minor` is what was in the wallet as they saw it. Raises RoleRefused, NoSuchAdjustment, AdjustmentDecided,
    SamePerson, MayNotLapse (too much time has passed), ModuleOff (for a gain), InsufficientFunds, BalanceChanged,
    WalletCurrencyMismatch, MoneyFrozen.
    """

    async def write() -> None:
        row = await _waiting(merchant.id, adjustment_public_id, by)
        if row["state"] == _S.DONE and row["decided_by"] == by.actor:
            return
        if row["state"] != _S.PENDING_APPROVAL:
            raise AdjustmentDecided(row["state"])
        check_second(row["adjusted_by"], by.actor)
        wanted = _wanted_of(row)
        check_currency(merchant, wanted.amount)
        await _decide(merchant.id, row["id"], _S.DONE, by, now)
        await _move(merchant, row["customer_id"], wanted, adjustment_public_id, seen_minor, now)
        about = _About(merchant.id, row["customer_id"], adjustment_public_id)
        await _note("wallet.adjusted", about, wanted, by, now)

    await db.in_tx(write)


async def refuse_adjustment(
    merchant: Merchant, adjustment_public_id: str, *, by: Staff, now: datetime
) -> None:
    """It is not made; one transaction. Anybody may say so: whoever asked takes it back. A second time: nothing.

    Raises RoleRefused, NoSuchAdjustment, AdjustmentDecided (it was made).
    """

    async def write() -> None:
        row = await _waiting(merchant.id, adjustment_public_id, by)
        if row["state"] == _S.REFUSED:
            return
        if row["state"] != _S.PENDING_APPROVAL:
            raise AdjustmentDecided(row["state"])
        await _decide(merchant.id, row["id"], _S.REFUSED, by, now)
        about = _About(merchant.id, row["customer_id"], adjustment_public_id)
        await _note("wallet.adjustment_refused", about, _wanted_of(row), by, now)

    await db.in_tx(write)


async def _waiting(merchant_id: UUID, adjustment_public_id: str, by: Staff) -> db.Record:
    """A change, held until the transaction ends. Raises RoleRefused, NoSuchAdjustment."""
    if by.role not in APPROVERS:
        raise RoleRefused
    row = await db.fetch_one(_LOCK, merchant_id, adjustment_public_id)
    if row is None:
        raise NoSuchAdjustment
    return row


def _wanted_of(row: db.Record) -> Adjustment:
    amount = Money(row["amount_minor"], row["currency"])
    return Adjustment(amount, WalletCause(row["cause"]), row["note"], row["expires_at"])


async def _decide(
    merchant_id: UUID, adjustment_id: UUID, to: AdjustmentState, by: Staff, now: datetime
) -> None:
    said = Also("decided_by = $10, decided_at = $11", (by.actor, now))
    await ADJUSTMENTS.move(
        merchant_id, adjustment_id, expected=_S.PENDING_APPROVAL, to=to, actor=by.actor, at=now, also=said
    )


@dataclass(frozen=True, slots=True)
class _About:
    """Of which shop, whose wallet and which change the audit log speaks."""

    merchant_id: UUID
    customer_public_id: str
    adjustment_public_id: str


async def _note(action: str, about: _About, wanted: Adjustment, by: Staff, now: datetime) -> None:
    """The audit log, without the note: it may speak of people, and the log outlives them."""
    detail = {
        "adjustment": about.adjustment_public_id,
        "cause": wanted.cause.value,
        "amount_minor": wanted.amount.amount_minor,
    }
    await audit.record(
        by.actor, action, about.customer_public_id, merchant_id=about.merchant_id, at=now, detail=detail
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """A change that is about to be written down."""

    id: UUID
    public_id: str
    state: AdjustmentState


async def _record(
    merchant: Merchant,
    customer_id: UUID,
    named: _Named,
    wanted: Adjustment,
    *,
    note: str,
    by: Staff,
    key: str,
    now: datetime,
) -> bool:
    """Whether the key was free."""
    written = await db.fetch_value(
        _RECORD,
        merchant.id,
        named.id,
        named.public_id,
        key,
        customer_id,
        wanted.cause.value,
        wanted.amount.currency,
        wanted.amount.amount_minor,
        wanted.expires_at,
        note,
        by.actor,
        now,
        named.state.value,
    )
    if written is None:
        return False
    event = "adjustment.made" if named.state is _S.DONE else "adjustment.asked"
    await ADJUSTMENTS.begin(merchant.id, named.id, state=named.state, event=event, actor=by.actor, at=now)
    return True


async def _same_as_before(merchant_id: UUID, customer_id: UUID, wanted: Adjustment, key: str) -> str:
    row = await db.fetch_one(_BEFORE, merchant_id, key)
    assert row is not None, "it stood in the way a moment ago, and adjustments are never deleted"
    asked = (customer_id, wanted.cause.value, wanted.amount.amount_minor, wanted.expires_at)
    if asked != (row["customer_id"], row["cause"], row["amount_minor"], row["expires_at"]):
        raise KeyOfAnother
    public_id: str = row["public_id"]
    return public_id


async def _move(
    merchant: Merchant,
    customer_public_id: str,
    wanted: Adjustment,
    public_id: str,
    seen_minor: int,
    now: datetime,
) -> None:
    """The transfer; undone with everything else when the wallet was not as it was seen."""
    key, change_minor = f"adjustment:{public_id}", wanted.amount.amount_minor
    if change_minor > 0:
        await add(
            merchant,
            customer_public_id,
            wanted.amount,
            cause=wanted.cause,
            about=public_id,
            key=key,
            now=now,
            expires_at=wanted.expires_at,
        )
    else:
        await ledger.take(
            merchant.id,
            key=key,
            cause=wanted.cause.value,
            about=public_id,
            account=wallet_of(customer_public_id),
            against=against_of(wanted.cause, merchant.creditor),
            amount=-wanted.amount,
            now=now,
        )
        await tell(merchant.id, key, now)
    await _check_balance(merchant, customer_public_id, wanted.amount.currency, seen_minor, change_minor)


async def _check_seen(
    merchant: Merchant, customer_public_id: str, change: Money, seen_minor: int, now: datetime
) -> None:
    """What a change that waits is asked on. Raises InsufficientFunds, BalanceChanged."""
    free = (await balance(merchant.id, wallet_of(customer_public_id), change.currency, now)).available
    if free + change.amount_minor < 0:
        raise InsufficientFunds(free, -change.amount_minor)
    await _check_balance(merchant, customer_public_id, change.currency, seen_minor, 0)


async def _check_balance(
    merchant: Merchant, customer_public_id: str, currency: str, seen_minor: int, moved_minor: int
) -> None:
    """Raises BalanceChanged: before this transaction moved so much, it was not what was seen."""
    address = wallet_of(customer_public_id).address
    there = await db.fetch_value(_BALANCE, merchant.id, address, currency) or 0
    if there - moved_minor != seen_minor:
        raise BalanceChanged(there - moved_minor)
