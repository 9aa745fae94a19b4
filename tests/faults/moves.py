"""What a move of money is to those who kill it: something that can be prepared, made, and counted.

A move is made by a process that dies, and made again by one that lives: both with the same arguments, so with the same
key. `effects` counts what stands of it: nothing or one, whatever died where.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from app.kernel import db
from app.merchants.queries import Merchant

Args: TypeAlias = Mapping[str, str]
"""What a move is made from: ids and keys, so that it can be told to another process. "merchant" is always there."""


async def nobody_else_knows(args: Args) -> bool:
    """Of a move that only we know of."""
    del args
    return True


@dataclass(frozen=True, slots=True)
class Move:
    """`prepare` makes what it needs, for the n-th person of the shop; `make` is the verb, in its own transaction.
    `agrees` asks whoever else was told of it whether their books say the same as ours."""

    prepare: Callable[[Merchant, int], Awaitable[Args]]
    make: Callable[[Args], Awaitable[object]]
    effects: Callable[[Args], Awaitable[int]]
    agrees: Callable[[Args], Awaitable[bool]] = nobody_else_knows


def merchant_id(args: Args) -> UUID:
    return UUID(args["merchant"])


def counted(sql: str, what: str) -> Callable[[Args], Awaitable[int]]:
    """Counts rows: in `sql`, $1 is the merchant's id and $2 the argument named `what`, as text."""

    async def effects(args: Args) -> int:
        found = await db.fetch_value(sql, merchant_id(args), args[what])
        assert isinstance(found, int)
        return found

    return effects


transfers = counted("SELECT count(*) FROM transfers WHERE merchant_id = $1 AND key = $2", "key")
