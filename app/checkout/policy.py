"""When a code alone is enough. Pure."""

from __future__ import annotations

from app.checkout.queries import Flow
from app.law.rules import law_of


def code_is_enough(flow: Flow) -> bool:
    """The country's policy lets a code identify a returning customer, the merchant recognises them, and the sum is not
    above what a code may approve (a merchant may lower the law file's figure, never raise it)."""
    merchant = flow.merchant
    identification = law_of(merchant.country).identification
    limit_minor = identification.code_alone_max_minor
    if merchant.code_alone_max_minor is not None:
        limit_minor = min(limit_minor, merchant.code_alone_max_minor)
    return (
        identification.policy == "code_for_returning"
        and merchant.recognise_returning
        and flow.total_minor <= limit_minor
    )
