"""What Stripe tells us of its own accord, once its signature holds. No network.

An event is a reason to ask and nothing more, so of all that stands in it only names are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
import stripe

from app.outside.card_reading import REFERENCE
from app.payments.errors import CallbackForged
from app.payments.ports import Callback

# Stripe signs each delivery afresh, so an older one was kept by somebody. Its own packages allow as much.
AGE_S_MAX: Final = stripe.Webhook.DEFAULT_TOLERANCE
_HEADER: Final = "stripe-signature"


class _Object(msgspec.Struct, frozen=True):
    object: str = ""
    id: str = ""
    metadata: dict[str, str] | None = None


class _Data(msgspec.Struct, frozen=True):
    object: _Object


class _Event(msgspec.Struct, frozen=True):
    id: str
    data: _Data


def read_event(headers: Mapping[str, str], body: bytes, *, secret: str, wall: datetime) -> Callback:
    """Raises CallbackForged for a signature, an age or a shape that does not hold."""
    signature = next((value for name, value in headers.items() if name.lower() == _HEADER), "")
    # Characters beyond ASCII would end in another error than a wrong signature does.
    if not signature.isascii():
        raise CallbackForged
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, tolerance=None)
        event = msgspec.json.decode(body, type=_Event)
    except (stripe.SignatureVerificationError, msgspec.MsgspecError, ValueError, RecursionError):
        raise CallbackForged from None
    if abs(wall.timestamp() - _signed_at(signature)) > AGE_S_MAX:
        raise CallbackForged
    told = event.data.object
    return Callback(
        event_id=event.id,
        # An intent's own name is known to nobody here but for a later charge, whose reference says as much.
        provider_ref=told.id if told.object == "checkout.session" else None,
        reference=(told.metadata or {}).get(REFERENCE) or None,
        is_dispute=told.object == "dispute",
    )


def _signed_at(signature: str) -> int:
    """Unix seconds, from a header that has been verified: the first `t`, which is what was signed."""
    return next(int(part[2:]) for part in signature.split(",") if part.startswith("t="))
