"""Money that a provider has and that pays no purchase: it stands in the books as nobody's, and a person is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.cases import actions as cases
from app.cases.actions import NewMoneyCase
from app.cases.rules import due_at
from app.kernel import audit
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import UNASSIGNED, between, psp_of
from app.merchants.queries import Merchant

ACTOR: Final = "provider"


@dataclass(frozen=True, slots=True)
class LateMoney:
    """How much, of which order, and the payment that took it or the refund that was refused. `key` names the transfer,
    `action` and `subject` (a public id) what the audit is told, with `detail`."""

    amount: Money
    order_public_id: str
    key: str
    action: str
    subject: str
    provider_payment_id: UUID | None = None
    payment_refund_id: UUID | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


async def ask_about_in_tx(merchant: Merchant, late: LateMoney, now: datetime) -> None:
    """Put it aside in the books and open its case. In a transaction. Raises MoneyFrozen."""
    await ledger.post(
        merchant.id,
        key=late.key,
        cause="received",
        about=late.order_public_id,
        entries=between(psp_of(merchant.creditor), UNASSIGNED, late.amount),
        now=now,
    )
    case = NewMoneyCase(
        payment_id=None,
        provider_payment_id=late.provider_payment_id,
        payment_refund_id=late.payment_refund_id,
        amount_minor=late.amount.amount_minor,
        currency=late.amount.currency,
        lang=merchant.locale,
        due_at=due_at(now, country=merchant.country, time_zone=merchant.time_zone),
    )
    case_id = await cases.open_money_case(merchant.id, case, actor=ACTOR, now=now)
    detail = {"order": late.order_public_id, "case": case_id, **late.detail}
    await audit.record(ACTOR, late.action, late.subject, merchant_id=merchant.id, at=now, detail=detail)
