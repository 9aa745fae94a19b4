"""A person says what becomes of money that pays no order: it goes back to the payer, or is kept for an order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.cases import actions as cases
from app.cases import rules
from app.cases.errors import CaseClosed
from app.cases.money import MoneyCaseView, money_case_by_public_id
from app.cases.states import CaseState
from app.checkout.actions.ending import lock_sessions_of
from app.checkout.actions.recording import PAYABLE, can_pay, lock_even_removed, pay_in_tx
from app.checkout.errors import CannotKeepFor, CaseNotFound
from app.kernel import audit, db
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import MERCHANT_SALES, UNASSIGNED, Account, bank_of, between, psp_of, sold_to
from app.merchants.queries import Merchant
from app.orders.queries import OrderView
from app.orders.states import OrderState
from app.payments import actions as payments
from app.payments.queries import recorded_by_id
from app.payments.rules import account_of

# An order that a checkout is about to pay, or a person looks at, takes no other money meanwhile.
_BUSY = frozenset({OrderState.DRAFT, OrderState.HELD})


async def return_money(
    merchant: Merchant, case_public_id: str, reason: str, actor: str, now: datetime
) -> None:
    """Somebody has sent the money back to whoever paid it; what a provider took late, it is asked to give back.

    Raises CaseNotFound, CaseClosed, TextRefused, PaymentDisputed: the bank has taken it back already, be it late money
    or a refund that was refused because of that. Then it can only be kept.
    """
    note = rules.text_of(reason, required=True)

    async def answer() -> None:
        case = await _open_case(merchant.id, case_public_id)
        taken_by = case.provider_payment_id
        if taken_by is not None:
            await payments.refuse_disputed(merchant.id, taken_by, case.amount_minor)
        await ledger.post(
            merchant.id,
            key=f"returned:{case.payment_refund_public_id or case.payment_public_id}",
            cause="returned",
            about=case.order_public_id,
            entries=between(UNASSIGNED, await _goes_from(merchant, case), _sum_of(case)),
            now=now,
        )
        if taken_by is not None and case.kind == "late_payment":
            await payments.begin_refund(merchant.id, taken_by, _sum_of(case), actor=actor, now=now)
        await cases.resolve(merchant.id, case.id, CaseState.RETURNED, actor=actor, note=note, now=now)
        await _tell(merchant.id, case, "returned", None, actor, now)

    await db.in_tx(answer)


async def keep_money(
    merchant: Merchant, case_public_id: str, order_public_id: str, reason: str, actor: str, now: datetime
) -> None:
    """Keep the money for an order. One that waits to be paid is paid by it, which takes exactly its sum; for one that
    has ended it is the shop's.

    Raises CaseNotFound, CaseClosed, TextRefused, OrderUnknown, CannotKeepFor.
    """
    note = rules.text_of(reason, required=True)

    async def answer() -> None:
        # Sessions before their order, the case last: an order that is locked waits for no case.
        sessions = await lock_sessions_of(merchant.id, order_public_id)
        order = await lock_even_removed(merchant.id, order_public_id)
        case = await _open_case(merchant.id, case_public_id)
        await _assign(merchant, case, order, sessions, actor, now)
        await cases.resolve(
            merchant.id, case.id, CaseState.KEPT, actor=actor, note=note, now=now, kept_for_id=order.id
        )
        await _tell(merchant.id, case, "kept", order.public_id, actor, now)

    await db.in_tx(answer)


def _sum_of(case: MoneyCaseView) -> Money:
    return Money(case.amount_minor, case.currency)


async def _goes_from(merchant: Merchant, case: MoneyCaseView) -> Account:
    """Where money lies that is sent back: with the provider that took it, or on the account that a person sends it
    from."""
    if case.payment_id is not None:
        payment = await recorded_by_id(merchant.id, case.payment_id)
        assert payment is not None, "a case about recorded money has its payment"
        return account_of(payment.source)
    if case.kind == "refund_refused":
        return bank_of(merchant.creditor)
    return psp_of(merchant.creditor)


async def _open_case(merchant_id: UUID, public_id: str) -> MoneyCaseView:
    case = await money_case_by_public_id(merchant_id, public_id, lock=True)
    if case is None or case.kind == "disputed_payment":
        # The bank ends a dispute, and nobody else.
        raise CaseNotFound
    if case.state is not CaseState.OPEN:
        raise CaseClosed(case.state)
    return case


async def _assign(
    merchant: Merchant,
    case: MoneyCaseView,
    order: OrderView,
    sessions: list[db.Record],
    actor: str,
    now: datetime,
) -> None:
    merchant_id, amount = merchant.id, _sum_of(case)
    if order.currency != case.currency:
        raise CannotKeepFor("currency")
    if order.state not in PAYABLE | _BUSY:
        await ledger.post(
            merchant_id,
            key=f"kept:{case.payment_refund_public_id or case.payment_public_id}",
            cause="kept",
            about=order.public_id,
            entries=between(UNASSIGNED, _kept_as(merchant, case), amount),
            now=now,
        )
        return
    if case.payment_id is None:
        raise CannotKeepFor("provider")
    if order.state in PAYABLE and order.total_minor != case.amount_minor:
        raise CannotKeepFor("amount")
    if not await can_pay(merchant_id, order, sessions, amount):
        raise CannotKeepFor("busy")
    payment = await recorded_by_id(merchant_id, case.payment_id)
    assert payment is not None, "a case about money has its payment"
    await pay_in_tx(merchant_id, order, sessions, payment, taken_from=UNASSIGNED, actor=actor, now=now)


def _kept_as(merchant: Merchant, case: MoneyCaseView) -> Account:
    """Recorded money came to the shop itself; what a provider took came to whoever lends, who owes it to the shop."""
    return MERCHANT_SALES if case.payment_id is not None else sold_to(merchant.creditor)


async def _tell(
    merchant_id: UUID, case: MoneyCaseView, outcome: str, kept_for: str | None, actor: str, now: datetime
) -> None:
    detail = {} if kept_for is None else {"order": kept_for}
    await audit.record(
        actor, f"case.{outcome}", case.public_id, merchant_id=merchant_id, at=now, detail=detail
    )
