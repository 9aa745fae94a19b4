"""Who lends and who sells, from the settings of the operator and of the shop."""

from __future__ import annotations

from app.agreements.content import Party
from app.invoices.queries import Seller
from app.merchants.queries import Merchant
from app.settings import Operator


def parties_of(merchant: Merchant, seller: Seller, operator: Operator) -> tuple[Party, Party | None]:
    """The creditor, and the shop as intermediary where it is not the creditor itself."""
    shop = Party(merchant.name, seller.company_id, _address(seller), merchant.contact_email)
    if merchant.creditor == "merchant":
        return shop, None
    return Party(operator.name, operator.company_id, operator.address, operator.email or None), shop


def _address(seller: Seller) -> str:
    place = " ".join(part for part in (seller.postcode, seller.city) if part)
    return ", ".join(part for part in (seller.street, place) if part)
