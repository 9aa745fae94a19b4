"""The credit register: the adapter that asks a real one over HTTP, and the sandbox twin that answers from a
table.

The real one is asked with `POST <url>` and a Bearer token, the national number in the body and never in an
address (a log keeps addresses):

    {"national_number": "...", "asked_at": "2026-11-21T10:00:00Z"}

and answers the fields of `Extract`. An operator whose register speaks otherwise puts a small translator in
between, or writes an adapter beside this one: the credit rules know `CreditRegister` alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx
import msgspec

from app.credit.ports import RegisterAnswer, RegisterLoan, RegisterUnavailable
from app.kernel import db
from app.kernel.tls import trusted
from app.messages import sandbox_shoppers

_TOTAL_TIMEOUT_S: Final = 3.0
_ATTEMPTS: Final = 2
_ANSWER_BYTES_MAX: Final = 64 * 1024
_AMOUNT_MAX: Final = 10**12
_LOANS_MAX: Final = 1000


class Loan(msgspec.Struct, frozen=True):
    outstanding_minor: int
    monthly_minor: int


class Extract(msgspec.Struct, frozen=True):
    """An extract as it travels. Amounts are minor units of `currency`, none below zero."""

    income_minor_month: int
    loans: tuple[Loan, ...] = ()
    credit_ban: bool = False
    id: str = ""
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class RegisterProfile:
    """Where the register is and what it knows us by."""

    url: str
    token: str = field(repr=False)


class HttpRegister:
    """`CreditRegister` over HTTP: three seconds in all, one more try when the line or the server failed."""

    def __init__(
        self, profile: RegisterProfile, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._profile = profile
        self._transport = transport

    async def look_up(self, national_number: str, at: datetime) -> RegisterAnswer:
        db.refuse_in_transaction("register")
        question = msgspec.json.encode({"national_number": national_number, "asked_at": at})
        try:
            async with asyncio.timeout(_TOTAL_TIMEOUT_S):
                body = await self._ask(question)
        except TimeoutError:
            raise RegisterUnavailable("timeout") from None
        return _answer(body)

    async def _ask(self, question: bytes) -> bytes:
        failure = RegisterUnavailable("unreachable")
        async with self._client() as client:
            for _ in range(_ATTEMPTS):
                try:
                    return await _read(client, self._profile.url, question)
                except httpx.TimeoutException:
                    failure = RegisterUnavailable("timeout")
                except (httpx.HTTPError, httpx.InvalidURL):
                    failure = RegisterUnavailable("unreachable")
                except _ServerFailed:
                    failure = RegisterUnavailable("status")
        raise failure

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport,
            verify=trusted(),
            timeout=_TOTAL_TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
            headers={
                "Authorization": f"Bearer {self._profile.token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                # A few compressed bytes could unpack to many.
                "Accept-Encoding": "identity",
            },
        )


class SandboxRegister:
    """The twin: answers what stands in a sandbox shopper's row. It knows nobody else, and says so with an
    empty extract."""

    async def look_up(self, national_number: str, at: datetime) -> RegisterAnswer:
        db.refuse_in_transaction("register")
        shopper = await sandbox_shoppers.shopper_by_national_number(national_number)
        if shopper is None:
            return RegisterAnswer("sandbox:nobody", 0, (), credit_ban=False)
        if shopper.register.get("closed") is True:
            raise RegisterUnavailable("closed")
        extract = _checked(msgspec.convert(shopper.register, Extract))
        return _from_extract(extract, extract.id or f"sandbox:{shopper.subject}")


class _ServerFailed(Exception):
    """A 5xx: worth one more try."""


async def _read(client: httpx.AsyncClient, url: str, question: bytes) -> bytes:
    async with client.stream("POST", url, content=question) as response:
        if response.status_code >= 500:
            raise _ServerFailed
        if response.status_code != 200:
            raise RegisterUnavailable("status")
        if "content-encoding" in response.headers:
            raise RegisterUnavailable("garbage")
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _ANSWER_BYTES_MAX:
                raise RegisterUnavailable("too_large")
        return bytes(body)


def _answer(body: bytes) -> RegisterAnswer:
    try:
        extract = _checked(msgspec.json.decode(body, type=Extract))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise RegisterUnavailable("garbage") from None
    if not extract.id:
        raise RegisterUnavailable("garbage")
    return _from_extract(extract, extract.id)


def _checked(extract: Extract) -> Extract:
    """Figures that cannot be true would turn into a decision: they are refused instead. Raises
    RegisterUnavailable."""
    amounts = [extract.income_minor_month]
    for loan in extract.loans:
        amounts += [loan.outstanding_minor, loan.monthly_minor]
    if len(extract.loans) > _LOANS_MAX or any(not 0 <= amount <= _AMOUNT_MAX for amount in amounts):
        raise RegisterUnavailable("garbage")
    return extract


def _from_extract(extract: Extract, extract_id: str) -> RegisterAnswer:
    return RegisterAnswer(
        id=extract_id[:200],
        income_minor_month=extract.income_minor_month,
        loans=tuple(RegisterLoan(loan.outstanding_minor, loan.monthly_minor) for loan in extract.loans),
        credit_ban=extract.credit_ban,
        currency=extract.currency,
    )
