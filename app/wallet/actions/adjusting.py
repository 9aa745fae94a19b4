"""Staff change what is in a wallet: with a reason that the customer reads, and a note for the books."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import wallet_of
from app.merchants.queries import Merchant
from app.merchants.rules import Role
from app.wallet.actions.moving import add, check_currency, customer_id_of
from app.wallet.actions.telling import tell
from app.wallet.errors import BalanceChanged, KeyOfAnother, RoleRefused
from app.wallet.rules import WalletCause, against_of, checked_adjustment, checked_lapse

ADJUSTERS: Final[frozenset[Role]] = frozenset({"owner"})

_BEFORE: Final = """
SELECT public_id, customer_id, cause, amount_minor, expires_at FROM wallet_adjustments
WHERE merchant_id = $1 AND key = $2
"""
_RECORD: Final = """
INSERT INTO wallet_adjustments (merchant_id, id, public_id, key, customer_id, cause, currency, amount_minor, expires_at,
                                note, adjusted_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (merchant_id, key) DO NOTHING RETURNING true
"""
# No lock: whoever moved the wallet in this transaction holds its row.
_BALANCE: Final = (
    "SELECT -balance_minor FROM ledger_accounts WHERE merchant_id = $1 AND address = $2 AND currency = $3"
)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who does it, by public id."""

    public_id: str
    role: Role

    @property
    def actor(self) -> str:
        return f"staff:{self.public_id}"


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

    `seen_minor` is what was in the wallet as the person saw it. Raises RoleRefused, AdjustmentRefused, NoSuchWallet,
    WalletCurrencyMismatch, MayNotLapse, ModuleOff (for a gain), InsufficientFunds, BalanceChanged, KeyOfAnother,
    MoneyFrozen.
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
        public_id = ids.public_id("adj")
        written = await _record(merchant, customer_id, public_id, wanted, note=note, by=by, key=key, now=now)
        if not written:
            return await _same_as_before(merchant.id, customer_id, wanted, key)
        await _move(merchant, customer_public_id, wanted, public_id, seen_minor, now)
        await audit.record(
            by.actor,
            "wallet.adjusted",
            customer_public_id,
            merchant_id=merchant.id,
            at=now,
            detail={
                "adjustment": public_id,
                "cause": wanted.cause.value,
                "amount_minor": wanted.amount.amount_minor,
            },
        )
        return public_id

    return await db.in_tx(write)


async def _record(
    merchant: Merchant,
    customer_id: UUID,
    public_id: str,
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
        ids.internal_id(),
        public_id,
        key,
        customer_id,
        wanted.cause.value,
        wanted.amount.currency,
        wanted.amount.amount_minor,
        wanted.expires_at,
        note,
        by.actor,
        now,
    )
    return written is not None


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
    balance_minor = await db.fetch_value(
        _BALANCE, merchant.id, wallet_of(customer_public_id).address, wanted.amount.currency
    )
    if balance_minor - change_minor != seen_minor:
        raise BalanceChanged(balance_minor - change_minor)
