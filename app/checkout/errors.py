"""What the flow refuses. Each names a place the shopper is led to, or a field."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class SessionNotFound(Refusal):
    """There is no such session, or it belongs to another merchant."""

    code: ClassVar[str] = "session_not_found"


class SessionEnded(Refusal):
    """The session is over, or another request ended it first: the page for its state tells how."""

    code: ClassVar[str] = "session_ended"


class BeingPaid(SessionEnded):
    """By the same link somebody else is at a provider's page for this order: one at a time."""

    code: ClassVar[str] = "being_paid"


class PurchaseDeclined(SessionEnded):
    """Risk has declined the purchase at this very press: the session is over, and no provider was asked."""

    code: ClassVar[str] = "purchase_declined"


class StepNotReached(Refusal):
    """An earlier step is missing in this browser: the shopper is led there."""

    code: ClassVar[str] = "step_not_reached"


class BrowserOver(Refusal):
    """The life of this browser's secret is over: it begins anew with the next page."""

    code: ClassVar[str] = "browser_over"


class OtherPerson(Refusal):
    """The session is one person's already, and the bank named another. Nothing changes."""

    code: ClassVar[str] = "other_person"


class ShownTotalChanged(Refusal):
    """What the shopper saw is no longer what would be bought. They are shown the new figures and asked again."""

    code: ClassVar[str] = "shown_total_changed"


class DecisionsSpent(Refusal):
    """This session has had its three credit decisions."""

    code: ClassVar[str] = "decisions_spent"


class CreditRefused(Refusal):
    """The decision for this quote is not an approval, or the limit is used up by now."""

    code: ClassVar[str] = "credit_refused"


class HoldEnded(Refusal):
    """What the purchase takes from the wallet is not set aside any more: its time is over, or it came free."""

    code: ClassVar[str] = "hold_ended"


class CannotCharge(Refusal):
    """No charge can be made for this order: it is not open, somebody pays it already, or what it would be charged with
    was forgotten."""

    code: ClassVar[str] = "cannot_charge"


class CannotKeepFor(Refusal):
    """Money cannot be kept for this order: `reason` is `currency`, `amount` (it waits to be paid, and its total is
    another one), `busy` (a checkout is about to pay it, or a person looks at that) or `provider` (it waits to be paid,
    and a provider has the money: that goes back, or is kept for an order that has ended)."""

    code: ClassVar[str] = "cannot_keep_for"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CaseNotFound(Refusal):
    """There is no such case, or it belongs to another merchant."""

    code: ClassVar[str] = "case_not_found"


class ApprovalImpossible(Refusal):
    """No person may approve this: `reason` is `credit_ban` or `limit_reached`; or of a purchase that was held after it
    was confirmed, `order_changed`, `not_decided`, `hold_ended`, `link_closed`, `money_frozen` or `payment_ended`."""

    code: ClassVar[str] = "approval_impossible"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AskedTooOften(Refusal):
    """A person has been asked as often as one session may."""

    code: ClassVar[str] = "asked_too_often"


class IdentityUnchecked(Refusal):
    """Nobody approves who somebody is without having made sure of it, and saying how."""

    code: ClassVar[str] = "identity_unchecked"


class DetailsMissing(Refusal):
    """Fields the purchase needs are empty. `fields` names them."""

    code: ClassVar[str] = "details_missing"

    def __init__(self, fields: frozenset[str]) -> None:
        super().__init__(",".join(sorted(fields)))
        self.fields = fields
