"""Customers of a shop with something in their wallet, as a test would say them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.identity.actions import customers
from app.identity.actions.customers import KnownContact
from app.kernel import clock, db, ids
from app.kernel.money import Money
from app.ledger import actions as ledger
from app.ledger.rules import purchase
from app.merchants.modules import switch_module
from app.merchants.queries import Merchant, merchant_by_id
from app.wallet import actions
from app.wallet.rules import WalletCause
from tests.factories.checkout import POSTCODE, an_identity

ONE_YEAR: Final = timedelta(days=366)


async def switched(merchant: Merchant, *, on: bool = True) -> Merchant:
    """The shop with its wallet module switched."""
    await switch_module(merchant, "wallet", on=on, seen_price_minor=0, actor="staff:st_1", now=clock.wall())
    found = await merchant_by_id(merchant.id)
    assert found is not None
    return found


async def a_customer(
    merchant: Merchant, name: str = "Aino Virta", phone: str = "+358480000101", email: str | None = None
) -> str:
    """Somebody who has bought at this shop; answers their public id."""
    identity = an_identity(subject=name.lower().replace(" ", "-"), name=name)
    contact = KnownContact(country="FI", postcode=POSTCODE, proved_phone=phone)

    async def buy() -> str:
        now = clock.wall()
        customer_id = await customers.remember_identity(identity, contact, now)
        await customers.bought(
            merchant.id,
            customer_id,
            email=email,
            street=None,
            city=None,
            postcode=POSTCODE,
            phone=phone,
            now=now,
        )
        public_id = await db.fetch_value("SELECT public_id FROM customers WHERE id = $1", customer_id)
        assert isinstance(public_id, str)
        return public_id

    return await db.in_tx(buy)


async def given(
    merchant: Merchant,
    customer: str,
    amount_minor: int,
    *,
    cause: WalletCause = WalletCause.REFUND,
    about: str | None = None,
    key: str | None = None,
    now: datetime | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Money comes into a wallet."""
    about = about or ids.public_id("ord")
    return await db.in_tx(
        lambda: actions.add(
            merchant,
            customer,
            Money(amount_minor, merchant.currency),
            cause=cause,
            about=about,
            key=key or f"test:{about}",
            now=now or clock.wall(),
            expires_at=expires_at,
        )
    )


async def owes(merchant: Merchant, customer: str, amount_minor: int, key: str = "bought") -> None:
    """A purchase that is not paid yet."""
    total = Money(amount_minor, merchant.currency)
    await db.in_tx(
        lambda: ledger.post(
            merchant.id,
            key=key,
            cause="purchase",
            about="ord_1",
            entries=purchase(customer, total, merchant.creditor),
            now=clock.wall(),
        )
    )
