"""Text from people, made clean, and what they mean by a sum or a rate. Pure."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Final

from app.kernel.money import MINOR_PER_MAJOR

# Joiners inside words and emoji are the only invisible characters that mean something in a name.
_JOINERS: Final = frozenset("\u200c\u200d")
_AMOUNT: Final = re.compile(r"-?(\d{1,8})(?:[.,](\d{1,2}))?", re.ASCII)
_PERCENT: Final = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?", re.ASCII)


def clean(text: str) -> str:
    """NFKC, no control or formatting characters but line breaks and joiners, no space at either end.

    NFKC makes full-width digits plain ones, as people who type on such keyboards mean them.
    """
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (
        c for c in text if c == "\n" or c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}
    )
    return "".join(kept).strip()


def one_line(text: str) -> str:
    """For fields that hold no line break: every run of white space becomes one space."""
    return re.sub(r"\s+", " ", text).strip()


def amount_minor(text: str) -> int | None:
    """Minor units of a sum with a point or a comma, with or without spaces; None when it is no sum."""
    typed = "".join(text.split()).replace("\u2212", "-")
    amount = _AMOUNT.fullmatch(typed)
    if amount is None:
        return None
    minor = int(amount[1]) * MINOR_PER_MAJOR + int((amount[2] or "0").ljust(2, "0"))
    return -minor if typed.startswith("-") else minor


def amount_text(amount_minor: int) -> str:
    """A sum as it is typed: a point and two decimals."""
    whole, cents = divmod(abs(amount_minor), MINOR_PER_MAJOR)
    return f"{'-' if amount_minor < 0 else ''}{whole}.{cents:02}"


def percent(text: str) -> Decimal | None:
    """A rate of 0 to 100 with up to two decimals, with or without its sign; None when it is none."""
    match = _PERCENT.fullmatch(text.removesuffix("%").strip())
    rate = None if match is None else Decimal(f"{match[1]}.{match[2] or 0}")
    return rate if rate is not None and rate <= 100 else None
