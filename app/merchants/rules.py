"""What a merchant's settings, staff and endpoints may be. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final, Literal, get_args
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from app.law.rules import law_of
from app.merchants.errors import FieldRefused, PayingRulesRefused

Role = Literal["owner", "cashier", "reviewer", "support"]
ROLES: Final = frozenset(get_args(Role))
# What of the product a shop may have or not; the rest is its core.
Module = Literal["wallet"]

# Countries served, with what a new merchant there starts from.
HOME_OF: Final = {
    "FI": ("EUR", "fi", "Europe/Helsinki"),
    "SE": ("SEK", "sv", "Europe/Stockholm"),
    "DK": ("DKK", "da", "Europe/Copenhagen"),
    "BG": ("EUR", "bg", "Europe/Sofia"),
}

WEBHOOK_TYPES: Final = frozenset(
    {
        "session.confirmed",
        "session.held",
        "session.declined",
        "session.expired",
        "session.cancelled",
        "order.paid",
        "order.refunded",
        "order.expired",
        "payment.disputed",
        "payment.dispute_closed",
        "link.sent",
        "link.opened",
        "review.resolved",
        "invoice.issued",
        "invoice.paid",
        "invoice.overdue",
        "wallet.changed",
        "subscription.started",
        "subscription.renewed",
        "subscription.past_due",
        "subscription.recovered",
        "subscription.paused",
        "subscription.resumed",
        "subscription.cancelling",
        "subscription.kept",
        "subscription.ended",
        "subscription.revived",
        "subscription.changed",
        "subscription.change_planned",
        "subscription.price_offered",
        "subscription.price_accepted",
        "subscription.price_declined",
        "subscription.method_changed",
    }
)
ENDPOINTS_MAX: Final = 20

PASSWORD_LENGTH_MIN: Final = 12
PASSWORD_LENGTH_MAX: Final = 256
NAME_LENGTH_MAX: Final = 100
EMAIL_LENGTH_MAX: Final = 254
URL_LENGTH_MAX: Final = 2048

# One "@", something on both sides, a dot in the host, nothing invisible: the mail itself proves the rest.
_EMAIL: Final = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\]+\.[^\s@<>\"(),:;\[\]\\.]{2,}")
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*", re.ASCII)
_ACCENT: Final = re.compile(r"#[0-9a-f]{6}", re.ASCII)


AMOUNT_MAX_MINOR: Final = 1_000_000_000_000
# A month of a module. The sum of a shop's statement has room for it beside all else that is in there.
MODULE_PRICE_MAX_MINOR: Final = 100_000_000
CATEGORIES_MAX: Final = 50
# What one company may owe a new shop: about five thousand euros.
COMPANY_LIMIT_MINOR: Final = {"EUR": 5_000_00, "SEK": 50_000_00, "DKK": 35_000_00}


@dataclass(frozen=True, slots=True)
class ModuleState:
    """How a module stands from `at` on: whether it is on, and what it costs a month in minor units."""

    module: Module
    is_on: bool
    price_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class MethodTerms:
    """What a shop has said of one way to pay. Bounds are minor units of its currency, both included; None: none.
    `not_for` are categories of goods that cannot be paid this way."""

    is_on: bool = True
    min_minor: int | None = None
    max_minor: int | None = None
    not_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PayingRules:
    """Whom a shop lets pay how; amounts are minor units of its currency. Above `code_alone_max_minor` a passkey or the
    bank is needed; None takes the law file's figure. `passkey_counts` None: where the country lets a code identify."""

    credit_limit_minor: int
    code_alone_max_minor: int | None
    passkey_counts: bool | None
    recognise_returning: bool


def checked_paying_rules(rules: PayingRules, country: str) -> PayingRules:
    """Raises PayingRulesRefused. A shop may ask for more than the law file does, never for less."""
    errors: dict[str, str] = {}
    if not 1 <= rules.credit_limit_minor <= AMOUNT_MAX_MINOR:
        errors["credit_limit"] = "malformed"
    at_most = law_of(country).identification.code_alone_max_minor
    if rules.code_alone_max_minor is not None:
        if rules.code_alone_max_minor < 0:
            errors["code_alone"] = "malformed"
        elif rules.code_alone_max_minor > at_most:
            errors["code_alone"] = "above_law"
    if errors:
        raise PayingRulesRefused(errors)
    return rules


def name_of(text: str, field: str = "name") -> str:
    """A name on one line, NFC. Raises FieldRefused: empty, too_long, malformed."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise FieldRefused(field, "empty")
    if len(name) > NAME_LENGTH_MAX:
        raise FieldRefused(field, "too_long")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in name):
        raise FieldRefused(field, "malformed")
    return name


def email_of(text: str, field: str = "email") -> str:
    """An address as it is stored. Raises FieldRefused: empty, too_long, malformed."""
    email = unicodedata.normalize("NFC", text).strip()
    if not email:
        raise FieldRefused(field, "empty")
    if len(email) > EMAIL_LENGTH_MAX:
        raise FieldRefused(field, "too_long")
    if not email.isprintable() or _EMAIL.fullmatch(email) is None:
        raise FieldRefused(field, "malformed")
    return email


def typed_password(text: str) -> str:
    """What somebody typed, in the form in which passwords are hashed, and cut where nothing real goes on."""
    return unicodedata.normalize("NFKC", text)[: PASSWORD_LENGTH_MAX + 1]


def password_of(text: str) -> str:
    """A new password: NFKC, so that two keyboards type the same one. Raises FieldRefused."""
    password = typed_password(text)
    if len(password) < PASSWORD_LENGTH_MIN:
        raise FieldRefused("password", "too_short")
    if len(password) > PASSWORD_LENGTH_MAX:
        raise FieldRefused("password", "too_long")
    return password


def role_of(text: str) -> Role:
    """Raises FieldRefused: unknown."""
    for role in get_args(Role):
        if role == text:
            return role  # type: ignore[no-any-return]  # get_args forgets that these are the literal's own values
    raise FieldRefused("role", "unknown")


@cache
def _time_zones() -> frozenset[str]:
    """Read from the disk once: it takes longer than all else that is checked of a shop."""
    return frozenset(available_timezones())


def time_zone_of(text: str) -> str:
    """Raises FieldRefused: unknown."""
    if text not in _time_zones():
        raise FieldRefused("time_zone", "unknown")
    return text


def accent_of(text: str | None) -> str | None:
    """`#rrggbb` in small letters, or none. Raises FieldRefused: malformed."""
    if text is None:
        return None
    accent = text.strip().lower()
    if _ACCENT.fullmatch(accent) is None:
        raise FieldRefused("accent", "malformed")
    return accent


def return_host_of(text: str) -> str:
    """A host name to which shoppers may be sent back, without port. Raises FieldRefused: malformed."""
    host = text.strip().lower()
    if _HOST.fullmatch(host) is None:
        raise FieldRefused("return_hosts", "malformed")
    return host


def webhook_url_of(text: str, *, https_only: bool) -> str:
    """Where webhooks may be sent, by its spelling alone; the sender looks at the address it connects to.

    Raises FieldRefused: too_long, malformed, not_https.
    """
    if len(text) > URL_LENGTH_MAX:
        raise FieldRefused("url", "too_long")
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise FieldRefused("url", "malformed")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise FieldRefused("url", "malformed") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise FieldRefused("url", "malformed")
    if https_only and parts.scheme != "https":
        raise FieldRefused("url", "not_https")
    return text


def webhook_types_of(types: Sequence[str]) -> list[str]:
    """Event types to listen to, each once, in order of the alphabet. Raises FieldRefused: empty, unknown."""
    if not types:
        raise FieldRefused("types", "empty")
    if not WEBHOOK_TYPES.issuperset(types):
        raise FieldRefused("types", "unknown")
    return sorted(set(types))
