"""What a credit decision may know, gathered outside any transaction because a register is asked over the network.

Nothing that is known about fraud is asked for here, and nothing may be: the law keeps the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.checkout.errors import StepNotReached
from app.checkout.queries import Flow
from app.credit.ports import CreditRegister, RegisterAnswer, RegisterUnavailable
from app.credit.rules import Facts
from app.identity.queries import national_number_of
from app.kernel import db

LATE_WITHIN: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class OwnHistory:
    """What our own books say of somebody at one merchant; amounts are minor units of one currency."""

    exposure_minor: int
    late_payments: int
    overdue_minor: int
    late_in_a_year: int


_OWN_HISTORY: Final = """
SELECT coalesce((SELECT exposure_minor FROM credit_exposures
                 WHERE merchant_id = $1 AND customer_id = $2 AND currency = $3), 0) AS exposure_minor,
       count(*) FILTER (WHERE i.state = 'overdue') AS late_payments,
       coalesce(sum(i.amount_minor - i.paid_minor) FILTER (WHERE i.state = 'overdue'), 0)::bigint AS overdue_minor,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM invoice_history h
           WHERE h.merchant_id = i.merchant_id AND h.subject_id = i.id AND h.event = 'invoice.overdue' AND h.at > $4
       )) AS late_in_a_year
FROM invoices i WHERE i.customer_id = $2 AND i.merchant_id = $1 AND i.currency = $3
"""


async def own_history(merchant_id: UUID, customer_id: UUID, currency: str, now: datetime) -> OwnHistory:
    """Open debt and late payments from our own books, in one query."""
    row = await db.fetch_one(_OWN_HISTORY, merchant_id, customer_id, currency, now - LATE_WITHIN)
    assert row is not None, "counts always answer"
    return OwnHistory(**dict(row.items()))


async def gather(flow: Flow, register: CreditRegister) -> Facts:
    """The facts for this flow's customer and quote. A register that does not answer is a fact, not an error."""
    customer, quote = flow.customer, flow.quote
    if customer is None or quote is None:
        raise StepNotReached
    if quote.for_company:
        return await without_register(flow, customer.id)
    number = await national_number_of(customer.id)
    answer: RegisterAnswer | None = None
    failure: str | None = None
    if number is not None:
        try:
            answer = await register.look_up(number, flow.now)
        except RegisterUnavailable as unavailable:
            failure = unavailable.reason
    return await _facts(flow, customer.id, answer, failure, has_national_number=number is not None)


async def without_register(flow: Flow, customer_id: UUID) -> Facts:
    """The facts for a person without a national number, or a company: no register can be asked. No network."""
    return await _facts(flow, customer_id, None, None, has_national_number=False)


async def _facts(
    flow: Flow,
    customer_id: UUID,
    answer: RegisterAnswer | None,
    failure: str | None,
    *,
    has_national_number: bool,
) -> Facts:
    quote = flow.quote
    if quote is None:
        raise StepNotReached
    history = await own_history(flow.merchant.id, customer_id, flow.currency, flow.now)
    return Facts(
        amount_minor=quote.amount_minor,
        currency=flow.currency,
        exposure_minor=history.exposure_minor,
        limit_minor=flow.merchant.company_limit_minor
        if quote.for_company
        else flow.merchant.credit_limit_minor,
        answer=answer,
        has_national_number=has_national_number,
        late_payments=history.late_payments,
        overdue_minor=history.overdue_minor,
        late_in_a_year=history.late_in_a_year,
        months=quote.months,
        payable_minor=quote.total_payable_minor,
        register_failure=failure,
        for_company=quote.for_company,
    )
