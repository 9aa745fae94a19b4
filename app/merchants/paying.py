"""The verb of a shop's own rules about who pays how. In the database only here and where a shop is made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Final

from app.kernel import audit, db
from app.merchants.queries import Merchant, forget_kept_merchants
from app.merchants.rules import PayingRules, checked_paying_rules

_SAVE: Final = """
UPDATE merchants SET credit_limit_minor = $2, code_alone_max_minor = $3, passkey_counts = $4, recognise_returning = $5
WHERE id = $1
"""


def paying_rules_of(merchant: Merchant) -> PayingRules:
    return PayingRules(
        credit_limit_minor=merchant.credit_limit_minor,
        code_alone_max_minor=merchant.code_alone_max_minor,
        passkey_counts=merchant.passkey_counts,
        recognise_returning=merchant.recognise_returning,
    )


async def save_paying_rules(merchant: Merchant, wanted: PayingRules, *, actor: str, now: datetime) -> None:
    """From the next request on, in other processes within five seconds; purchases under way are judged by them too.

    Every change stands in the audit log with what was before. Raises PayingRulesRefused.
    """
    rules = checked_paying_rules(wanted, merchant.country)

    async def write() -> None:
        before = await _locked(merchant)
        changed = {name: [old, new] for name, old, new in _pairs(before, rules) if old != new}
        if not changed:
            return
        await db.execute(
            _SAVE,
            merchant.id,
            rules.credit_limit_minor,
            rules.code_alone_max_minor,
            rules.passkey_counts,
            rules.recognise_returning,
        )
        await audit.record(
            actor,
            "merchant.paying_rules",
            merchant.public_id,
            merchant_id=merchant.id,
            at=now,
            detail={"changed": changed},
        )

    await db.in_tx(write)
    forget_kept_merchants()


async def _locked(merchant: Merchant) -> PayingRules:
    row = await db.fetch_one(
        """SELECT credit_limit_minor, code_alone_max_minor, passkey_counts, recognise_returning
           FROM merchants WHERE id = $1 FOR NO KEY UPDATE""",
        merchant.id,
    )
    assert row is not None, "merchants are never deleted"
    return PayingRules(**dict(row.items()))


def _pairs(before: PayingRules, after: PayingRules) -> list[tuple[str, object, object]]:
    new = asdict(after)
    return [(name, old, new[name]) for name, old in asdict(before).items()]
