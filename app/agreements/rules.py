"""The order of the standard information, and when somebody is reminded of the right to withdraw. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.agreements.content import Item, Party, Sheet, Terms
from app.law.rules import CountryLaw, law_of
from app.plans.quote import Quote

# Directive (EU) 2023/2225, Annex I: what the first page tells, in this order. A row that says nothing of a purchase (no
# intermediary where the shop itself lends) is left out, and the others keep their order.
FIRST_PAGE: Final = (
    "creditor",
    "intermediary",
    "credit",
    "duration",
    "rate",
    "apr",
    "total",
    "goods",
    "late",
    "instalments",
    "missed",
    "withdrawal",
    "early",
    "contact",
)
# Part II of the same annex. The repayment table is its last label and stands below as a table.
SECOND_PART: Final = (
    "type",
    "drawdown",
    "variable",
    "account",
    "example",
    "notary",
    "ancillary",
    "sureties",
    "compensation",
    "database",
    "draft",
    "personalised",
    "validity",
    "complaints",
    "nonpayment",
)

# Article 10(1): who got the sheet less than a day before signing, which is everybody in a checkout, is reminded of the
# right to withdraw between the law's first and last day after it. This is the product's day.
REMINDER_DAYS: Final = 3
# Nobody is woken by it.
REMINDER_AT: Final = time(10)


def information_on(
    quote: Quote,
    *,
    creditor: Party,
    intermediary: Party | None,
    goods: tuple[Item, ...],
    official: bool,
) -> Sheet:
    """The sheet of a quote before it is signed. Raises FigureUnknown when the law file lacks one of its terms."""
    law = law_of(quote.country)
    return Sheet(
        quote=quote,
        creditor=creditor,
        intermediary=intermediary,
        goods=goods,
        terms=terms_of(law, quote.start),
        official=official,
        database=law.information.database,
        complaints=law.information.complaints,
    )


def terms_of(law: CountryLaw, on: date) -> Terms:
    def percent(key: str) -> str:
        return f"{law.figure(key, on).value:f}"

    return Terms(
        withdrawal_days=int(law.figure("withdrawal_days", on).value),
        withdrawal_repay_days=int(law.figure("withdrawal_repay_days", on).value),
        early_repayment_max_percent=percent("early_repayment_max_percent"),
        early_repayment_max_percent_last_year=percent("early_repayment_max_percent_last_year"),
    )


def remind_at(law: CountryLaw, signed_at: datetime, time_zone: str) -> datetime:
    """When to remind of the right to withdraw: in the forenoon of the product's day, or of the nearest allowed."""
    zone = ZoneInfo(time_zone)
    signed_on = signed_at.astimezone(zone).date()
    first = int(law.figure("withdrawal_reminder_first_day", signed_on).value)
    last = int(law.figure("withdrawal_reminder_last_day", signed_on).value)
    days = min(max(REMINDER_DAYS, first), last)
    return datetime.combine(signed_on + timedelta(days=days), REMINDER_AT, zone)


def withdraw_until(signed_at: datetime, time_zone: str, withdrawal_days: int) -> date:
    """The last day of the right to withdraw, counted from the day of signing: the agreement is sent the same day."""
    return signed_at.astimezone(ZoneInfo(time_zone)).date() + timedelta(days=withdrawal_days)
