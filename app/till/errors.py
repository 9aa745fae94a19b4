"""What the till refuses."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class TillUnknown(Refusal):
    """This merchant has no such till."""

    code: ClassVar[str] = "not_found"


class SignTaken(Refusal):
    """Another till of this shop begins its numbers with the same letters."""

    code: ClassVar[str] = "sign_taken"


class ProductUnknown(Refusal):
    """This merchant sells no such product, or no longer."""

    code: ClassVar[str] = "product_unknown"


class SkuTaken(Refusal):
    """Another product of this shop has the same article number."""

    code: ClassVar[str] = "sku_taken"


class PriceListFull(Refusal):
    """The price list of a till is short: it is no shop."""

    code: ClassVar[str] = "price_list_full"


class CustomerUnknown(Refusal):
    """This shop has no such customer in its address book, or no longer."""

    code: ClassVar[str] = "customer_unknown"


class CustomerKnown(Refusal):
    """Somebody with this e-mail is in the address book already: `public_id`."""

    code: ClassVar[str] = "customer_known"

    def __init__(self, public_id: str) -> None:
        super().__init__("the address is in the book already")
        self.public_id = public_id


class ReceiptOpened(Refusal):
    """An order was opened from this receipt: it stays as it is until the next customer."""

    code: ClassVar[str] = "receipt_opened"


class ReceiptFull(Refusal):
    """No order has more lines than this receipt."""

    code: ClassVar[str] = "receipt_full"


class ReceiptNotReady(Refusal):
    """No customer is chosen, or nothing is on the receipt."""

    code: ClassVar[str] = "receipt_not_ready"
