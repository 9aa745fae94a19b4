"""Money that leaves a wallet for the customer's own account: asked for, then paid by a person at the bank.

The shop that switched the wallet off offers it to the customer; while it is on, the shop does it on its customer's
behalf, where the law or fairness wants it. From the request on the money is set aside, so it is paid out once and not
spent meanwhile.

Above the shop's limit a second person approves what staff ask for; the money is set aside meanwhile.

What is still owed to the shop stays in: a refund may come into the wallet while its purchase is unpaid, and the debt
stands, so paying all of it out would leave the shop with neither goods nor money. Asked when a payout is requested, and
again before it is paid.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import audit, db, ids, keys
from app.kernel.money import Money
from app.kernel.states import Also
from app.ledger import actions as ledger
from app.ledger.errors import InsufficientFunds
from app.ledger.queries import balance, owed_minor
from app.ledger.rules import bank_of, wallet_of
from app.merchants.modules import terms_of
from app.merchants.queries import Merchant
from app.merchants.two_people import check_second
from app.wallet.actions.moving import check_currency, customer_id_of
from app.wallet.actions.second_person import APPROVERS, Staff, payout_waits
from app.wallet.actions.telling import tell
from app.wallet.errors import (
    KeyOfAnother,
    NoSuchPayout,
    OwesTheShop,
    PayoutEnded,
    PayoutRefused,
    PayoutWaits,
    RoleRefused,
    StaysInTheShop,
)
from app.wallet.rules import WalletCause, holder_of, iban_of
from app.wallet.states import MACHINE, PayoutState

_S = PayoutState

PAYOUT_PURPOSE: Final = "wallet.payout"
# A person pays it within days; the hold itself never is what ends it.
_KEPT_ASIDE: Final = timedelta(days=3650)

_BEFORE: Final = """
SELECT public_id, customer_id, amount_minor, currency FROM wallet_payouts WHERE merchant_id = $1 AND key = $2
"""
_REQUEST: Final = """
INSERT INTO wallet_payouts (merchant_id, id, public_id, key, customer_id, hold_id, currency, amount_minor, state,
                            sealed, hint, requested_at, requested_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""
_LOCK: Final = """
SELECT o.id, o.hold_id, o.state, o.amount_minor, o.currency, o.requested_by, o.approved_by, c.public_id AS customer_id
FROM wallet_payouts o JOIN customers c ON c.id = o.customer_id
WHERE o.merchant_id = $1 AND o.public_id = $2 FOR NO KEY UPDATE OF o
"""
# What CHECKs tie together goes in one statement; the machine's own could not set the rest.
_END: Final = """
WITH moved AS (
    UPDATE wallet_payouts SET state = $3, ended_at = $4, sealed = NULL
    WHERE merchant_id = $1 AND id = $2 AND state = $8 RETURNING id
)
INSERT INTO wallet_payout_history (merchant_id, id, subject_id, from_state, to_state, event, actor, at, detail)
SELECT $1, $5, id, $8, $3, $6, $7, $4, '{}' FROM moved
"""


@dataclass(frozen=True, slots=True)
class NewPayout:
    """How much, and to which account. Personal data: kept sealed, and only until it is paid."""

    amount: Money
    iban: str = field(repr=False)
    holder: str = field(repr=False)


class PayTo(msgspec.Struct, frozen=True):
    """The sealed part of a payout."""

    iban: str
    holder: str


async def request_payout(
    merchant: Merchant, customer_public_id: str, new: NewPayout, *, actor: str, key: str, now: datetime
) -> str:
    """Ask for a payout; one transaction. Answers its public id; the same key again answers the same one.

    `actor` is "shopper" or "staff:" and a public id. Raises PayoutRefused, NoSuchWallet, WalletCurrencyMismatch,
    StaysInTheShop (a shopper's, while the wallet is on), InsufficientFunds, OwesTheShop, KeyOfAnother, MoneyFrozen.
    """
    check_currency(merchant, new.amount)
    if new.amount.amount_minor <= 0:
        raise PayoutRefused("amount", "malformed")
    new = replace(new, iban=iban_of(new.iban), holder=holder_of(new.holder))

    async def write() -> str:
        customer_id = await customer_id_of(merchant.id, customer_public_id)
        before = await db.fetch_one(_BEFORE, merchant.id, key)
        if before is not None:
            return _same(before, customer_id, new.amount)
        if not actor.startswith("staff:") and (await terms_of(merchant.id, "wallet")).is_on:
            raise StaysInTheShop
        await ledger.lock(merchant.id, [(wallet_of(customer_public_id), new.amount.currency)])
        # Somebody with the same key may have held the wallet's lock until now.
        before = await db.fetch_one(_BEFORE, merchant.id, key)
        if before is not None:
            return _same(before, customer_id, new.amount)
        await _check_request(merchant.id, customer_public_id, new.amount, now)
        public_id = ids.public_id("wpo")
        waits = await payout_waits(merchant.id, customer_id, new.amount.amount_minor, actor, now)
        held = await ledger.hold(
            merchant.id,
            key=f"payout:{key}",
            about=public_id,
            account=wallet_of(customer_public_id),
            amount=new.amount,
            expires_at=now + _KEPT_ASIDE,
            now=now,
        )
        named = _Named(ids.internal_id(), public_id, held.id, _S.PENDING_APPROVAL if waits else _S.REQUESTED)
        await _insert(merchant.id, customer_id, named, new, key=key, actor=actor, now=now)
        return public_id

    return await db.in_tx(write)


async def _check_request(merchant_id: UUID, customer_public_id: str, amount: Money, now: datetime) -> None:
    """Under the wallet's lock, and of what is free: other payouts that wait are not promised twice.

    Raises InsufficientFunds, OwesTheShop.
    """
    free = (await balance(merchant_id, wallet_of(customer_public_id), amount.currency, now)).available
    if free < amount.amount_minor:
        raise InsufficientFunds(free, amount.amount_minor)
    await _check_owed(merchant_id, customer_public_id, amount, of_minor=free)


async def _check_owed(merchant_id: UUID, customer_public_id: str, amount: Money, *, of_minor: int) -> None:
    """Raises OwesTheShop: less than the amount is left of so much without what is owed."""
    owed = await owed_minor(merchant_id, customer_public_id, amount.currency)
    payable = max(0, of_minor - owed)
    if payable < amount.amount_minor:
        raise OwesTheShop(owed, payable)


def _same(before: db.Record, customer_id: UUID, amount: Money) -> str:
    asked = (customer_id, amount.amount_minor, amount.currency)
    if asked != (before["customer_id"], before["amount_minor"], before["currency"]):
        raise KeyOfAnother
    public_id: str = before["public_id"]
    return public_id


@dataclass(frozen=True, slots=True)
class _Named:
    """A payout that is about to be written down."""

    id: UUID
    public_id: str
    hold_id: UUID
    state: PayoutState


async def _insert(
    merchant_id: UUID,
    customer_id: UUID,
    named: _Named,
    new: NewPayout,
    *,
    key: str,
    actor: str,
    now: datetime,
) -> None:
    await db.execute(
        _REQUEST,
        merchant_id,
        named.id,
        named.public_id,
        key,
        customer_id,
        named.hold_id,
        new.amount.currency,
        new.amount.amount_minor,
        named.state.value,
        keys.process_keyring().seal(PAYOUT_PURPOSE, msgspec.json.encode(PayTo(new.iban, new.holder))),
        new.iban[-4:],
        now,
        actor,
    )
    event = "payout.requested" if named.state is _S.REQUESTED else "payout.asked"
    await MACHINE.begin(merchant_id, named.id, state=named.state, event=event, actor=actor, at=now)


async def approve_payout(merchant: Merchant, payout_public_id: str, *, by: Staff, now: datetime) -> None:
    """A second person says yes: it may be paid now; one transaction. Their own second press: nothing.

    Raises RoleRefused, NoSuchPayout, SamePerson, PayoutEnded (somebody else was faster).
    """
    if by.role not in APPROVERS:
        raise RoleRefused

    async def write() -> None:
        row = await _locked(merchant.id, payout_public_id)
        if row["state"] == _S.REQUESTED and row["approved_by"] == by.actor:
            return
        if row["state"] != _S.PENDING_APPROVAL:
            raise PayoutEnded(row["state"])
        check_second(row["requested_by"], by.actor)
        said = Also("approved_by = $10, approved_at = $11", (by.actor, now))
        await MACHINE.move(
            merchant.id,
            row["id"],
            expected=_S.PENDING_APPROVAL,
            to=_S.REQUESTED,
            actor=by.actor,
            at=now,
            also=said,
        )
        await _note("wallet.payout_approved", merchant.id, payout_public_id, row, by.actor, now)

    await db.in_tx(write)


async def _note(
    action: str, merchant_id: UUID, payout_public_id: str, row: db.Record, actor: str, now: datetime
) -> None:
    detail = {"payout": payout_public_id, "amount_minor": row["amount_minor"]}
    await audit.record(actor, action, row["customer_id"], merchant_id=merchant_id, at=now, detail=detail)


async def mark_paid(merchant: Merchant, payout_public_id: str, *, actor: str, now: datetime) -> None:
    """The money left the bank: the wallet loses it for good; one transaction. A second time: nothing.

    Raises NoSuchPayout, PayoutWaits (for a second person), PayoutEnded (it was cancelled), OwesTheShop, MoneyFrozen.
    """

    async def pay(payout: db.Record) -> None:
        customer_public_id, amount = payout["customer_id"], Money(payout["amount_minor"], payout["currency"])
        wallet = wallet_of(customer_public_id)
        await ledger.lock(merchant.id, [(wallet, amount.currency)])
        there = (await balance(merchant.id, wallet, amount.currency, now)).total
        await _check_owed(merchant.id, customer_public_id, amount, of_minor=there)
        transfer = f"payout:{payout_public_id}"
        await ledger.capture(
            merchant.id,
            payout["hold_id"],
            key=transfer,
            cause=WalletCause.PAYOUT.value,
            about=payout_public_id,
            against=bank_of(merchant.creditor),
            now=now,
        )
        await tell(merchant.id, transfer, now)

    await _end(merchant.id, payout_public_id, PayoutState.PAID, pay, actor=actor, now=now)


async def cancel_payout(merchant: Merchant, payout_public_id: str, *, actor: str, now: datetime) -> None:
    """It is not paid: the money is free again in the wallet; one transaction. A second time: nothing.

    Raises NoSuchPayout, PayoutEnded (it was paid).
    """
    await _let_go(merchant, payout_public_id, tuple(MACHINE.states), actor=actor, now=now)


async def refuse_payout(merchant: Merchant, payout_public_id: str, *, by: Staff, now: datetime) -> None:
    """A second person says no, or whoever asked takes it back: as `cancel_payout`, while it waits and no later.

    Raises RoleRefused, NoSuchPayout, PayoutEnded (it was approved).
    """
    if by.role not in APPROVERS:
        raise RoleRefused
    await _let_go(merchant, payout_public_id, (_S.PENDING_APPROVAL,), actor=by.actor, now=now)


async def _let_go(
    merchant: Merchant, payout_public_id: str, while_in: Sequence[str], *, actor: str, now: datetime
) -> None:
    async def let_go(payout: db.Record) -> None:
        if payout["state"] not in while_in:
            raise PayoutEnded(payout["state"])
        await ledger.release(merchant.id, payout["hold_id"], actor=actor, now=now)
        if payout["state"] == _S.PENDING_APPROVAL:
            await _note("wallet.payout_refused", merchant.id, payout_public_id, payout, actor, now)

    await _end(merchant.id, payout_public_id, PayoutState.CANCELLED, let_go, actor=actor, now=now)


async def _end(
    merchant_id: UUID,
    payout_public_id: str,
    to: PayoutState,
    work: Callable[[db.Record], Awaitable[None]],
    *,
    actor: str,
    now: datetime,
) -> None:
    async def write() -> None:
        row = await _locked(merchant_id, payout_public_id)
        before = PayoutState(row["state"])
        if before is to:
            return
        if to not in MACHINE.targets(before):
            raise PayoutWaits if before is _S.PENDING_APPROVAL else PayoutEnded(before.value)
        await work(row)
        event = MACHINE.event(before, to)
        await db.execute(
            _END, merchant_id, row["id"], to.value, now, ids.internal_id(), event, actor, before.value
        )

    await db.in_tx(write)


async def _locked(merchant_id: UUID, payout_public_id: str) -> db.Record:
    """A payout, held until the transaction ends. Raises NoSuchPayout."""
    row = await db.fetch_one(_LOCK, merchant_id, payout_public_id)
    if row is None:
        raise NoSuchPayout
    return row
