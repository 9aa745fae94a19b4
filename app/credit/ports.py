"""The door to a credit register: what it is asked, what it answers, and how it says that it cannot."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal, Protocol

from app.kernel.errors import Refusal

UnavailableReason = Literal["timeout", "unreachable", "status", "too_large", "garbage", "closed"]


@dataclass(frozen=True, slots=True)
class RegisterLoan:
    """One credit that a person has elsewhere: what is left of it and what it takes a month, minor units."""

    outstanding_minor: int
    monthly_minor: int


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """What a register knows of one person. `id` names the extract there, so that a decision can be traced to
    it.

    Amounts are minor units of `currency`. They show in no representation, so they reach no log by accident.
    """

    id: str
    income_minor_month: int = field(repr=False)
    loans: tuple[RegisterLoan, ...] = field(repr=False)
    credit_ban: bool = field(repr=False)
    currency: str = "EUR"


class RegisterUnavailable(Refusal):
    """The register gave no usable answer. Nobody's fault in the flow: a person decides instead."""

    code: ClassVar[str] = "register_unavailable"

    def __init__(self, reason: UnavailableReason) -> None:
        super().__init__()
        self.reason: UnavailableReason = reason


class CreditRegister(Protocol):
    """A register of people's credits and incomes (in Finland the positive credit register)."""

    async def look_up(self, national_number: str, at: datetime) -> RegisterAnswer:
        """The extract of one person. `at`: business time of the question, noted by the register. Goes over
        the network, so never inside a transaction. Raises RegisterUnavailable."""
        ...
