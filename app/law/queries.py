"""What an operator has confirmed of the law files. A process keeps the answer for a few seconds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from app.kernel import db
from app.law.rules import WORDING, Claim, law_of

CACHE_S: Final = 5.0

# Part of a statement that reads more: every wording somebody vouched for, as `CountryLaw.is_official` takes them.
CONFIRMED_WORDINGS: Final = (
    f"(SELECT array_agg(country || ' ' || value) FROM law_confirmations WHERE key = '{WORDING}')"  # noqa: S608 - a constant of the rules
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who vouched for a figure, when, and where they read it."""

    confirmed_by: str
    confirmed_at: datetime
    source: str


_kept: dict[tuple[str, date], tuple[float, bool]] = {}


async def confirmations(country: str, on: date) -> Mapping[Claim, Confirmation | None]:
    """Everything that wants an operator's word in that country on that day, and the word where it was given.

    Raises CountryNotServed.
    """
    rows = await db.fetch_all(
        "SELECT key, value, since, source, confirmed_by, confirmed_at FROM law_confirmations WHERE country = $1",
        country,
    )
    given = {
        (row["key"], row["value"], row["since"]): Confirmation(
            row["confirmed_by"], row["confirmed_at"], row["source"]
        )
        for row in rows
    }
    return {claim: given.get((claim.key, claim.value, claim.since)) for claim in law_of(country).claims(on)}


async def official_wording(country: str) -> bool:
    """Whether the information sheet of that country may be called official: somebody vouched for its wording."""
    found = await db.fetch_value(f"SELECT {CONFIRMED_WORDINGS}")
    return law_of(country).is_official(found or ())


async def may_offer_credit_live(country: str, on: date) -> bool:
    """Whether every figure that is not primary was confirmed; at most five seconds old. No query while it is kept."""
    found = _kept.get((country, on))
    if found is not None and time.monotonic() - found[0] < CACHE_S:
        return found[1]
    answer = None not in (await confirmations(country, on)).values()
    _kept[country, on] = (time.monotonic(), answer)
    return answer


def forget_kept_confirmations() -> None:
    """Drop what this process keeps; the verb calls it, and tests between databases."""
    _kept.clear()
