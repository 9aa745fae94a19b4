"""What every verb does first and last: hold one subscription, write what has changed of it, tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from uuid import UUID

from app.kernel import db, ids, outbox
from app.subscriptions.agreement import Kind, Worded
from app.subscriptions.errors import NotNow, SubscriptionUnknown
from app.subscriptions.queries import SubscriptionView, subscription_of
from app.subscriptions.rules import Course
from app.subscriptions.states import MACHINE, SubscriptionState

SHOPPER: Final = "shopper"
CLOCK: Final = "clock"
MAIL_JOB: Final = "subscription_mail"

_LOCK: Final = "SELECT id FROM subscriptions WHERE merchant_id = $1 AND public_id = $2 FOR UPDATE"
_COLUMNS: Final = frozenset(
    {
        "version_id",
        "method",
        "saved_method_id",
        "anchor_on",
        "number",
        "starts_on",
        "ends_on",
        "is_trial",
        "bound_until",
        "renewals",
        "refusals",
        "due_at",
        "remind_at",
        "cancel_on",
        "resume_on",
        "paused_days",
        "next_version_id",
        "next_from",
        "asked_version_id",
        "asked_from",
        "ended_on",
        "end_reason",
    }
)

# Neither agreed nor asked for: no other terms are on their way.
NOTHING_LATER: Final[dict[str, object]] = {
    "next_version_id": None,
    "next_from": None,
    "asked_version_id": None,
    "asked_from": None,
}


async def hold(merchant_id: UUID, public_id: str) -> SubscriptionView:
    """The subscription as it is, held until the transaction ends. Raises SubscriptionUnknown."""
    db.require_transaction("subscriptions: changing one")
    if await db.fetch_value(_LOCK, merchant_id, public_id) is None:
        raise SubscriptionUnknown
    # Read after the lock: a statement that waited for it would still see what was before.
    found = await subscription_of(merchant_id, public_id)
    assert found is not None, "a locked subscription is there"
    return found


async def write(sub: SubscriptionView, changes: Mapping[str, object]) -> None:
    """Set these columns. In a transaction that holds it."""
    assert changes.keys() <= _COLUMNS, "a column that changes"
    sets = ", ".join(f"{name} = ${place}" for place, name in enumerate(changes, start=3))
    await db.execute(
        f"UPDATE subscriptions SET {sets} WHERE merchant_id = $1 AND id = $2",  # noqa: S608 - checked above
        sub.merchant_id,
        sub.id,
        *changes.values(),
    )


def columns_of(course: Course) -> dict[str, object]:
    return {
        "anchor_on": course.anchor,
        "number": course.number,
        "starts_on": course.starts_on,
        "ends_on": course.ends_on,
        "is_trial": course.is_trial,
    }


async def move(
    sub: SubscriptionView,
    to: SubscriptionState,
    *,
    actor: str,
    now: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Take one edge and tell the shop's endpoints. In a transaction that holds it. Raises IllegalMove, LostRace."""
    event = MACHINE.event(sub.state, to)
    await MACHINE.move(
        sub.merchant_id, sub.id, expected=sub.state, to=to, actor=actor, at=now, detail=detail or {}
    )
    await tell(sub, event, to, now=now, more=detail)


async def tell(
    sub: SubscriptionView,
    event: str,
    state: SubscriptionState,
    *,
    now: datetime,
    more: Mapping[str, object] | None = None,
) -> None:
    """An event for the shop. In a transaction."""
    data: dict[str, object] = {
        "subscription_id": sub.public_id,
        "plan_id": sub.plan_public_id,
        "state": state.value,
        "reference": sub.reference,
    }
    told = {name: _plain(value) for name, value in (more or {}).items()}
    await outbox.emit(sub.merchant_id, event, data | told, now=now, about=sub.public_id)


async def mail(sub: SubscriptionView, what: str, key: str, **more: object) -> None:
    """Put a mail on the outbox, once for each `key`. In a transaction."""
    payload: dict[str, object] = {"subscription": sub.public_id, "what": what}
    payload |= {name: _plain(value) for name, value in more.items()}
    await outbox.put(
        sub.merchant_id,
        MAIL_JOB,
        payload,
        key=f"mail:subscription:{what}:{sub.public_id}:{key}",
        about=sub.public_id,
    )


_AGREE: Final = """
INSERT INTO subscription_agreements (merchant_id, id, subscription_id, kind, version_id, lang, body, hash, accepted_at,
                                     accepted_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def agree(
    sub: SubscriptionView, kind: Kind, version_id: UUID, said: Worded, *, actor: str, now: datetime
) -> None:
    """Keep the words that somebody said yes to. In a transaction that holds it."""
    await db.execute(
        _AGREE,
        sub.merchant_id,
        ids.internal_id(),
        sub.id,
        kind,
        version_id,
        said.lang,
        said.body,
        said.hash,
        now,
        actor,
    )


def refuse_unless(sub: SubscriptionView, *states: SubscriptionState) -> None:
    """Raises NotNow."""
    if sub.state not in states:
        raise NotNow(sub.state.value)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
