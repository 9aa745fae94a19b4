"""What invoices say of a shop as their seller."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Final
from uuid import UUID

from app.invoices.queries import Seller, seller_of
from app.invoices.references import checked_iban
from app.invoices.seller import checked_seller
from app.kernel import audit, db
from app.merchants.queries import Merchant

_SET: Final = """
INSERT INTO invoice_sellers (merchant_id, company_id, vat_id, street, postcode, city, iban, bic, name, email, phone,
                             footer)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (merchant_id) DO UPDATE SET
    company_id = $2, vat_id = $3, street = $4, postcode = $5, city = $6, iban = $7, bic = $8, name = $9, email = $10,
    phone = $11, footer = $12
"""


async def set_seller(merchant_id: UUID, seller: Seller) -> None:
    """Say what invoices tell of a shop from now on, in the caller's transaction. Raises BarcodeRefused: the account."""
    await db.execute(
        _SET,
        merchant_id,
        seller.company_id,
        seller.vat_id,
        seller.street,
        seller.postcode,
        seller.city,
        None if seller.iban is None else checked_iban(seller.iban),
        seller.bic,
        seller.name,
        seller.email,
        seller.phone,
        seller.footer,
    )


async def save_seller(merchant: Merchant, typed: Seller, *, actor: str, now: datetime) -> Seller:
    """As staff typed it: checked by the rules of the shop's country, with a line in the audit log, in the caller's
    transaction. Documents that are drawn already keep what they say. Raises SellerRefused."""
    seller = checked_seller(typed, merchant.country, is_creditor=merchant.creditor == "merchant")
    before = await seller_of(merchant.id)
    changed = [
        each.name for each in fields(Seller) if getattr(seller, each.name) != getattr(before, each.name)
    ]
    if changed:
        await set_seller(merchant.id, seller)
        await audit.record(
            actor,
            "seller.changed",
            merchant.public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"fields": changed},
        )
    return seller
