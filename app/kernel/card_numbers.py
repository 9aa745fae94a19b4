"""Card numbers that somebody types where none belongs. We never keep one, so a text is looked through first. Pure."""

from __future__ import annotations

import re
from typing import Final

# ISO/IEC 7812: the account number of a card has at most 19 digits, the last of which is a check digit (Luhn).
DIGITS_MIN: Final = 13
DIGITS_MAX: Final = 19

# Digits in groups, however they are set apart.
_GROUPS: Final = re.compile(r"\d+(?:[\s\-\u2010-\u2015\u2212._/·]{1,3}\d+)*")


def holds_card_number(text: str) -> bool:
    """Whether some groups of digits in a row, blanks and dashes between them, make the number of a card."""
    return any(_among(re.findall(r"\d+", run)) for run in _GROUPS.findall(text))


def _among(groups: list[str]) -> bool:
    for start in range(len(groups)):
        number = ""
        for group in groups[start:]:
            number += group
            if len(number) > DIGITS_MAX:
                break
            if len(number) >= DIGITS_MIN and passes_luhn(number):
                return True
    return False


def passes_luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right doubled, the digits' sum a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    # Nothing but zeros passes the sum and is nobody's card.
    return total > 0 and total % 10 == 0
