"""The verb of a shop's own rules about payment links: when it reminds of one, how long a payment may outlast it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.kernel import audit, db
from app.merchants.errors import FieldRefused
from app.merchants.queries import Merchant, forget_kept_merchants

GRACE_S_MAX: Final = 24 * 3600
REMINDERS_MAX: Final = 5
REMINDER_H_MAX: Final = 30 * 24


@dataclass(frozen=True, slots=True)
class LinkRules:
    """`grace_s`: how many seconds a payment begun in time may go on after its link has lapsed. `reminders_h`: how many
    hours before it lapses a link is reminded of, the earliest reminder first; none for never.
    """

    grace_s: int
    reminders_h: Sequence[int]


def link_rules_of(merchant: Merchant) -> LinkRules:
    return LinkRules(merchant.link_grace_s, merchant.link_reminders_h)


async def save_link_rules(merchant: Merchant, rules: LinkRules, *, actor: str, now: datetime) -> None:
    """From now on, for links that are out too. The change stands in the audit log. One transaction.

    Raises FieldRefused ("grace", "reminders"): out_of_range.
    """
    hours = sorted(set(rules.reminders_h), reverse=True)
    if not 0 <= rules.grace_s <= GRACE_S_MAX:
        raise FieldRefused("grace", "out_of_range")
    if len(hours) > REMINDERS_MAX or not all(0 < each <= REMINDER_H_MAX for each in hours):
        raise FieldRefused("reminders", "out_of_range")

    async def write() -> None:
        await db.execute(
            "UPDATE merchants SET link_grace_s = $2, link_reminders_h = $3 WHERE id = $1",
            merchant.id,
            rules.grace_s,
            hours,
        )
        await audit.record(
            actor,
            "merchant.link_rules",
            merchant.public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"grace_s": rules.grace_s, "reminders_h": hours},
        )

    await db.in_tx(write)
    forget_kept_merchants()
