"""What the templates of signing in, and of the frame around purchases and wallets, are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.web.shopper.views import ChallengeView


@dataclass(frozen=True, slots=True)
class AccountView:
    """The frame of every page: who runs it and how to write to them, which page it is (`wallet`, `purchases`, ...), and
    the part of the address that stays when another language is chosen."""

    operator: str
    email: str
    signed_in: bool
    section: str
    query: str


@dataclass(frozen=True, slots=True)
class BankLink:
    """A country whose banks can say who somebody is, and where that begins."""

    country: str
    url: str


@dataclass(frozen=True, slots=True)
class SignInView:
    """`countries` are those that a phone may be of, the likeliest first; `next` is where signing in leads. `notice` is
    a code that the template words."""

    next: str
    country: str
    countries: Sequence[str]
    phone: str
    postcode: str
    challenge: ChallengeView | None
    banks: Sequence[BankLink]
    passkey: bool
    notice: str | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """One place where the customer is signed in."""

    device: str
    way: str
    since: datetime
    is_this: bool


@dataclass(frozen=True, slots=True)
class ProfileView:
    """Whoever is signed in, and where."""

    name: str | None
    phone_masked: str | None
    sessions: Sequence[SessionView]
