"""What invoices refuse, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from app.kernel.errors import Refusal


class ReferenceRefused(Refusal, ValueError):
    """No payment reference: `reason` is "malformed", "length" or "checksum"."""

    code: ClassVar[str] = "reference_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BarcodeRefused(Refusal, ValueError):
    """A bank barcode cannot carry this: `field` is "iban", "amount_minor" or "version"."""

    code: ClassVar[str] = "barcode_refused"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class NoAccount(Refusal):
    """The merchant is the creditor, and nobody has said to which account its invoices are paid."""

    code: ClassVar[str] = "seller_has_no_account"


class NotFound(Refusal):
    """This merchant has no such invoice."""

    code: ClassVar[str] = "invoice_not_found"


class NotPayable(Refusal):
    """The document asks for no money: a receipt, a credit note, or something that was credited. `kind` and `state`."""

    code: ClassVar[str] = "invoice_not_payable"

    def __init__(self, kind: str, state: str) -> None:
        super().__init__(kind, state)
        self.kind = kind
        self.state = state


class PaymentRefused(Refusal):
    """A payment that cannot be: `field` is "amount_minor", "currency" or "paid_on"."""

    code: ClassVar[str] = "payment_refused"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class PaymentKeyReused(Refusal):
    """The key names another payment already: other money, another day or another invoice."""

    code: ClassVar[str] = "payment_key_reused"


class NotCreditable(Refusal):
    """Only a document with VAT can be opposed, and only once."""

    code: ClassVar[str] = "invoice_not_creditable"

    def __init__(self, kind: str, state: str) -> None:
        super().__init__(kind, state)
        self.kind = kind
        self.state = state


class CreditRefused(Refusal):
    """More, or other things, than are left of a sale: `field` is "amount_minor", "lines" or "fee_minor"."""

    code: ClassVar[str] = "credit_refused"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class CreditedMeanwhile(Refusal):
    """Another credit note came in between: what was looked at is not what is left."""

    code: ClassVar[str] = "credited_meanwhile"


class NothingToSettle(Refusal):
    """The order has no instalments that still ask for money."""

    code: ClassVar[str] = "nothing_to_settle"


class SettlementMoved(Refusal):
    """The sum is not what settles the credit on that day; `figure_minor` is."""

    code: ClassVar[str] = "settlement_moved"

    def __init__(self, figure_minor: int) -> None:
        super().__init__(figure_minor)
        self.figure_minor = figure_minor


class SellerRefused(Refusal):
    """What was said of a seller cannot stand on an invoice: `errors` names each field with "malformed", "checksum",
    "too_long" or "missing"."""

    code: ClassVar[str] = "seller_refused"

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(dict(errors))
        self.errors = errors
