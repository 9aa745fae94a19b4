"""The credit decision as arithmetic: facts in, an outcome with its reasons out. No input or output, no clock.

Three questions are asked of the same sum, what the person would owe here with this purchase:

1. Does it fit the limit that this shop's creditor gives one person?
2. Could it be repaid out of what is left of `MONTHS_OF_FREE_INCOME` months' income, after other loans'
instalments and a
   basic living?
3. Do all debts together stay below `DEBT_MONTHS_OF_INCOME` months' income?

The smallest of the three answers is the largest sum that passes, so a refusal can always say what would be
possible. Only income, credits and a ban that the person asked for are looked at: no habits, no address, no
name (CCD2 article 18(3)).

A person whose register cannot be asked, or who has no national number to ask it by, is neither approved nor
declined: the law wants verified figures, and the machine has none. A person decides ("referred").
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from app.credit.ports import RegisterAnswer

RULES_VERSION: Final = "2026-11-2"

BASIC_LIVING_MINOR_MONTH: Final = {"EUR": 900_00, "SEK": 10_000_00, "DKK": 6_700_00}
"""What a month's food, clothes and housing take at least, by currency; it is never counted on."""
MONTHS_OF_FREE_INCOME: Final = 3
DEBT_MONTHS_OF_INCOME: Final = 54
"""Four and a half years' income, housing loans included."""
LATE_PAYMENTS_FOR_A_PERSON: Final = 1

Outcome = Literal["approved", "declined", "referred"]
Reason = Literal[
    "credit_ban",
    "debts_too_high",
    "late_payments",
    "limit_reached",
    "no_income",
    "no_national_number",
    "other_currency",
    "register_unavailable",
    "too_little_left",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision rests on; amounts are minor units of `currency`.

    `answer` is None when the register gave none; `has_national_number` then says why. `exposure_minor` is
    what the person owes here already, `limit_minor` what one person may owe here, `late_payments` how many
    of them are overdue now.
    """

    amount_minor: int
    currency: str
    exposure_minor: int
    limit_minor: int
    answer: RegisterAnswer | None
    has_national_number: bool = True
    late_payments: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """`would_pass_minor` is the largest sum these facts approve; None when only a person can say."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    would_pass_minor: int | None
    rules_version: str = RULES_VERSION


def decide(facts: Facts) -> Decision:
    """Approved, declined with what would pass, or referred to a person. Raises ValueError for a sum below
    one."""
    if facts.amount_minor < 1:
        raise ValueError("a decision needs a sum above zero")
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
    rooms = _rooms(facts, answer)
    too_small = tuple(reason for reason, room_minor in rooms if facts.amount_minor > room_minor)
    if too_small:
        return Decision("declined", too_small, max(0, min(room_minor for _, room_minor in rooms)))
    if facts.late_payments >= LATE_PAYMENTS_FOR_A_PERSON:
        return Decision("referred", ("late_payments",), None)
    return Decision("approved", (), min(room_minor for _, room_minor in rooms))


def facts_digest(facts: Facts) -> bytes:
    """SHA-256 of the facts, stored beside a decision so that it can be proved what it rested on."""
    return hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).digest()


def _rooms(facts: Facts, answer: RegisterAnswer) -> tuple[tuple[Reason, int], ...]:
    """How large a sum each rule leaves room for, minor units; below zero when it is passed already."""
    instalments_minor = sum(loan.monthly_minor for loan in answer.loans)
    debts_minor = sum(loan.outstanding_minor for loan in answer.loans)
    free_minor = answer.income_minor_month - instalments_minor - BASIC_LIVING_MINOR_MONTH[facts.currency]
    return (
        ("limit_reached", facts.limit_minor - facts.exposure_minor),
        ("too_little_left", MONTHS_OF_FREE_INCOME * free_minor - facts.exposure_minor),
        (
            "debts_too_high",
            DEBT_MONTHS_OF_INCOME * answer.income_minor_month - debts_minor - facts.exposure_minor,
        ),
    )
