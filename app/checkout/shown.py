"""What the confirm page showed, in one signed field: the total, the order's version, what the shopper chose beside the
way to pay, and the quote's hash."""

from __future__ import annotations

import hmac
from typing import Final

from app.checkout.queries import Flow
from app.kernel import keys
from app.orders.rules import extras_of

_PURPOSE: Final = "shown"


def sign(flow: Flow) -> str:
    """The field for a form. Only for a flow with a quote."""
    return keys.process_keyring().sign(_PURPOSE, _payload(flow))


def matches(flow: Flow, field: str) -> bool:
    """Whether the field is ours and shows exactly what this flow would buy now."""
    payload = keys.process_keyring().unsign(_PURPOSE, field)
    return payload is not None and hmac.compare_digest(payload, _payload(flow))


def _payload(flow: Flow) -> bytes:
    quote_hash = flow.quote.hash if flow.quote else ""
    payload = f"{flow.public_id} {flow.total_minor} {flow.currency} {flow.version} {quote_hash}"
    # Another way to deliver at the same price is another purchase.
    chosen = (f"{line.origin}:{line.sku}:{line.name}:{line.total_minor}" for line in extras_of(flow.lines))
    return " ".join((payload, *chosen)).encode()
