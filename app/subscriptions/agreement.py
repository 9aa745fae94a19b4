"""What somebody says yes to when they begin, and again when something changes: the figures, and the words with their
hash. The page that asks and the mail that confirms show the same words."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.kernel import templating
from app.kernel.money import Money
from app.law.rules import law_of
from app.merchants.queries import Merchant
from app.subscriptions.rules import (
    PRICE_NOTICE_DAYS,
    Course,
    Method,
    Terms,
    Unit,
    first_course,
    minimum_until,
)

Kind = Literal["begin", "price", "change", "revival"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Everything that the words say. `first` is paid now, and `next` on `next_on`; both None where nothing is paid now.
    `trial_days` is 0 without a trial; `bound_until` is None where nothing binds. `method` is None while none is chosen.
    """

    kind: Kind
    shop: str
    plan: str
    price: Money
    unit: Unit
    every: int
    first: Money | None
    first_until: date | None
    trial_days: int
    next_on: date
    next: Money
    notice_days: int
    bound_until: date | None
    method: Method | None
    price_notice_days: int
    withdrawal_days: int
    contact_email: str


@dataclass(frozen=True, slots=True)
class Worded:
    """`hash` is the SHA-256 of `body`, as hex."""

    lang: str
    body: str
    hash: str


@dataclass(frozen=True, slots=True)
class Deal:
    """What is agreed on: terms and a way to pay, `first_minor` paid now (0: nothing), and the period until which that
    lasts, or until which the terms of before hold."""

    kind: Kind
    terms: Terms
    method: Method | None
    course: Course
    first_minor: int = 0
    bound_until: date | None = None


def beginning(terms: Terms, method: Method | None, today: date) -> Deal:
    """What whoever buys today agrees to."""
    course = first_course(terms, today)
    bound_until = minimum_until(terms, course) if terms.minimum_periods else None
    return Deal("begin", terms, method, course, terms.first_minor, bound_until)


def agreement_of(deal: Deal, merchant: Merchant, lang: str, today: date) -> Agreement:
    terms, bound_until = deal.terms, deal.bound_until
    price = Money(terms.amount_minor, terms.currency)
    return Agreement(
        kind=deal.kind,
        shop=merchant.name,
        plan=terms.name(lang),
        price=price,
        unit=terms.unit,
        every=terms.every,
        first=Money(deal.first_minor, terms.currency) if deal.first_minor else None,
        first_until=deal.course.ends_on if deal.first_minor else None,
        trial_days=terms.trial_days if deal.course.is_trial else 0,
        next_on=deal.course.ends_on,
        next=price,
        notice_days=terms.notice_days,
        bound_until=bound_until if bound_until is not None and bound_until > today else None,
        method=deal.method,
        price_notice_days=max(PRICE_NOTICE_DAYS, terms.notice_days),
        withdrawal_days=_withdrawal_days(merchant, today),
        contact_email=merchant.contact_email,
    )


def worded(agreement: Agreement, lang: str) -> Worded:
    """The words in a language. The same figures give the same words."""
    body = templating.render_text("subscriptions/agreement.txt", lang, agreement=agreement).strip()
    return Worded(lang, body, hashlib.sha256(body.encode()).hexdigest())


def _withdrawal_days(merchant: Merchant, today: date) -> int:
    figure = law_of(merchant.country).find("goods_withdrawal_days", today)
    return 14 if figure is None else int(figure.value)
