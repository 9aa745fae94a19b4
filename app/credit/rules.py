"""The credit decision as arithmetic: facts in, an outcome with its reasons out. No input or output, no clock.

Three questions are asked of what the person would owe here with this purchase:

1. Does the sum fit the limit that this shop's creditor gives one person?
2. Could it be repaid, with its interest and fees, out of what is left of the income after other loans' instalments
   and a basic living, within the plan's own months, or `MONTHS_OF_FREE_INCOME` where the plan is shorter?
3. Do all debts together stay below `DEBT_MONTHS_OF_INCOME` months' income?

The smallest of the three answers is the largest sum that passes, so a refusal can always say what would be possible.
Only income, credits, a ban that the person asked for and unpaid invoices here are looked at: no habits, no address,
no name (CCD2 article 18(3)), and nothing of what is known about fraud.

A person whose register cannot be asked, or who has no national number to ask it by, is neither approved nor declined:
the law wants verified figures, and the machine has none. Nor does the machine decline for how somebody has paid before
alone (article 18(11)). A person decides ("referred").

A company is no consumer: it may owe what the shop lets one company owe. Above that, and while an invoice of it is
overdue, a person decides, who may go above the limit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from app.credit.ports import RegisterAnswer

RULES_VERSION: Final = "2026-11-4"

BASIC_LIVING_MINOR_MONTH: Final = {"EUR": 900_00, "SEK": 10_000_00, "DKK": 6_700_00}
"""What a month's food, clothes and housing take at least, by currency; it is never counted on."""
MONTHS_OF_FREE_INCOME: Final = 3
DEBT_MONTHS_OF_INCOME: Final = 54
"""Four and a half years' income, housing loans included."""
LATE_PAYMENTS_FOR_A_PERSON: Final = 1
LATE_IN_A_YEAR_FOR_A_PERSON: Final = 3

Outcome = Literal["approved", "declined", "referred"]
Reason = Literal[
    "company_limit",
    "credit_ban",
    "debts_too_high",
    "late_payments",
    "limit_reached",
    "no_income",
    "no_national_number",
    "often_late",
    "other_currency",
    "register_unavailable",
    "too_little_left",
]


# No person may approve over these: a ban is the customer's own word, and the limit is the creditor's.
FINAL_REASONS: Final[frozenset[str]] = frozenset({"credit_ban", "limit_reached"})


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision rests on; amounts are minor units of `currency`.

    `amount_minor` is the price, `payable_minor` that with interest and fees (0: it costs nothing more), `months` the
    plan's length (0: an invoice). `answer` is None when the register gave none; `has_national_number` and
    `register_failure` then say why. `exposure_minor` is what the person owes here already, `limit_minor` what one
    person may owe here, `late_payments` how many invoices of `overdue_minor` are overdue now, `late_in_a_year` how
    many have been within a year. `for_company`: a company would owe it, of which no register is asked.
    """

    amount_minor: int
    currency: str
    exposure_minor: int
    limit_minor: int
    answer: RegisterAnswer | None
    has_national_number: bool = True
    late_payments: int = 0
    overdue_minor: int = 0
    late_in_a_year: int = 0
    months: int = 0
    payable_minor: int = 0
    register_failure: str | None = None
    for_company: bool = False

    @property
    def to_repay_minor(self) -> int:
        return max(self.amount_minor, self.payable_minor)


@dataclass(frozen=True, slots=True)
class Decision:
    """`would_pass_minor` is the largest price these facts approve; None when only a person can say."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    would_pass_minor: int | None
    rules_version: str = RULES_VERSION


@dataclass(frozen=True, slots=True)
class Check:
    """One question with both sides of it: what was asked for, and how much there was room for, minor units."""

    reason: Reason
    asked_minor: int
    room_minor: int

    @property
    def passed(self) -> bool:
        return self.asked_minor <= self.room_minor


def decide(facts: Facts) -> Decision:
    """Approved, declined with what would pass, or referred to a person. Raises ValueError for a sum below
    one."""
    if facts.amount_minor < 1:
        raise ValueError("a decision needs a sum above zero")
    if facts.for_company:
        return _decide_on_company(facts)
    answer = facts.answer
    if answer is None:
        reason: Reason = "register_unavailable" if facts.has_national_number else "no_national_number"
        return Decision("referred", (reason,), None)
    if answer.currency != facts.currency:
        return Decision("referred", ("other_currency",), None)
    if answer.credit_ban:
        return Decision("declined", ("credit_ban",), 0)
    if answer.income_minor_month <= 0:
        return Decision("declined", ("no_income",), 0)
    made = checks(facts)
    would_pass_minor = max(0, min(_as_price(check, facts) for check in made))
    failed = tuple(check.reason for check in made if not check.passed)
    if failed:
        return Decision("declined", failed, would_pass_minor)
    late = _late(facts)
    return Decision("referred", late, None) if late else Decision("approved", (), would_pass_minor)


def checks(facts: Facts) -> tuple[Check, ...]:
    """The three questions with their figures; empty where the register gave nothing to ask them of."""
    if facts.for_company:
        return (_company_limit(facts),)
    answer = facts.answer
    if answer is None or answer.currency != facts.currency:
        return ()
    owed_minor = facts.exposure_minor
    debts_minor = sum(loan.outstanding_minor for loan in answer.loans)
    to_repay_minor = facts.to_repay_minor
    free_minor = months_counted(facts) * free_minor_month(answer, facts.currency)
    highest_minor = DEBT_MONTHS_OF_INCOME * answer.income_minor_month
    return (
        Check("limit_reached", facts.amount_minor, facts.limit_minor - owed_minor),
        Check("too_little_left", to_repay_minor, free_minor - owed_minor),
        Check("debts_too_high", to_repay_minor, highest_minor - debts_minor - owed_minor),
    )


def _decide_on_company(facts: Facts) -> Decision:
    """Approved within what the shop lets one company owe, and a person decides on everything else."""
    late: tuple[Reason, ...] = ("late_payments",) if facts.late_payments else ()
    limit = _company_limit(facts)
    reasons: tuple[Reason, ...] = late if limit.passed else ("company_limit", *late)
    if reasons:
        return Decision("referred", reasons, None)
    return Decision("approved", (), limit.room_minor)


def _company_limit(facts: Facts) -> Check:
    return Check("company_limit", facts.amount_minor, facts.limit_minor - facts.exposure_minor)


def free_minor_month(answer: RegisterAnswer, currency: str) -> int:
    """What is left of a month's income after other loans and a basic living; below zero when nothing is."""
    instalments_minor = sum(loan.monthly_minor for loan in answer.loans)
    return answer.income_minor_month - instalments_minor - BASIC_LIVING_MINOR_MONTH[currency]


def months_counted(facts: Facts) -> int:
    """Over how many months' income the second question is asked."""
    return max(MONTHS_OF_FREE_INCOME, facts.months)


def facts_digest(facts: Facts) -> bytes:
    """SHA-256 of the facts, stored beside a decision so that it can be proved what it rested on."""
    return hashlib.sha256(facts_to_json(facts)).digest()


def facts_to_json(facts: Facts) -> bytes:
    return msgspec.json.encode(facts, order="deterministic")


def facts_from_json(data: bytes) -> Facts:
    """Raises msgspec.MsgspecError for what is no encoded facts."""
    return msgspec.json.decode(data, type=Facts)


def _late(facts: Facts) -> tuple[Reason, ...]:
    if facts.late_payments >= LATE_PAYMENTS_FOR_A_PERSON:
        return ("late_payments",)
    return ("often_late",) if facts.late_in_a_year >= LATE_IN_A_YEAR_FOR_A_PERSON else ()


def _as_price(check: Check, facts: Facts) -> int:
    """The room of a question as a price: where it counts interest and fees, without their share."""
    return check.room_minor * facts.amount_minor // check.asked_minor
