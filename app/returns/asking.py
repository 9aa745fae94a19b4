"""What a refund would be, before anybody makes it: its lines and what becomes of the money. Reads alone.

The verb and the page that shows it beforehand both ask here, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.invoices.credits import Row, TakenBack, Wanted, rows_of, taken_of
from app.invoices.errors import CreditRefused
from app.invoices.queries import paid_by_wallet
from app.invoices.taking import IntoWallet, Outcome, open_after, outcome_of, payments_left
from app.merchants.queries import Merchant
from app.merchants.two_people import is_above
from app.orders.queries import OrderView
from app.orders.states import REFUNDABLE
from app.plans.quote import Quote
from app.plans.requote import requote
from app.returns import rules
from app.returns.errors import NotInvoicedYet, NotRefundable, RefundableChanged, RefundRefused
from app.returns.queries import RefundView, Sale, sale_of
from app.returns.rules import Conditions, Destination


@dataclass(frozen=True, slots=True)
class NewRefund:
    """What to give back and where to, in minor units of the order's currency.

    `wanted` is everything, a sum or pieces of lines; `fee_minor` is what the shop keeps of it. `refundable_minor` is
    what whoever asks saw as refundable: another figure by now refuses. `key` names this refund of its order once and
    for all. `amount_minor` is what pieces less the fee should come to, where the caller has said it. `by_right` tells
    that whoever asks need not be let: no second person is asked. `is_fraud`: somebody else bought in the customer's
    name, which rules and models are told.
    """

    wanted: Wanted
    refundable_minor: int
    to: Destination
    actor: str
    key: str
    fee_minor: int = 0
    amount_minor: int | None = None
    currency: str | None = None
    note: str | None = field(default=None, repr=False)
    by_right: bool = False
    is_fraud: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A refund that can be made: its lines, their sum, and the sale it is of."""

    sale: Sale
    rows: tuple[Row, ...]
    amount_minor: int

    @property
    def taken(self) -> TakenBack:
        return taken_of(self.sale.opposed.content, self.sale.earlier, [row.item for row in self.rows])


@dataclass(frozen=True, slots=True)
class Preview:
    """A refund as it would be now. `quote` is what the plan comes to after it; None where it stays or ends."""

    asked: Asked
    wallet: IntoWallet
    outcome: Outcome
    quote: Quote | None
    needs_approval: bool


async def asked_of(merchant: Merchant, order: OrderView, sale: Sale | None, new: NewRefund) -> Asked:
    """Whether and how an order can be refunded so.

    Raises NotRefundable, NotInvoicedYet, RefundableChanged, RefundRefused.
    """
    if order.state not in REFUNDABLE:
        raise NotRefundable(order.state.value)
    if sale is None:
        raise NotInvoicedYet
    if new.to == "wallet" and sale.opposed.debtor_id is None:
        raise RefundRefused("to", "no_customer")
    if new.currency is not None and new.currency != order.currency:
        raise RefundRefused("currency", "mismatch")
    _check_sums(new)
    if new.refundable_minor != order.refundable_minor:
        raise RefundableChanged(order.refundable_minor)
    rows = _rows(sale, new)
    amount = sum(row.item.total_minor for row in rows)
    if not 0 < amount <= order.refundable_minor:
        raise RefundRefused("amount_minor", "more_than_left")
    if new.amount_minor is not None and new.amount_minor != amount:
        raise RefundRefused("amount_minor", "sum_differs")
    asked = Asked(sale, rows, amount)
    check_wallet(merchant, order, into_wallet(order, sale, amount, new.to))
    try:
        # Sums of other rates may have used up what these goods were sold at.
        _ = asked.taken
    except CreditRefused as refused:
        raise RefundRefused(refused.field, "not_left") from None
    return asked


def _check_sums(new: NewRefund) -> None:
    for name, amount in (("amount_minor", new.wanted), ("amount_minor", new.amount_minor)):
        if isinstance(amount, int) and amount <= 0:
            raise RefundRefused(name, "not_positive")
    if isinstance(new.wanted, int) and new.wanted > new.refundable_minor:
        raise RefundRefused("amount_minor", "more_than_left")
    if new.fee_minor < 0:
        raise RefundRefused("return_fee_minor", "not_positive")


def _rows(sale: Sale, new: NewRefund) -> tuple[Row, ...]:
    try:
        return rows_of(sale.opposed.content, sale.earlier, new.wanted, new.fee_minor)
    except CreditRefused as refused:
        match refused.field:
            case "fee_minor":
                raise RefundRefused("return_fee_minor", "too_large") from None
            case "lines":
                raise RefundRefused("lines", "not_left") from None
            case _:
                raise RefundRefused("amount_minor", "more_than_left") from None


def into_wallet(order: OrderView, sale: Sale, amount_minor: int, to: Destination) -> IntoWallet:
    """What of a refund goes into the wallet: its own part of the price always, the rest where it was chosen."""
    signed = signed_quote(order)
    restored = rules.restored_of(
        total_minor=order.total_minor,
        wallet_minor=0 if signed is None else signed.wallet_minor,
        refunded_minor=sum(refund.amount_minor for refund in sale.done),
        restored_minor=sum(refund.restored_minor for refund in sale.done),
        amount_minor=amount_minor,
    )
    return IntoWallet(restored, amount_minor - restored if to == "wallet" else 0)


def check_wallet(merchant: Merchant, order: OrderView, wallet: IntoWallet) -> None:
    """A shop's wallets keep its present currency: nothing of another goes there anew. Raises RefundRefused ("to")."""
    if wallet.put_minor and order.currency != merchant.currency:
        raise RefundRefused("to", "other_currency")


def needs_second_person(refunds: Sequence[RefundView], amount_minor: int, conditions: Conditions) -> bool:
    """Above the shop's limit two people say so. What one person gave back of the order before counts, so that nobody
    passes it in small pieces."""
    alone = sum(
        refund.amount_minor
        for refund in refunds
        if refund.state == "done" and refund.decided_by == refund.asked_by
    )
    return is_above(conditions.approval_above_minor, alone_minor=alone, amount_minor=amount_minor)


async def preview(merchant: Merchant, order: OrderView, new: NewRefund, conditions: Conditions) -> Preview:
    """The refund as it would be now. Raises as `asked_of`."""
    sale = await sale_of(merchant.id, order)
    asked = await asked_of(merchant, order, sale, new)
    sale = asked.sale
    wallet = into_wallet(order, sale, asked.amount_minor, new.to)
    by_wallet = await paid_by_wallet(merchant.id, order.id)
    outcome = outcome_of(sale.together, asked.taken, wallet, by_wallet)
    quote = None
    if outcome.lower:
        signed = signed_quote(order)
        assert signed is not None, "whatever asks for money was bought on a quote"
        restored = wallet.restored_minor + sum(each.restored_minor for each in sale.together)
        payments = payments_left(sale.together, outcome, by_wallet)
        quote = requote(signed, payments, signed.wallet_minor - restored)
    return Preview(
        asked, wallet, outcome, quote, needs_second_person(sale.refunds, asked.amount_minor, conditions)
    )


def still_to_pay(shown: Preview) -> frozenset[int]:
    """The numbers of the payments that are not paid in full after it."""
    return open_after(shown.asked.sale.together, shown.outcome)


def signed_quote(order: OrderView) -> Quote | None:
    """The quote it was paid on; None for one that was paid outside the checkout."""
    return None if order.quote_content is None else Quote.from_data(order.quote_content)
