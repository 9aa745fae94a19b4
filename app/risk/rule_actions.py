"""The verbs of a shop's own rules: keep one, switch it, leave it out for one customer. One transaction each.

A rule begins in shadow: what it would have done is written down with each decision, and nothing follows. Every change
is a version, a switch too; whoever changes a version that is no longer the newest is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.kernel import audit, db, ids
from app.merchants.queries import Merchant
from app.risk.conditions import ASKED_NOTHING, MerchantRule, Mode, written
from app.risk.errors import CustomerUnknown, RuleChanged, RuleRefused, RuleUnknown, SnoozeRefused
from app.risk.rule_checks import WantedRule, checked
from app.risk.rule_queries import rule_of
from app.risk.rules import BUILT_IN

# Each is asked of every order of the shop, and read by people.
RULES_MAX: Final = 50
SNOOZE_MAX: Final = timedelta(days=366)
SNOOZES_KEPT: Final = timedelta(days=365)

_LOCK_SHOP: Final = "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE"
_COUNT: Final = "SELECT count(*) FROM risk_rules WHERE merchant_id = $1 AND mode IN ('on', 'shadow')"
_BY_KEY: Final = "SELECT public_id FROM risk_rules WHERE merchant_id = $1 AND form_key = $2"
_ADD: Final = """
INSERT INTO risk_rules (merchant_id, id, public_id, name, version, conditions, outcome, mode, form_key, created_at,
                        changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
"""
_CHANGE: Final = """
UPDATE risk_rules SET name = $3, version = $4, conditions = $5, outcome = $6, mode = $7, changed_at = $8,
                      changed_by = $9
WHERE merchant_id = $1 AND id = $2
"""
_ADD_VERSION: Final = """
INSERT INTO risk_rule_versions (merchant_id, id, rule_id, version, name, conditions, outcome, mode, made_at, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def make_rule(
    merchant: Merchant, wanted: WantedRule, *, form_key: UUID, actor: str, now: datetime
) -> str:
    """A new rule, in shadow. Answers its public id; a form sent twice answers the first one's. Raises RuleRefused."""
    wanted = checked(wanted)
    rule = MerchantRule(
        ids.internal_id(), ids.public_id("rule"), wanted.name, 1, wanted.conditions, wanted.outcome, "shadow"
    )

    async def write() -> str:
        await db.fetch_value(_LOCK_SHOP, merchant.id)
        there = await db.fetch_value(_BY_KEY, merchant.id, form_key)
        if there is not None:
            return str(there)
        await _check_room(merchant.id)
        await db.execute(
            _ADD,
            merchant.id,
            rule.id,
            rule.public_id,
            rule.name,
            rule.version,
            written(rule.conditions),
            rule.outcome,
            rule.mode,
            form_key,
            now,
            actor,
        )
        await _note_version(merchant.id, rule, actor, now)
        await _note(
            merchant, "risk_rule.made", rule.public_id, actor, now, {"version": 1, "outcome": rule.outcome}
        )
        return rule.public_id

    return await db.in_tx(write)


async def change_rule(
    merchant: Merchant, public_id: str, wanted: WantedRule, *, seen_version: int, actor: str, now: datetime
) -> int:
    """Let the rule say this from the next order on, in the mode that it is in. Answers its version; a rule that said so
    already keeps the one it has. Raises RuleRefused, RuleUnknown, RuleChanged."""
    wanted = checked(wanted)

    async def write() -> int:
        before = await _locked(merchant.id, public_id, seen_version)
        if before.mode == "removed":
            raise RuleRefused({"name": "removed"})
        after = replace(before, name=wanted.name, conditions=wanted.conditions, outcome=wanted.outcome)
        return await _save(merchant, before, after, "risk_rule.changed", actor, now)

    return await db.in_tx(write)


async def switch_rule(
    merchant: Merchant, public_id: str, mode: Mode, *, seen_version: int, actor: str, now: datetime
) -> int:
    """On, in shadow, off or removed, from the next order on; what was removed comes back off. Answers the version.
    Raises RuleRefused where too many would be asked, RuleUnknown, RuleChanged."""

    async def write() -> int:
        await db.fetch_value(_LOCK_SHOP, merchant.id)
        before = await _locked(merchant.id, public_id, seen_version)
        if before.mode == "removed" and mode not in ASKED_NOTHING:
            raise RuleRefused({"name": "removed"})
        if before.mode in ASKED_NOTHING and mode not in ASKED_NOTHING:
            await _check_room(merchant.id)
        return await _save(merchant, before, replace(before, mode=mode), "risk_rule.switched", actor, now)

    return await db.in_tx(write)


async def _check_room(merchant_id: UUID) -> None:
    if await db.fetch_value(_COUNT, merchant_id) >= RULES_MAX:
        raise RuleRefused({"name": "too_many"})


async def _locked(merchant_id: UUID, public_id: str, seen_version: int) -> MerchantRule:
    found = await rule_of(merchant_id, public_id, lock=True)
    if found is None:
        raise RuleUnknown
    if found.rule.version != seen_version:
        raise RuleChanged(found.rule.version)
    return found.rule


async def _save(
    merchant: Merchant, before: MerchantRule, after: MerchantRule, action: str, actor: str, now: datetime
) -> int:
    if after == before:
        return before.version
    rule = replace(after, version=before.version + 1)
    await db.execute(
        _CHANGE,
        merchant.id,
        rule.id,
        rule.name,
        rule.version,
        written(rule.conditions),
        rule.outcome,
        rule.mode,
        now,
        actor,
    )
    await _note_version(merchant.id, rule, actor, now)
    detail = {"version": rule.version, "outcome": rule.outcome, "mode": rule.mode}
    await _note(merchant, action, rule.public_id, actor, now, detail)
    return rule.version


async def _note_version(merchant_id: UUID, rule: MerchantRule, actor: str, now: datetime) -> None:
    await db.execute(
        _ADD_VERSION,
        merchant_id,
        ids.internal_id(),
        rule.id,
        rule.version,
        rule.name,
        written(rule.conditions),
        rule.outcome,
        rule.mode,
        now,
        actor,
    )


async def _note(
    merchant: Merchant, action: str, subject: str, actor: str, now: datetime, detail: Mapping[str, object]
) -> None:
    await audit.record(actor, action, subject, merchant_id=merchant.id, at=now, detail=detail)


# --- left out for one customer ------------------------------------------------------------------------------

# Whom this shop has decided about: nobody else's customers are known here.
_CUSTOMER: Final = """
SELECT c.id FROM customers c WHERE c.public_id = $2 AND c.state = 'active' AND EXISTS (
    SELECT FROM risk_decisions d WHERE d.customer_id = c.id AND d.merchant_id = $1)
"""
_END_SNOOZES: Final = """
UPDATE risk_snoozes SET until = $4 WHERE merchant_id = $1 AND rule = $2 AND customer_id = $3 AND until > $4
"""
_SNOOZE: Final = """
INSERT INTO risk_snoozes (merchant_id, id, rule, customer_id, until, by, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_END_ONE: Final = """
UPDATE risk_snoozes s SET until = $3 FROM customers c
WHERE s.merchant_id = $1 AND s.id = $2 AND s.until > $3 AND c.id = s.customer_id
RETURNING s.rule, c.public_id
"""


async def snooze_rule(
    merchant: Merchant, rule: str, customer: str, *, until: datetime, actor: str, now: datetime
) -> None:
    """Ask a rule (the word of one of the house's, or the public id of one of the shop's) nothing about one customer
    (public id) until then; the newest word counts. Raises RuleUnknown, CustomerUnknown, SnoozeRefused."""
    if not now < until <= now + SNOOZE_MAX:
        raise SnoozeRefused

    async def write() -> None:
        # Two people at once: the second finds the first one's, and ends it.
        await db.fetch_value(_LOCK_SHOP, merchant.id)
        if not await _is_rule(merchant.id, rule):
            raise RuleUnknown
        customer_id = await db.fetch_value(_CUSTOMER, merchant.id, customer)
        if customer_id is None:
            raise CustomerUnknown
        await db.execute(_END_SNOOZES, merchant.id, rule, customer_id, now)
        await db.execute(_SNOOZE, merchant.id, ids.internal_id(), rule, customer_id, until, actor, now)
        detail = {"customer": customer, "until": until.isoformat()}
        await _note(merchant, "risk_rule.snoozed", rule, actor, now, detail)

    await db.in_tx(write)


async def end_snooze(merchant: Merchant, snooze_id: UUID, *, actor: str, now: datetime) -> bool:
    """Ask the rule again about this customer. False where it had ended, or never was this shop's."""

    async def write() -> bool:
        row = await db.fetch_one(_END_ONE, merchant.id, snooze_id, now)
        if row is None:
            return False
        detail = {"customer": row["public_id"], "until": now.isoformat()}
        await _note(merchant, "risk_rule.snooze_ended", row["rule"], actor, now, detail)
        return True

    return await db.in_tx(write)


_FORGET: Final = """
DELETE FROM risk_snoozes s USING (
    SELECT merchant_id, id FROM risk_snoozes WHERE until < $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED
) old WHERE s.merchant_id = old.merchant_id AND s.id = old.id
"""


async def forget_snoozes(before: datetime, limit: int) -> int:
    """Delete what ended before then, at most so many; answers how many. In a transaction. The audit says who did it."""
    return int((await db.execute(_FORGET, before, limit)).split()[-1])


async def _is_rule(merchant_id: UUID, rule: str) -> bool:
    """One of the shop's by its row, one of the house by its word."""
    if ids.is_public_id("rule", rule):
        return await rule_of(merchant_id, rule) is not None
    return rule in BUILT_IN
