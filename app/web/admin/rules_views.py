"""What the pages of rules show: a rule's conditions as plain values, and what its replay came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.kernel.money import Money
from app.merchants.queries import Merchant
from app.orders.queries import names_of
from app.risk.conditions import Condition, MerchantRule, Mode, written
from app.risk.replay import REPLAYED, Replay, replay, tried_instead
from app.risk.rule_checks import WantedRule
from app.risk.rule_queries import RuleVersion, RuleView
from app.risk.rules import Outcome


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule of the list. `conditions` are values that the templates word."""

    public_id: str
    name: str
    outcome: str
    mode: Mode
    conditions: Sequence[dict[str, object]]
    changed_at: datetime
    changed_by: str


def row_of(view: RuleView) -> RuleRow:
    rule = view.rule
    return RuleRow(
        rule.public_id,
        rule.name,
        rule.outcome,
        rule.mode,
        shown(rule.conditions),
        view.changed_at,
        view.changed_by,
    )


def shown(conditions: Sequence[Condition]) -> Sequence[dict[str, object]]:
    return written(conditions)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version and what it changed of the one before: "name", "conditions", "outcome", "mode"; the first, nothing."""

    version: int
    mode: Mode
    outcome: str
    conditions: Sequence[dict[str, object]]
    changes: Sequence[str]
    made_at: datetime
    made_by: str


def version_rows(versions: Sequence[RuleVersion]) -> Sequence[VersionRow]:
    """The newest first, as they come."""
    older: Sequence[RuleVersion | None] = [*versions[1:], None]
    return [
        VersionRow(
            each.version,
            each.mode,
            each.outcome,
            shown(each.conditions),
            _changes(before, each),
            each.made_at,
            each.made_by,
        )
        for each, before in zip(versions, older, strict=True)
    ]


def _changes(before: RuleVersion | None, after: RuleVersion) -> Sequence[str]:
    if before is None:
        return ()
    parts = ("name", "conditions", "outcome", "mode")
    return [part for part in parts if getattr(before, part) != getattr(after, part)]


@dataclass(frozen=True, slots=True)
class FlipRow:
    """An order that would have gone another way. `order` is its public id, None where it is gone."""

    order: str | None
    reference: str
    at: datetime
    amount: Money
    was: Outcome
    would_be: Outcome
    name: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the rule would have done. `since`: the oldest that was read, where there was more than is read."""

    days: int
    outcome: str
    result: Replay
    stricter: Money
    milder: Money
    flips: Sequence[FlipRow]
    since: datetime | None


async def preview_of(
    merchant: Merchant, wanted: WantedRule, instead: MerchantRule | None, now: datetime
) -> Preview:
    """`instead` is the rule that it would take the place of."""
    public_id = None if instead is None else instead.public_id
    tried = await tried_instead(merchant.id, wanted.conditions, wanted.outcome, public_id, now)
    result = await replay(merchant.id, merchant.currency, tried, now)
    return Preview(
        days=REPLAYED.days,
        outcome=wanted.outcome,
        result=result,
        stricter=Money(result.stricter_minor, merchant.currency),
        milder=Money(result.milder_minor, merchant.currency),
        flips=await _flips(merchant, result),
        since=result.since if result.is_cut else None,
    )


async def _flips(merchant: Merchant, result: Replay) -> Sequence[FlipRow]:
    names = await names_of(merchant.id, [each.order_id for each in result.shown])
    return [
        FlipRow(
            order=None if named is None else named.public_id,
            reference="" if named is None else named.reference,
            at=each.at,
            amount=Money(each.amount_minor, each.currency),
            was=each.was,
            would_be=each.would_be,
            name=None if named is None else named.name,
        )
        for each in result.shown
        for named in (names.get(each.order_id),)
    ]
