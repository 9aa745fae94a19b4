"""What the confirm page showed, in one signed field: the total, the order's version and the quote's hash."""

from __future__ import annotations

import hmac
from typing import Final

from app.checkout.queries import Flow
from app.kernel import keys

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
    return f"{flow.public_id} {flow.total_minor} {flow.currency} {flow.version} {quote_hash}".encode()
