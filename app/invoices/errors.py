"""What invoices refuse, by name."""

from __future__ import annotations

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
