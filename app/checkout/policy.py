"""Which way to identify is enough for a purchase, and who may save a passkey. Pure. One rule for all ways:

| way | enough |
|---|---|
| code | where the country's policy lets a code identify a returning customer, up to what a code alone may approve |
| passkey | at any sum, where the merchant's word, or else the country's policy, says so |
| bank | always |
| person | where the country has no electronic identity, for one purchase |
| company | a code to the contact person's phone, for one invoice to a company |

The law file gives the sum; a merchant may lower it, never raise it. Both ways that recognise a returning customer end
where a merchant has switched recognition off.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.checkout.queries import Flow
from app.law.rules import law_of

# Ways that prove a person, and not a phone: only after one of them a passkey is saved.
STRONG_WAYS: Final = frozenset({"bank", "passkey"})
# Whoever finds the browser open an hour later must not bind a passkey of theirs to somebody else.
SAVING_MAY_TAKE: Final = timedelta(minutes=30)


def code_is_enough(flow: Flow) -> bool:
    """Above the sum a passkey or the bank is needed, but for a company: what it may owe is bounded by itself."""
    if flow.owed_by_company:
        return True
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


def passkey_is_enough(flow: Flow) -> bool:
    """A passkey was bound after strong authentication. Whether it stands for another one is the merchant's to say;
    where they have not, it does if a code would, and not if the law asks for strong authentication each time."""
    if flow.owed_by_company:
        return False
    merchant = flow.merchant
    policy = law_of(merchant.country).identification.policy
    counts = merchant.passkey_counts
    if counts is None:
        counts = policy == "code_for_returning"
    return counts and merchant.recognise_returning and policy != "manual"


def person_identifies(flow: Flow) -> bool:
    """No electronic identity is common in the merchant's country: somebody on the staff says who is paying."""
    return not flow.owed_by_company and law_of(flow.merchant.country).identification.policy == "manual"


def may_save_passkey(flow: Flow) -> bool:
    """Identified here, by a way that proves the person, and not long ago."""
    return (
        flow.identified
        and flow.identified_by in STRONG_WAYS
        and flow.identified_at is not None
        and flow.now - flow.identified_at <= SAVING_MAY_TAKE
    )
