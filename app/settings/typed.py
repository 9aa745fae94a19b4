"""Numbers as they are typed behind an option of a command. A wrong one is named with the option."""

from __future__ import annotations

import argparse
import re
from decimal import Decimal
from typing import Final

WORKERS_MAX: Final = 64
# As `merchants.rules` has it, which is not loaded for every command.
MODULE_PRICE_MAX_MINOR: Final = 100_000_000


def worker_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= WORKERS_MAX:
        raise argparse.ArgumentTypeError(f"a number from 1 to {WORKERS_MAX}")
    return int(text)


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number above zero")
    return int(text)


def not_negative(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("a whole number, zero or more")
    return int(text)


def module_price(text: str) -> int:
    price_minor = not_negative(text)
    if price_minor > MODULE_PRICE_MAX_MINOR:
        raise argparse.ArgumentTypeError(f"at most {MODULE_PRICE_MAX_MINOR}")
    return price_minor


def percent(text: str) -> Decimal:
    # Decimal itself would take "NaN", "1_4", an exponent and the digits of every script.
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text) is None:
        raise argparse.ArgumentTypeError("a number such as 14.9")
    return Decimal(text)
