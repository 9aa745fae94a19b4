"""Exactly the figures a page shows of a quote: money, dates and percents ready for the locale's filters."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from app.kernel.money import Money, allocate
from app.law.rules import law_of
from app.plans.company import net_days
from app.plans.quote import Delivery, Method, Quote


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    number: int
    due: date
    amount: Money
    principal: Money
    interest: Money
    fee: Money
    balance_after: Money


@dataclass(frozen=True, slots=True)
class Run:
    """So many instalments of one amount: "2 x 90.22, 10 x 90.21" is exact where "12 x 90.22" is not."""

    count: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Shares:
    """Where the money goes, in thousandths of the total; the three sum to 1000, to 0 where nothing is lent."""

    price_permille: int
    interest_permille: int
    fees_permille: int


@dataclass(frozen=True, slots=True)
class LateView:
    """What paying late costs. A percent is None while the figure it needs is not known."""

    interest_percent: Decimal | None
    interest_margin_percent: Decimal | None
    reminder_fee: Money


@dataclass(frozen=True, slots=True)
class QuoteView:
    """A quote for templates. `monthly` is the largest regular instalment; `apr` has the printed decimals.

    `price` and all that follows from it is of what is lent; `wallet`, and `paid` by card or MobilePay, pay the rest of
    what was bought at once.
    `warning` is the key of the credit warning that the country's law wants beside every offer of credit.
    """

    id: str
    hash: str
    method: Method
    delivery: Delivery
    plan_key: str
    months: int
    start: date
    first_due: date
    last_due: date
    price: Money
    interest: Money
    fees: Money
    cost: Money
    total: Money
    monthly: Money
    nominal_rate: Decimal
    apr: Decimal
    shares: Shares
    rows: tuple[ScheduleRow, ...]
    runs: tuple[Run, ...]
    late: LateView
    warning: str
    wallet: Money
    for_company: bool
    paid: Money

    @property
    def is_free(self) -> bool:
        return not self.cost

    @property
    def is_consumer_credit(self) -> bool:
        return self.is_credit and not self.for_company

    @property
    def net_days(self) -> int:
        """The term of a company's invoice."""
        return net_days(self.start, self.last_due)

    @property
    def is_credit(self) -> bool:
        return bool(self.price)

    @property
    def in_all(self) -> Money:
        """All that the shopper pays, now and later."""
        return self.wallet + self.paid + self.total

    @property
    def bought(self) -> Money:
        """The price of what is bought, however it is paid."""
        return self.price + self.wallet + self.paid


@lru_cache(maxsize=2048)
def view_of(quote: Quote) -> QuoteView:
    """The figures of a quote as they are shown; nothing is computed anew but sums of two shown figures."""

    def money(amount_minor: int) -> Money:
        return Money(amount_minor, quote.currency)

    price, interest, fees = quote.amount_minor, quote.interest_minor, quote.fees_minor
    return QuoteView(
        id=quote.id,
        hash=quote.hash,
        method=quote.method,
        delivery=quote.delivery,
        plan_key=quote.plan_key,
        months=quote.months,
        start=quote.start,
        first_due=quote.first_due,
        last_due=quote.last_due,
        price=money(price),
        interest=money(interest),
        fees=money(fees),
        cost=money(interest + fees),
        total=money(quote.total_payable_minor),
        monthly=money(quote.monthly_minor),
        nominal_rate=quote.nominal_rate,
        apr=quote.apr,
        shares=Shares(*allocate(1000, (price, interest, fees))) if quote.is_credit else Shares(0, 0, 0),
        rows=tuple(
            ScheduleRow(
                number=row.number,
                due=row.due,
                amount=money(row.amount_minor),
                principal=money(row.principal_minor),
                interest=money(row.interest_minor),
                fee=money(row.fee_minor),
                balance_after=money(row.balance_after_minor),
            )
            for row in quote.schedule
        ),
        runs=tuple(
            Run(count, money(amount_minor))
            for amount_minor, count in Counter(row.amount_minor for row in quote.schedule).items()
        ),
        late=LateView(
            interest_percent=quote.late.interest_percent,
            interest_margin_percent=quote.late.interest_margin_percent,
            reminder_fee=money(quote.late.reminder_fee_minor),
        ),
        warning=law_of(quote.country).credit_warning,
        wallet=money(quote.wallet_minor),
        for_company=quote.for_company,
        paid=money(quote.paid_minor),
    )
