"""After a new master key: every sealed value is opened with the key it names and sealed with the newest.

A batch is a transaction. Whoever is killed in between has lost nothing and repeats nothing: a value says itself which
key sealed it, so the next run begins where the last one ended. Others may read and write meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from app.identity.actions.customers import NATIONAL_NUMBER_PURPOSE
from app.kernel import db, keys
from app.merchants.queries import TOTP_PURPOSE, WEBHOOK_PURPOSE
from app.payments.queries import SAVED_METHOD_PURPOSE
from app.wallet.actions.payouts import PAYOUT_PURPOSE

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class SealedColumn:
    table: str
    column: str
    purpose: str


# Every column that outlives a key. Sealed cookies and login requests end by themselves within hours.
SEALED: Final = (
    SealedColumn("verified_identities", "national_number", NATIONAL_NUMBER_PURPOSE),
    SealedColumn("staff", "totp_secret", TOTP_PURPOSE),
    SealedColumn("webhook_endpoints", "secret", WEBHOOK_PURPOSE),
    SealedColumn("credit_facts", "sealed", "credit-facts"),
    SealedColumn("wallet_payouts", "sealed", PAYOUT_PURPOSE),
    SealedColumn("saved_methods", "sealed", SAVED_METHOD_PURPOSE),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many values of a column were sealed anew so far in this run."""

    column: SealedColumn
    sealed: int


async def reseal_all(batch: int = BATCH) -> AsyncIterator[Progress]:
    """Tells after every batch. Raises SealBroken for a value whose key is gone; nothing of its batch is changed."""
    for column in SEALED:
        if await db.fetch_value("SELECT to_regclass($1)::text", column.table) is None:
            continue
        total = 0
        while did := await db.in_tx(lambda column=column: _reseal(column, batch)):  # type: ignore[misc]
            total += did
            yield Progress(column, total)
        yield Progress(column, total)


async def _reseal(column: SealedColumn, batch: int) -> int:
    keyring = keys.process_keyring()
    current = keyring.header
    # A row is named by its place, which stays while the row is locked. Names of tables come from the list above alone.
    rows = await db.fetch_all(
        f"""SELECT ctid, {column.column} AS sealed FROM {column.table}
            WHERE {column.column} IS NOT NULL AND substring({column.column} FROM 1 FOR $1) <> $2
            LIMIT $3 FOR UPDATE""",  # noqa: S608
        len(current),
        current,
        batch,
    )
    for row in rows:
        plain = keyring.open(column.purpose, row["sealed"])
        await db.execute(
            f"UPDATE {column.table} SET {column.column} = $2 WHERE ctid = $1",  # noqa: S608
            row["ctid"],
            keyring.seal(column.purpose, plain),
        )
    return len(rows)
