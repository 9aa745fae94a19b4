"""What a credit note does to the money of its sale: what sinks, what goes back, what falls away. Pure.

A note that is not settled by money in the wallet lowers what is asked for, of instalments the last ones first; what was
paid beyond that goes back. Once nothing of the sale is left and none of it went into the wallet anew, everything ends:
nothing is asked for, and costs in the books are reversed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.invoices import settlement
from app.invoices.credits import TakenBack
from app.invoices.queries import InvoiceView, unpaid_of
from app.invoices.settlement import Less
from app.plans.requote import Payment


@dataclass(frozen=True, slots=True)
class IntoWallet:
    """What of a credit note goes into the wallet, in minor units: into the lots that paid it, and anew."""

    restored_minor: int = 0
    put_minor: int = 0

    @property
    def sum_minor(self) -> int:
        return self.restored_minor + self.put_minor


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of the money, in minor units: `lowered_minor` is owed no more; `back_minor` becomes the customer's
    credit, or leaves the shop where it was paid outside the checkout; both with the costs that are reversed. `lower` is
    every document that asks for less, as it is before, beside by how much. `ends` tells that nothing is asked for any
    more.
    """

    lowered_minor: int
    back_minor: int
    interest_minor: int
    fee_minor: int
    ends: bool
    lower: tuple[tuple[InvoiceView, Less], ...]

    @property
    def costs_minor(self) -> int:
        return self.interest_minor + self.fee_minor


def outcome_of(
    together: Sequence[InvoiceView], taken: TakenBack, wallet: IntoWallet, paid_by_wallet_minor: int
) -> Outcome:
    """What a note of `taken` does, of which `wallet` goes into the wallet.

    `together` is every document of the order, `paid_by_wallet_minor` what the wallet paid of them at the purchase.
    """
    if any(each.paid_outside for each in together):
        # Nobody ever owed it: the shop gives the money back as it came.
        return Outcome(0, taken.amount_minor, 0, 0, ends=taken.is_rest, lower=())
    notes = [each for each in together if each.kind == "credit_note"]
    if taken.is_rest and not wallet.put_minor and not any(note.put_minor for note in notes):
        return _end(together, taken, wallet, paid_by_wallet_minor)
    financed = taken.amount_minor - wallet.sum_minor
    unpaid, parts = unpaid_of(together)
    less = settlement.credit(parts, financed)
    lowered = sum(each.credited_minor for each in less)
    return Outcome(
        lowered_minor=lowered,
        back_minor=financed - lowered,
        interest_minor=0,
        fee_minor=0,
        ends=False,
        lower=tuple(pair for pair in zip(unpaid, less, strict=True) if pair[1].sum_minor),
    )


def _end(
    together: Sequence[InvoiceView], taken: TakenBack, wallet: IntoWallet, paid_by_wallet_minor: int
) -> Outcome:
    posted = [invoice for invoice in together if invoice.charges_posted_at is not None]
    interest = sum(invoice.earned_interest_minor for invoice in posted)
    fees = sum(invoice.earned_fee_minor for invoice in posted)
    # Of what earlier notes took back, what did not lower what was owed went back already.
    earlier = sum(note.amount_minor - note.restored_minor for note in together if note.kind == "credit_note")
    came_in = sum(each.paid_minor for each in together) - paid_by_wallet_minor
    back = came_in + sum(each.credited_minor for each in together) - earlier
    whole = taken.amount_minor - wallet.restored_minor + interest + fees
    return Outcome(whole - back, back, interest, fees, ends=True, lower=())


def open_after(together: Sequence[InvoiceView], outcome: Outcome) -> frozenset[int]:
    """The numbers of the payments that are not paid in full after it."""
    if outcome.ends:
        return frozenset()
    changed = {invoice.id: lowered(invoice, less) for invoice, less in outcome.lower}
    return frozenset(
        invoice.instalment or 1 for invoice in together if changed.get(invoice.id, invoice).open_minor
    )


def lowered(invoice: InvoiceView, less: Less) -> InvoiceView:
    """The document as it is once it asks for so much less."""
    return replace(
        invoice,
        credited_minor=invoice.credited_minor + less.credited_minor,
        dropped_interest_minor=invoice.dropped_interest_minor + less.interest_minor,
        dropped_fee_minor=invoice.dropped_fee_minor + less.fee_minor,
    )


def payments_left(
    together: Sequence[InvoiceView], outcome: Outcome, paid_by_wallet_minor: int
) -> tuple[Payment, ...]:
    """What the documents of an order ask for after it, those that are paid included, without the wallet's part."""
    if outcome.ends:
        return ()
    changed = {invoice.id: lowered(invoice, less) for invoice, less in outcome.lower}
    payments = []
    for invoice in together:
        if invoice.kind not in {"invoice", "notice"}:
            continue
        now = changed.get(invoice.id, invoice)
        # The document of an invoice plan says the whole price; a notice only what was lent.
        by_wallet = paid_by_wallet_minor if now.kind == "invoice" else 0
        assert now.due_on is not None, "whatever asks for money has its day"
        payments.append(
            Payment(
                now.instalment or 1,
                now.due_on,
                now.amount_minor - now.reduced_minor - by_wallet,
                now.earned_interest_minor,
                now.earned_fee_minor,
            )
        )
    return tuple(payments)
