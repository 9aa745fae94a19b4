"""The verb of what a shop says of its ways to pay: on or off, the sums they take, the goods they are not for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from app.kernel import audit, db
from app.merchants.errors import PayingRulesRefused
from app.merchants.queries import Merchant, forget_kept_merchants
from app.merchants.rules import AMOUNT_MAX_MINOR, CATEGORIES_MAX, MethodTerms

# What a shop may say something of; the wallet is a module, and is switched there.
WAYS: Final = ("card", "mobilepay", "invoice", "instalments")

_SAVE: Final = """
INSERT INTO merchant_methods (merchant_id, method, is_on, min_minor, max_minor, not_for, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, method) DO UPDATE
    SET is_on = EXCLUDED.is_on, min_minor = EXCLUDED.min_minor, max_minor = EXCLUDED.max_minor,
        not_for = EXCLUDED.not_for, changed_at = EXCLUDED.changed_at, changed_by = EXCLUDED.changed_by
"""
_LOCK: Final = "SELECT company_limit_minor FROM merchants WHERE id = $1 FOR NO KEY UPDATE"
_BEFORE: Final = """
SELECT method, is_on, min_minor, max_minor, not_for FROM merchant_methods WHERE merchant_id = $1
"""


async def save_ways(
    merchant: Merchant,
    wanted: Mapping[str, MethodTerms],
    company_limit_minor: int,
    *,
    actor: str,
    now: datetime,
) -> None:
    """From the next page on, in other processes within five seconds; what is chosen already may still be paid. Every
    change stands in the audit log with what was before. Raises PayingRulesRefused, by field such as `card_max`."""
    _check(wanted, company_limit_minor)

    async def write() -> None:
        limit_before = await db.fetch_value(_LOCK, merchant.id)
        rows = await db.fetch_all(_BEFORE, merchant.id)
        before = {
            row["method"]: MethodTerms(
                row["is_on"], row["min_minor"], row["max_minor"], frozenset(row["not_for"])
            )
            for row in rows
        }
        changed: dict[str, object] = {
            method: [_told(before.get(method, MethodTerms())), _told(terms)]
            for method, terms in wanted.items()
            if terms != before.get(method, MethodTerms())
        }
        for method in changed:
            await _save(merchant, method, wanted[method], actor, now)
        if company_limit_minor != limit_before:
            changed["company_limit_minor"] = [limit_before, company_limit_minor]
            await db.execute(
                "UPDATE merchants SET company_limit_minor = $2 WHERE id = $1",
                merchant.id,
                company_limit_minor,
            )
        if changed:
            await audit.record(
                actor,
                "merchant.ways_to_pay",
                merchant.public_id,
                merchant_id=merchant.id,
                at=now,
                detail={"changed": changed},
            )

    await db.in_tx(write)
    forget_kept_merchants()


async def _save(merchant: Merchant, method: str, terms: MethodTerms, actor: str, now: datetime) -> None:
    await db.execute(
        _SAVE,
        merchant.id,
        method,
        terms.is_on,
        terms.min_minor,
        terms.max_minor,
        sorted(terms.not_for),
        now,
        actor,
    )


def _check(wanted: Mapping[str, MethodTerms], company_limit_minor: int) -> None:
    errors: dict[str, str] = {}
    for method, terms in wanted.items():
        if method not in WAYS:
            errors[method] = "unknown"
        for name, bound in (("min", terms.min_minor), ("max", terms.max_minor)):
            if bound is not None and not 1 <= bound <= AMOUNT_MAX_MINOR:
                errors[f"{method}_{name}"] = "malformed"
        if None not in {terms.min_minor, terms.max_minor} and (terms.min_minor or 0) > (terms.max_minor or 0):
            errors[f"{method}_max"] = "below_minimum"
        if len(terms.not_for) > CATEGORIES_MAX:
            errors[f"{method}_not_for"] = "too_many"
    if not 0 <= company_limit_minor <= AMOUNT_MAX_MINOR:
        errors["company_limit"] = "malformed"
    if errors:
        raise PayingRulesRefused(errors)


def _told(terms: MethodTerms) -> dict[str, object]:
    return {
        "is_on": terms.is_on,
        "min_minor": terms.min_minor,
        "max_minor": terms.max_minor,
        "not_for": sorted(terms.not_for),
    }
