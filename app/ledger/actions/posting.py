"""A balanced transfer over accounts without lots: what a purchase, a payment or a fee posts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids
from app.ledger.errors import MoneyFrozen
from app.ledger.rules import NORMAL_SIDE, Entry, check_balanced, check_plain

# One statement, so that a purchase waits for the database once: the key gates everything, accounts are touched in the
# order of their address (two transfers over the same accounts cannot deadlock), balances move with their postings,
# the transfer waits for its seal, and nothing at all is written while money is frozen.
_POST: Final = """
WITH entry AS (
    SELECT * FROM unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::uuid[])
        AS e (account_id, address, kind, normal_side, currency, amount_minor, posting_id)
), transfer AS (
    INSERT INTO transfers (merchant_id, id, key, cause, about, posted_at, reverses_id)
    SELECT $1, $2, $3, $4, $5, $13, $14 WHERE NOT EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL)
    ON CONFLICT (merchant_id, key) DO NOTHING
    RETURNING id
), unsealed AS (
    INSERT INTO ledger_unsealed (merchant_id, transfer_id) SELECT $1, id FROM transfer
), account AS (
    INSERT INTO ledger_accounts AS a
        (merchant_id, id, address, kind, normal_side, currency, balance_minor, last_seq)
    SELECT $1, e.account_id, e.address, e.kind, e.normal_side, e.currency, e.amount_minor, 1
    FROM entry e, transfer ORDER BY e.address, e.currency
    ON CONFLICT (merchant_id, address, currency)
        DO UPDATE SET balance_minor = a.balance_minor + EXCLUDED.balance_minor, last_seq = a.last_seq + 1
    RETURNING a.id, a.address, a.currency, a.balance_minor, a.last_seq
), posting AS (
    INSERT INTO postings (merchant_id, id, transfer_id, account_id, currency, amount_minor,
                          account_seq, balance_after_minor, posted_at)
    SELECT $1, e.posting_id, transfer.id, account.id, e.currency, e.amount_minor,
           account.last_seq, account.balance_minor, $13
    FROM entry e JOIN account USING (address, currency), transfer
)
SELECT (SELECT id FROM transfer) AS id, EXISTS (SELECT FROM money_freezes WHERE ended_at IS NULL) AS frozen
"""


async def post(
    merchant_id: UUID, *, key: str, cause: str, about: str, entries: Sequence[Entry], now: datetime
) -> bool:
    """Post a balanced transfer inside the caller's transaction; an account is opened by its first posting.

    `key` names the effect: a second call with the same key posts nothing and answers False. Each account may stand in
    one entry of a transfer, and none that keeps lots. Raises Unbalanced, NotForThisAccount, MoneyFrozen.
    """
    check_balanced(entries)
    for entry in entries:
        check_plain(entry.account)
    return await write(merchant_id, key=key, cause=cause, about=about, entries=entries, now=now)


async def write(
    merchant_id: UUID,
    *,
    key: str,
    cause: str,
    about: str,
    entries: Sequence[Entry],
    now: datetime,
    reverses_id: UUID | None = None,
) -> bool:
    """`post`, for entries that were checked already; `reverses_id` is the transfer that this one takes back."""
    row = await db.fetch_one(
        _POST,
        merchant_id,
        ids.internal_id(),
        key,
        cause,
        about,
        [ids.internal_id() for _ in entries],
        [entry.account.address for entry in entries],
        [entry.account.kind.value for entry in entries],
        [NORMAL_SIDE[entry.account.kind] for entry in entries],
        [entry.amount.currency for entry in entries],
        [entry.signed_minor for entry in entries],
        [ids.internal_id() for _ in entries],
        now,
        reverses_id,
    )
    assert row is not None
    if row["id"] is None and row["frozen"]:
        raise MoneyFrozen
    return row["id"] is not None
