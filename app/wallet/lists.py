"""The list of a shop's wallets, a page at a time, along an index: the fullest first, or by how a name, an e-mail or a
phone begins. A page costs the same whether a shop has a thousand customers or a million."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.kernel import db
from app.kernel.cursors import CursorRefused
from app.merchants.queries import Merchant

PAGE_MAX: Final = 100
EXPORT_STEP: Final = 500
WORDS_LENGTH_MAX: Final = 100
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class WalletRow:
    """One customer of the shop. Personal data: shown to the shop's own staff alone."""

    customer_id: str
    balance_minor: int
    held_minor: int
    currency: str
    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class WalletPage:
    rows: Sequence[WalletRow]
    next_cursor: str | None


_COLUMNS: Final = """c.public_id AS customer_id, c.name, coalesce(c.phone, c.claimed_phone) AS phone, c.email,
       coalesce(-a.balance_minor, 0) AS balance_minor, coalesce(a.held_minor, 0) AS held_minor"""

# Reads along ledger_accounts_wallets: a balance is a credit, so the fullest wallet has the smallest number.
_FULLEST: Final = f"""
SELECT {_COLUMNS}, a.balance_minor::text AS place, a.address AS word
FROM ledger_accounts a JOIN customers c ON c.public_id = split_part(a.address, ':', 2)
WHERE a.merchant_id = $1 AND a.kind = 'wallet' AND a.currency = $2 AND a.balance_minor < 0
  AND ($3::bigint IS NULL OR (a.balance_minor, a.address) > ($3, $4::text))
ORDER BY a.balance_minor, a.address LIMIT $5
"""  # noqa: S608 - constants of this module

# Of several words of one customer that begin so, the first one counts.
_FOUND: Final = f"""
SELECT {_COLUMNS}, w.customer_id::text AS place, w.word
FROM profile_words w JOIN customers c ON c.id = w.customer_id
LEFT JOIN ledger_accounts a ON a.merchant_id = w.merchant_id AND a.currency = $2
     AND a.address = 'customer:' || c.public_id || ':wallet'
WHERE w.merchant_id = $1 AND search_word($6) <> '' AND w.word >= search_word($6) AND w.word < search_word($6) || $7
  AND w.word <= (SELECT e.word FROM profile_words e WHERE e.merchant_id = w.merchant_id
                 AND e.customer_id = w.customer_id AND e.word >= search_word($6) ORDER BY e.word LIMIT 1)
  AND ($3::uuid IS NULL OR (w.word, w.customer_id) > ($4::text COLLATE "C", $3))
ORDER BY w.word, w.customer_id LIMIT $5
"""  # noqa: S608 - constants of this module


async def wallets(
    merchant: Merchant, *, words: str | None = None, cursor: str | None = None, limit: int = 25
) -> WalletPage:
    """Wallets with something in them, the fullest first; with `words` every customer whom they find, closest first.

    Raises CursorRefused.
    """
    assert 1 <= limit <= PAGE_MAX, "the caller checks the limit"
    if words is None:
        return await _page_of_fullest(merchant, cursor, limit)
    place, word = _place(cursor)
    rows = await db.fetch_all(
        _FOUND, merchant.id, merchant.currency, _uuid(place), word, limit + 1, words, _LAST
    )
    return _page(rows, merchant.currency, limit)


async def _page_of_fullest(merchant: Merchant, cursor: str | None, limit: int) -> WalletPage:
    place, word = _place(cursor)
    rows = await db.fetch_all(_FULLEST, merchant.id, merchant.currency, _number(place), word, limit + 1)
    return _page(rows, merchant.currency, limit)


def _page(rows: Sequence[db.Record], currency: str, limit: int) -> WalletPage:
    shown = rows[:limit]
    more = len(rows) > limit
    return WalletPage(
        [_row(row, currency) for row in shown],
        _cursor(shown[-1]["place"], shown[-1]["word"]) if more else None,
    )


async def each_wallet(merchant: Merchant) -> AsyncIterator[WalletRow]:
    """Every wallet with something in it, the fullest first, for an export. No connection is held from one to the next.

    One whose balance changes meanwhile may come twice or not at all, as in any list that people go on using.
    """
    cursor: str | None = None
    while True:
        page = await _page_of_fullest(merchant, cursor, EXPORT_STEP)
        for row in page.rows:
            yield row
        cursor = page.next_cursor
        if cursor is None:
            return


def _row(row: db.Record, currency: str) -> WalletRow:
    values = {name: value for name, value in row.items() if name not in {"place", "word"}}
    return WalletRow(**values, currency=currency)


def _cursor(place: str, word: str) -> str:
    return base64.urlsafe_b64encode(f"{place} {word}".encode()).decode()


def _place(cursor: str | None) -> tuple[str | None, str | None]:
    if cursor is None:
        return None, None
    try:
        text = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise CursorRefused from None
    place, blank, word = text.partition(" ")
    if not (place and blank and word) or "\0" in text:
        raise CursorRefused
    return place, word


def _number(place: str | None) -> int | None:
    if place is None:
        return None
    if len(place) > 18 or not (place.isascii() and place.removeprefix("-").isdigit()):
        raise CursorRefused
    return int(place)


def _uuid(place: str | None) -> UUID | None:
    try:
        return None if place is None else UUID(place)
    except ValueError:
        raise CursorRefused from None


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """Whom a wallet's page speaks of. Personal data: shown to the shop's own staff alone."""

    name: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email: str | None = field(repr=False)


async def customer_card(merchant_id: UUID, customer_public_id: str) -> CustomerCard | None:
    """None for somebody who is no customer of this shop."""
    row = await db.fetch_one(
        """SELECT c.name, coalesce(c.phone, c.claimed_phone) AS phone, c.email
           FROM customers c JOIN profiles p ON p.customer_id = c.id AND p.merchant_id = $1 WHERE c.public_id = $2""",
        merchant_id,
        customer_public_id,
    )
    return None if row is None else CustomerCard(**dict(row.items()))
