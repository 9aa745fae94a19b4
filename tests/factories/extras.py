"""Ways to deliver, fees of ways to pay and insurances, as a test would say them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from app.checkout import actions
from app.checkout.drafts import ContactDraft, SessionDraft
from app.extras.actions import begin_insurance_in_tx, save_fees, save_offer
from app.extras.offering import NewOffer
from app.extras.queries import InsuranceView, insurance_of_order, steering_of
from app.extras.rules import Area, MethodFee, ShippingOption, insurance_line
from app.kernel import clock, db
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.payments.methods import Buyer
from tests.factories.checkout import PHONE, POSTCODE
from tests.factories.invoices import a_purchase, drawn
from tests.factories.payments import a_paid_order
from tests.support.providers import FakeProvider

GENERAL: Final = Decimal("25.5")
PARCEL: Final = ShippingOption("parcel", "Posti", "Parcel locker", 490, GENERAL, (Area("00100", "00990"),))
COURIER: Final = ShippingOption(
    "courier", "Budbee", "To the door tonight", 990, GENERAL, (Area("00100", "00180"),)
)
PICKUP: Final = ShippingOption("pickup", "Havu & Kivi", "Pick-up in the shop", 0, GENERAL)
OPTIONS: Final = (PARCEL, COURIER, PICKUP)

COVER: Final = NewOffer(
    name="Accident and theft",
    insurer="Turva",
    covers={
        "en": "If it breaks or is stolen within two years, you get a new one.",
        "fi": "Jos se hajoaa tai varastetaan kahden vuoden sisällä, saat uuden.",
    },
    categories=(),
    from_minor=10_000,
    to_minor=300_000,
    fixed_minor=None,
    rate_points=800,
    least_minor=900,
    most_minor=9_900,
    cancel_days=30,
    terms_url="https://turva.example/terms",
)


def a_phone(price_minor: int = 29_900) -> Line:
    return Line("item", "Phone", 1, price_minor, GENERAL, category="phones")


async def an_insurance_offer(merchant: Merchant, **changes: object) -> str:
    """Its public id."""
    offer = replace(COVER, **changes)  # type: ignore[arg-type]  # a test names what differs
    return await save_offer(merchant, offer, actor="staff:st_test", now=await clock.business_now())


async def fees(merchant: Merchant, *wanted: MethodFee) -> None:
    await save_fees(merchant, wanted, actor="staff:st_test", now=await clock.business_now())


async def a_session_to_steer(
    merchant: Merchant,
    *lines: Line,
    options: tuple[ShippingOption, ...] = (),
    postcode: str | None = POSTCODE,
    buyer: Buyer = "consumer",
) -> str:
    """An open session's public id, on a phone unless lines are given."""
    draft = SessionDraft(
        reference="SHOP-1001",
        country=merchant.country,
        currency=merchant.currency,
        locale="en",
        buyer=buyer,
        lines=lines or (a_phone(),),
        customer=ContactDraft(email="aino@example.test", phone=PHONE, postcode=postcode),
        success_url="http://localhost:9/thanks",
        cancel_url="http://localhost:9/basket",
        expires_in_s=86_400,
        shipping_options=options,
    )
    opened = await actions.open_session(merchant, draft, await clock.business_now())
    return opened.session_id


async def an_insured_purchase(merchant: Merchant, *, price_minor: int = 29_900) -> str:
    """A confirmed order's public id: a phone with its insurance, by invoice, drawn and insured."""
    offer = await an_insurance_offer(merchant)
    steering = await steering_of(merchant.id)
    phone = a_phone(price_minor)
    [found] = [each for each in steering.offers if each.public_id == offer]
    premium = found.premium_minor((phone,))
    assert premium is not None
    order = await a_purchase(merchant, phone, insurance_line(found, premium))
    await drawn(merchant, order)
    await db.in_tx(lambda: begin_insurance_in_tx(merchant.id, order, "en"))
    return order


async def a_guests_insurance(merchant: Merchant) -> InsuranceView:
    """A phone with its insurance that somebody whom nobody knows has paid by card, drawn and insured."""
    offer = await an_insurance_offer(merchant)
    [found] = [each for each in (await steering_of(merchant.id)).offers if each.public_id == offer]
    premium = found.premium_minor((a_phone(),))
    assert premium is not None
    order, _ = await a_paid_order(merchant, FakeProvider("card"), a_phone(), insurance_line(found, premium))
    await drawn(merchant, order)
    await db.in_tx(lambda: begin_insurance_in_tx(merchant.id, order, "en"))
    insurance = await insurance_of_order(merchant.id, order)
    assert insurance is not None
    return insurance
