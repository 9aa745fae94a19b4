"""The books are proven every five minutes over what is new, and whole when somebody asks; a failure stops all money.

Nothing here waits for a payment, and no payment for it. While money is frozen, proofs go on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Literal
from uuid import UUID

import structlog

from app.checkout.books import check_books, check_new
from app.kernel import db, ids
from app.ledger import actions as ledger
from app.ledger import proof
from app.ledger.proof import Span, Violation

SEAL_AT_ONCE: Final = 5_000
# So much is read by one round of queries, each well within the time a statement may take.
PROVE_AT_ONCE: Final = 20_000
# Longer than any transaction lives: what was committed late has ids from before.
LATE_MS: Final = 60_000

_log = structlog.get_logger("books")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a proof found; nothing is the proof."""

    kind: Literal["full", "new"]
    violations: Sequence[Violation]
    transfers: int
    took_s: float


async def seal_due(now: datetime) -> int:
    """Seal what was committed since; answers how many transfers when more may be waiting, else 0."""
    sealed = await ledger.seal(now, SEAL_AT_ONCE)
    return sealed if sealed == SEAL_AT_ONCE else 0


async def prove_new(now: datetime) -> Proof:
    """Prove what was sealed and moved since the last proof. What does not hold freezes money.

    Rows are known by their ids, which tell the time of the machine that made them. The first proof of a database looks
    at its seals, and at the rest from then on.
    """
    proof_id, began = ids.internal_id(), time.monotonic()
    since = _shortly_before(await proof.last_proof_id() or proof_id)
    spans = await proof.spans_to_prove(PROVE_AT_ONCE)
    violations, transfers = await check_new(spans, since), 0
    while spans:
        transfers += sum(span.transfers for span in spans)
        if violations:
            break
        await db.in_tx(partial(ledger.mark_proven, spans, now))
        spans = await proof.spans_to_prove(PROVE_AT_ONCE)
        # What moved since is proven by now.
        violations = await check_new(spans) if spans else []
    found = Proof("new", violations, transfers, time.monotonic() - began)
    await db.in_tx(lambda: _end(proof_id, found, (), now))
    return found


async def prove_everything(now: datetime) -> Proof:
    """Prove all there is. What does not hold freezes money."""
    proof_id, began = ids.internal_id(), time.monotonic()
    spans = await proof.all_seals()
    violations = await check_books()
    found = Proof("full", violations, sum(span.transfers for span in spans), time.monotonic() - began)
    await db.in_tx(lambda: _end(proof_id, found, spans, now))
    return found


async def _end(proof_id: UUID, found: Proof, proven: Sequence[Span], now: datetime) -> None:
    await ledger.note_proof(
        proof_id,
        found.kind,
        violations=len(found.violations),
        transfers=found.transfers,
        took_ms=round(1000 * found.took_s),
        now=now,
    )
    if not found.violations:
        await ledger.mark_proven(proven, now)
        return
    first = found.violations[0]
    because = f"The books do not hold: {first.invariant} ({len(found.violations)} findings)"
    frozen = await ledger.freeze(because, now)
    _log.error(
        "books_do_not_hold",
        kind=found.kind,
        froze_money=frozen,
        findings=[f"{each.invariant}: {each.where}" for each in found.violations],
    )


def _shortly_before(row_id: UUID) -> UUID:
    """The least id of the time a minute before this one was made."""
    return UUID(int=max(0, (row_id.int >> 80) - LATE_MS) << 80)
