"""What the sandbox's MobilePay takes: the fields that its documents name, and no others."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.web.sandbox.mobilepay_rules import Flow


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    pass


class Amount(Strict, frozen=True):
    currency: Literal["NOK", "DKK", "EUR"]
    value: int


class Customer(Strict, frozen=True):
    phone_number: str


class Method(Strict, frozen=True):
    type: Literal["WALLET"]


class QrFormat(Strict, frozen=True):
    format: Literal["TEXT/TARGETURL", "IMAGE/SVG+XML", "IMAGE/PNG"]
    size: int | None = None


class NewPayment(Strict, frozen=True):
    amount: Amount
    payment_method: Method
    reference: str
    user_flow: Flow
    return_url: str = ""
    payment_description: str = ""
    customer: Customer | None = None
    qr_format: QrFormat | None = None


class Adjustment(Strict, frozen=True):
    modification_amount: Amount


class Cancellation(Strict, frozen=True):
    cancel_transaction_only: bool = False


class Pricing(Strict, frozen=True):
    type: Literal["FLEXIBLE"]
    currency: Literal["NOK", "DKK", "EUR"]


class InitialCharge(Strict, frozen=True):
    amount: int
    description: str
    transaction_type: Literal["RESERVE_CAPTURE", "DIRECT_CAPTURE"]
    order_id: str


class NewAgreement(Strict, frozen=True):
    pricing: Pricing
    product_name: str
    merchant_redirect_url: str
    merchant_agreement_url: str
    initial_charge: InitialCharge | None = None
    external_id: str = ""
    country_code: Literal["NO", "DK", "FI"] | None = None
    phone_number: str | None = None


class AgreementChange(Strict, frozen=True):
    status: Literal["STOPPED"]


class NewCharge(Strict, frozen=True):
    amount: int
    transaction_type: Literal["DIRECT_CAPTURE"]
    type: Literal["UNSCHEDULED"]
    description: str
    order_id: str


class ChargeAdjustment(Strict, frozen=True):
    amount: int
    description: str
