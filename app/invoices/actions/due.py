"""What falls due by the clock: notices are sent, interest and fees enter the books, invoices become overdue, people are
reminded. Each verb does a bounded batch and says how much it did; workers share by SKIP LOCKED."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import structlog

from app.invoices.actions.charges import post_charges
from app.invoices.events import tell_issued, tell_overdue
from app.invoices.queries import DueKind, InvoiceView, due_sql, invoice_by_id
from app.invoices.rules import channel_of, ladder_of
from app.invoices.states import MACHINE, InvoiceState
from app.kernel import db, outbox
from app.law.rules import law_of
from app.merchants.queries import Merchant, merchant_by_id

ACTOR: Final = "system"
REMIND_JOB: Final = "reminder"

# Workers share what is due: a row in another one's hands is passed by.
_BATCH: Final = "ORDER BY i.id LIMIT $2 FOR UPDATE OF i SKIP LOCKED"
_ONE: Final = "AND i.merchant_id = $2 AND i.id = $3 FOR UPDATE OF i SKIP LOCKED"

_Verb: TypeAlias = Callable[[Merchant, InvoiceView, datetime], Awaitable[None]]
_log = structlog.get_logger("invoices")

_REMIND_ON: Final = "UPDATE invoices SET remind_on = $3 WHERE merchant_id = $1 AND id = $2"

_REMINDED: Final = """
INSERT INTO invoice_reminders (merchant_id, invoice_id, step, channel, decided_at) VALUES ($1, $2, $3, $4, $5)
"""

_STEPS: Final = """
SELECT (SELECT count(*) FROM invoice_reminders r WHERE r.merchant_id = $1 AND r.invoice_id = $2) AS sent,
       EXISTS (SELECT FROM customers c WHERE c.id = $3 AND coalesce(c.phone, c.claimed_phone) IS NOT NULL) AS has_phone
"""


async def issue_due(now: datetime, limit: int) -> int:
    """Issue the notices whose day has come."""
    return await _each("issue", _issue, now, limit)


async def _issue(merchant: Merchant, invoice: InvoiceView, now: datetime) -> None:
    await _move(merchant.id, invoice, InvoiceState.ISSUED, now)
    await tell_issued(merchant.id, invoice, now)


async def post_due_charges(now: datetime, limit: int) -> int:
    """Post the interest and fees of what falls due today or fell due before."""
    return await _each("charge", post_charges, now, limit)


async def mark_overdue(now: datetime, limit: int) -> int:
    """Mark what was not paid by the end of its due date, and set the day of its first reminder."""
    return await _each("overdue", _mark_overdue, now, limit)


async def _mark_overdue(merchant: Merchant, invoice: InvoiceView, now: datetime) -> None:
    assert invoice.due_on is not None
    today, law = merchant.local_date(now), law_of(merchant.country)
    ladder = ladder_of(law, today, for_company=invoice.content.for_company)
    await _move(merchant.id, invoice, InvoiceState.OVERDUE, now)
    await db.execute(_REMIND_ON, merchant.id, invoice.id, ladder.first_on(invoice.due_on))
    await tell_overdue(merchant.id, replace(invoice, state=InvoiceState.OVERDUE), now)


async def remind_due(now: datetime, limit: int) -> int:
    """Put the reminders whose day has come on the outbox; whether still to send one is asked again when it is sent."""
    return await _each("remind", _remind, now, limit)


async def _remind(merchant: Merchant, invoice: InvoiceView, now: datetime) -> None:
    assert invoice.due_on is not None
    known = await db.fetch_one(_STEPS, merchant.id, invoice.id, invoice.customer_id)
    assert known is not None
    step = known["sent"] + 1
    today = merchant.local_date(now)
    channel = channel_of(step, has_phone=known["has_phone"], delivery=invoice.delivery)
    ladder = ladder_of(law_of(merchant.country), today, for_company=invoice.content.for_company)
    await db.execute(_REMINDED, merchant.id, invoice.id, step, channel, now)
    await db.execute(
        _REMIND_ON, merchant.id, invoice.id, ladder.next_on(invoice.due_on, sent=step, today=today)
    )
    await outbox.put(
        merchant.id,
        REMIND_JOB,
        {"invoice": invoice.public_id, "step": step, "channel": channel},
        run_at=now,
        key=f"reminder:{invoice.public_id}:{step}",
        about=invoice.order_public_id,
    )


async def _each(kind: DueKind, do: _Verb, now: datetime, limit: int) -> int:
    """Do what has fallen due, all in one transaction. Where one of them fails each gets a transaction of its own: a bad
    row is logged and tried again with the next batch, and holds nobody else up."""

    async def batch() -> int:
        found = await db.fetch_all(f"SELECT i.merchant_id, i.id {due_sql(kind)} {_BATCH}", now, limit)
        for row in found:
            await do(*await _pair(row["merchant_id"], row["id"]), now)
        return len(found)

    try:
        return await db.in_tx(batch)
    except db.DatabaseUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, it is met again below and logged whole there
        _log.warning("batch_failed", kind=kind, error=type(error).__name__)
    due = await db.fetch_all(f"SELECT i.merchant_id, i.id {due_sql(kind)} ORDER BY i.id LIMIT $2", now, limit)
    return sum([await _alone(kind, do, row["merchant_id"], row["id"], now) for row in due])


async def _alone(kind: DueKind, do: _Verb, merchant_id: UUID, invoice_id: UUID, now: datetime) -> bool:
    async def one() -> bool:
        if await db.fetch_value(f"SELECT i.id {due_sql(kind)} {_ONE}", now, merchant_id, invoice_id) is None:
            return False
        await do(*await _pair(merchant_id, invoice_id), now)
        return True

    try:
        return await db.in_tx(one)
    except db.DatabaseUnavailable:
        raise
    except Exception:  # noqa: BLE001 - logged whole
        _log.exception("invoice_failed", kind=kind, invoice=str(invoice_id))
        return False


async def _pair(merchant_id: UUID, invoice_id: UUID) -> tuple[Merchant, InvoiceView]:
    merchant = await merchant_by_id(merchant_id)
    invoice = await invoice_by_id(merchant_id, invoice_id)
    assert merchant is not None
    assert invoice is not None
    return merchant, invoice


async def _move(merchant_id: UUID, invoice: InvoiceView, to: InvoiceState, now: datetime) -> None:
    await MACHINE.move(merchant_id, invoice.id, expected=invoice.state, to=to, actor=ACTOR, at=now)
