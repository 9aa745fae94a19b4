"""What a credit decision may know, gathered outside any transaction because a register is asked over the network."""

from __future__ import annotations

from app.checkout.errors import StepNotReached
from app.checkout.queries import Flow
from app.credit.ports import CreditRegister, RegisterUnavailable
from app.credit.queries import exposure_minor
from app.credit.rules import Facts
from app.identity.queries import national_number_of


async def gather(flow: Flow, register: CreditRegister) -> Facts:
    """The facts for this flow's customer and quote. A register that does not answer is a fact, not an error."""
    if flow.customer is None or flow.quote is None:
        raise StepNotReached
    number = await national_number_of(flow.customer.id)
    answer = None
    if number is not None:
        try:
            answer = await register.look_up(number, flow.now)
        except RegisterUnavailable:
            answer = None
    return Facts(
        amount_minor=flow.quote.amount_minor,
        currency=flow.currency,
        exposure_minor=await exposure_minor(flow.merchant.id, flow.customer.id, flow.currency),
        limit_minor=flow.merchant.credit_limit_minor,
        answer=answer,
        has_national_number=number is not None,
    )
