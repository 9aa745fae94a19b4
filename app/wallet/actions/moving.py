"""Money into a wallet, out of it into a purchase, and back. Each runs inside its caller's transaction.

Locks, in this order: the caller's own (session, order, invoices), the shop's module, the wallet, then the ledger's
other accounts. Every verb has a key that names its effect: a second call changes nothing and tells nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.actions import Hold
from app.ledger.lots import NewLot
from app.ledger.rules import receivable_of, wallet_of
from app.merchants.modules import require_module
from app.merchants.queries import Merchant
from app.wallet.actions.telling import tell
from app.wallet.errors import NoSuchWallet, WalletCurrencyMismatch
from app.wallet.rules import WalletCause, against_of, checked_lapse

_CUSTOMER: Final = """
SELECT c.id FROM customers c JOIN profiles p ON p.customer_id = c.id AND p.merchant_id = $1 WHERE c.public_id = $2
"""


async def add(
    merchant: Merchant,
    customer_public_id: str,
    amount: Money,
    *,
    cause: WalletCause,
    about: str,
    key: str,
    now: datetime,
    expires_at: datetime | None = None,
) -> bool:
    """Put money into a wallet as a lot of its own; False when the key was used.

    `about` is the public id of what it came from: the order of a refund, the change by staff, the turned points. Raises
    ModuleOff, NoSuchWallet, WalletCurrencyMismatch, MayNotLapse, and what `ledger.put` raises (NotPositive,
    MoneyFrozen).
    """
    check_currency(merchant, amount)
    lapses_on = None if expires_at is None else merchant.local_date(expires_at)
    checked_lapse(cause, lapses_on, merchant.country, merchant.local_date(now))
    await customer_id_of(merchant.id, customer_public_id)
    await require_module(merchant.id, "wallet")
    added = await ledger.put(
        merchant.id,
        key=key,
        cause=cause.value,
        about=about,
        account=wallet_of(customer_public_id),
        against=against_of(cause, merchant.creditor),
        amount=amount,
        lot=NewLot(expires_at=expires_at),
        now=now,
    )
    if added:
        await tell(merchant.id, key, now)
    return added


async def hold(
    merchant: Merchant,
    customer_public_id: str,
    amount: Money,
    *,
    about: str,
    key: str,
    expires_at: datetime,
    now: datetime,
) -> Hold:
    """Set money aside for a purchase, before it is confirmed; the same key answers the same hold.

    `about` is the order's public id. Raises ModuleOff, WalletCurrencyMismatch, InsufficientFunds, NotPositive,
    MoneyFrozen.
    """
    check_currency(merchant, amount)
    await require_module(merchant.id, "wallet")
    return await ledger.hold(
        merchant.id,
        key=key,
        about=about,
        account=wallet_of(customer_public_id),
        amount=amount,
        expires_at=expires_at,
        now=now,
    )


async def capture(
    merchant: Merchant,
    customer_public_id: str,
    hold_id: UUID,
    *,
    about: str,
    key: str,
    now: datetime,
    amount: Money | None = None,
) -> bool:
    """Pay with what was set aside: wallet and receivable lose it. An amount below the hold frees the rest.

    A module switched off meanwhile is no matter: what was promised on the page holds. Raises HoldEnded, NoSuchHold,
    MoreThanHeld, CurrencyMismatch, MoneyFrozen.
    """
    captured = await ledger.capture(
        merchant.id,
        hold_id,
        key=key,
        cause=WalletCause.PAYMENT.value,
        about=about,
        against=receivable_of(customer_public_id),
        amount=amount,
        now=now,
    )
    if captured:
        await tell(merchant.id, key, now)
    return captured


async def release(merchant: Merchant, hold_id: UUID, *, actor: str, now: datetime) -> bool:
    """Let go of what was set aside. False when the hold has ended before; what was captured stays so."""
    return await ledger.release(merchant.id, hold_id, actor=actor, now=now)


async def give_back(
    merchant: Merchant, amount: Money, *, of_key: str, about: str, key: str, now: datetime
) -> bool:
    """Give back what the payment under `of_key` took, into lots with the causes and ends of those it took from.

    The customer's own money comes back whether or not the module is still on. Raises NoSuchTransfer, MoreThanTaken,
    CurrencyMismatch, MoneyFrozen.
    """
    given = await ledger.restore(
        merchant.id,
        of_key=of_key,
        key=key,
        cause=WalletCause.GIVEN_BACK.value,
        about=about,
        amount=amount,
        now=now,
    )
    if given:
        await tell(merchant.id, key, now)
    return given


async def customer_id_of(merchant_id: UUID, customer_public_id: str) -> UUID:
    """The inner id of somebody who is a customer of this shop. Raises NoSuchWallet."""
    found = await db.fetch_value(_CUSTOMER, merchant_id, customer_public_id)
    if not isinstance(found, UUID):
        raise NoSuchWallet
    return found


def check_currency(merchant: Merchant, amount: Money) -> None:
    """Raises WalletCurrencyMismatch."""
    if amount.currency != merchant.currency:
        raise WalletCurrencyMismatch(merchant.currency, amount.currency)
