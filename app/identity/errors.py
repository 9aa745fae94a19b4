"""What identity refuses, by name. Nothing here knows HTTP, a template or a protocol's wording."""

from typing import ClassVar

from app.kernel.errors import Refusal

# --- Strong authentication: the four ways a visit to a bank ends without an identity. ---


class LoginCancelled(Refusal):
    """The shopper turned back at the bank. Nothing is wrong; every other way stays open."""

    code: ClassVar[str] = "login_cancelled"


class LoginFailed(Refusal):
    """The bank's answer does not prove who this is.

    `reason` is stable and names the rule that failed (`token_nonce`, `state_mismatch`, `provider_refused`,
    ...): for logs and tests, never for the shopper, who is told to try again or to choose another way.
    """

    code: ClassVar[str] = "login_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LoginExpired(Refusal):
    """The shopper came back from the bank too late: the login must be begun again."""

    code: ClassVar[str] = "login_expired"


class ProviderUnavailable(Refusal):
    """The bank does not answer, or answers what no sound provider does. Not the shopper's doing.

    `reason` is stable: `timeout`, `unreachable`, `status`, `redirect`, `too_large`, `garbage`, `metadata`,
    `keys`, `client_refused` or `provider_error`.
    """

    code: ClassVar[str] = "provider_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- One-time codes. ---


class CodeWrong(Refusal):
    """The typed code is not the one that was sent. Which part of what was typed is wrong is never said."""

    code: ClassVar[str] = "code_wrong"

    def __init__(self, tries_left: int) -> None:
        super().__init__(tries_left)
        self.tries_left = tries_left


class CodeSpent(Refusal):
    """There is no code to type any more: five wrong tries, a newer code, a changed basket, or it was used."""

    code: ClassVar[str] = "code_spent"


class CodeExpired(Refusal):
    """The code was right or wrong, but too late."""

    code: ClassVar[str] = "code_expired"


class CodeUnsent(Refusal):
    """The gateway did not take the message; nothing reached the phone."""

    code: ClassVar[str] = "code_unsent"


# --- Passkeys. ---


class PasskeyRefused(Refusal):
    """A device's answer saves no passkey, or identifies nobody.

    `reason` is stable. Without a right signature: `malformed` (no answer of a browser's), `stale` (its challenge is
    over, was answered before, or was for another browser, session or sum), `unproved` (signature, origin or relying
    party do not fit), `unverified` (the device did not check who holds it), `unknown` (no such passkey, or it was
    removed: never told apart). With one: `copied` (its counter went back, so it works no more), `other_person` (the
    session is somebody else's), `stranger_here` (this merchant is its own creditor and does not know the customer),
    `saved_before` and `too_many`.
    """

    code: ClassVar[str] = "passkey_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PasskeyUnknown(Refusal):
    """The customer has no passkey of this id."""

    code: ClassVar[str] = "passkey_unknown"


# --- Signing in outside of a purchase. ---


class SignInLost(Refusal):
    """This browser's secret is over: it begins again, with a new one."""

    code: ClassVar[str] = "sign_in_lost"
