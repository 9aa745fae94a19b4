"""What the flow shows of the company that buys, and the price with its VAT apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kernel.money import Money
from app.orders.rules import vat_groups
from app.web.shopper.views import CompanyView, VatRate

if TYPE_CHECKING:
    from app.checkout.queries import Flow


def company_view(flow: Flow) -> CompanyView | None:
    """None where a consumer buys, and while nobody has said which company does."""
    company = flow.company
    if flow.buyer != "business" or company is None:
        return None

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, flow.currency)

    groups = vat_groups(flow.lines)
    return CompanyView(
        name=company.name,
        number=company.number.printed,
        # What a company calls its purchase is no business of another browser's.
        purchase_order=company.purchase_order if flow.ours else None,
        net=money(sum(group.net_minor for group in groups)),
        vat=[VatRate(group.percent, money(group.vat_minor)) for group in groups],
        gross=flow.total,
    )
