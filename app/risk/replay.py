"""What a rule would have done to the orders of the last 90 days.

The decisions of those days are read with the facts that they knew then, newest first, a page at a time: what was not
known then is not known now. Of a very busy shop the newest `DECISIONS_MAX` are read, and the answer says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from app.kernel import db
from app.risk.conditions import Condition, RuleOutcome, matches
from app.risk.facts import Facts
from app.risk.rule_queries import snoozed_customers
from app.risk.rules import Finding, Outcome, judge, strictest

REPLAYED: Final = timedelta(days=90)
DECISIONS_MAX: Final = 50_000
SHOWN_MAX: Final = 20
# So few that reading a page keeps nobody else waiting for long.
_PAGE: Final = 250


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule to be tried. `public_id` and `snoozed` (customers) are those of the rule that it would take the place of:
    what that one did by itself is thought away."""

    conditions: Sequence[Condition]
    outcome: RuleOutcome
    public_id: str | None = None
    snoozed: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Past:
    """A decision as it was made. `amount_minor` in minor units of `currency`; `findings` where the rule that is tried
    anew was among them."""

    id: UUID
    order_id: UUID
    customer_id: UUID | None
    at: datetime
    outcome: Outcome
    forced: Outcome | None
    amount_minor: int
    currency: str
    facts: Facts
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Flip:
    """An order that would have gone another way: what was decided, and what would have been."""

    order_id: UUID
    at: datetime
    amount_minor: int
    currency: str
    was: Outcome
    would_be: Outcome


@dataclass(slots=True)
class Replay:
    """What came out, growing with each page.

    `orders` were looked at, `found` of them meet the rule. `stricter` would have been stopped and were not (or declined
    instead of held), `milder` the other way round, where the rule takes another's place; `shown` are the newest of
    both. Money is in minor units of `currency`, the shop's. Of what the rule finds, `alone` would have gone through
    without it, and the rest waited or was declined `anyway`; `looked_at` were answered by a person, who approved
    `approved`.
    """

    currency: str
    orders: int = 0
    found: int = 0
    stricter: int = 0
    stricter_minor: int = 0
    milder: int = 0
    milder_minor: int = 0
    looked_at: int = 0
    approved: int = 0
    shown: list[Flip] = field(default_factory=list)
    is_cut: bool = False
    since: datetime | None = None
    _orders: set[UUID] = field(default_factory=set, repr=False)
    _flipped: set[UUID] = field(default_factory=set, repr=False)
    _customers: set[UUID] = field(default_factory=set, repr=False)
    _found: dict[UUID, UUID] = field(default_factory=dict, repr=False)
    _found_orders: set[UUID] = field(default_factory=set, repr=False)
    _alone: set[UUID] = field(default_factory=set, repr=False)

    @property
    def customers(self) -> int:
        """How many people the flipped orders are of, as far as they are known."""
        return len(self._customers)

    @property
    def alone(self) -> int:
        return len(self._alone)

    @property
    def anyway(self) -> int:
        return self.found - self.alone

    @property
    def found_decisions(self) -> Sequence[UUID]:
        """Every decision that the rule finds, for what people made of them later."""
        return tuple(self._found)

    def heard(self, answers: Mapping[UUID, bool]) -> None:
        """What people said of the decisions that were found: whether one turned out bad. An order that was asked about
        twice counts once, and as approved where nobody found it bad."""
        orders: dict[UUID, bool] = {}
        for decision, is_bad in answers.items():
            order = self._found[decision]
            orders[order] = orders.get(order, False) or is_bad
        self.looked_at, self.approved = len(orders), sum(not is_bad for is_bad in orders.values())

    def add(self, tried: Tried, past: Past) -> None:
        """One decision more, older than those before. An order that was confirmed several times counts once, and by the
        newest time that the rule would have changed."""
        if past.order_id not in self._orders:
            self._orders.add(past.order_id)
            self.orders += 1
        if self._finds(tried, past):
            self._found[past.id] = past.order_id
            self._found_orders.add(past.order_id)
            self.found = len(self._found_orders)
            if _without(tried.public_id, past) == "approve":
                self._alone.add(past.order_id)
        would_be = replayed(tried, past)
        if would_be == past.outcome or past.order_id in self._flipped:
            return
        self._flipped.add(past.order_id)
        self._note(past, would_be)

    @staticmethod
    def _finds(tried: Tried, past: Past) -> bool:
        return past.customer_id not in tried.snoozed and matches(tried.conditions, past.facts)

    def _note(self, past: Past, would_be: Outcome) -> None:
        money = past.amount_minor if past.currency == self.currency else 0
        if strictest(past.outcome, would_be) == would_be:
            self.stricter, self.stricter_minor = self.stricter + 1, self.stricter_minor + money
        else:
            self.milder, self.milder_minor = self.milder + 1, self.milder_minor + money
        if past.customer_id is not None:
            self._customers.add(past.customer_id)
        if len(self.shown) < SHOWN_MAX:
            self.shown.append(
                Flip(past.order_id, past.at, past.amount_minor, past.currency, past.outcome, would_be)
            )


def replayed(tried: Tried, past: Past) -> Outcome:
    """What would have been decided with the rule, on the facts of then. Whatever else asked for something still
    does."""
    without = _without(tried.public_id, past)
    if past.customer_id in tried.snoozed or not matches(tried.conditions, past.facts):
        return without
    return strictest(without, tried.outcome)


def _without(rule: str | None, past: Past) -> Outcome:
    """What was decided, less what the rule asked for by itself."""
    if rule is None or not any(each.rule == rule and not each.is_shadow for each in past.findings):
        return past.outcome
    outcome, _ = judge((each for each in past.findings if each.rule != rule), forced=past.forced)
    return outcome


# --- reading what was decided -------------------------------------------------------------------------------

_PAST: Final = """
SELECT id, order_id, customer_id, at, outcome, forced, amount_minor, currency, facts::text AS facts,
       CASE WHEN findings @> jsonb_build_array(jsonb_build_object('rule', $6::text)) THEN findings::text END AS findings
FROM risk_decisions
WHERE merchant_id = $1 AND at > $2 AND at <= $3 AND (at, id) < ($3, $4)
ORDER BY at DESC, id DESC LIMIT $5
"""
_LAST_ID: Final = UUID(int=2**128 - 1)


# A preview is asked for with every few letters that are typed: however many type, one is worked out at a time.
_one_at_a_time: Final = asyncio.Semaphore(1)


async def replay(merchant_id: UUID, currency: str, tried: Tried, now: datetime) -> Replay:
    """What the rule would have done, to at most `DECISIONS_MAX` decisions."""
    async with _one_at_a_time:
        return await _replay(merchant_id, currency, tried, now)


async def _replay(merchant_id: UUID, currency: str, tried: Tried, now: datetime) -> Replay:
    result = Replay(currency)
    seen = 0
    async for page in _pages(merchant_id, tried.public_id, now):
        for past in page:
            result.add(tried, past)
            result.since = past.at
        seen += len(page)
        if seen >= DECISIONS_MAX:
            result.is_cut = True
            break
    result.heard(await _answers(merchant_id, result.found_decisions))
    return result


_ANSWERS: Final = """
SELECT decision_id, bool_or(is_bad) AS is_bad FROM risk_labels
WHERE merchant_id = $1 AND decision_id = ANY($2::uuid[]) AND source IN ('reviewer', 'blind') GROUP BY decision_id
"""


async def _answers(merchant_id: UUID, decisions: Sequence[UUID]) -> Mapping[UUID, bool]:
    """Those of people alone: what was never paid is no word of a reviewer's."""
    rows = await db.fetch_all(_ANSWERS, merchant_id, list(decisions)) if decisions else []
    return {row["decision_id"]: row["is_bad"] for row in rows}


async def tried_instead(
    merchant_id: UUID,
    conditions: Sequence[Condition],
    outcome: RuleOutcome,
    public_id: str | None,
    now: datetime,
) -> Tried:
    """These conditions in the place of a rule that stands, or as a new one."""
    snoozed = frozenset[UUID]() if public_id is None else await snoozed_customers(merchant_id, public_id, now)
    return Tried(tuple(conditions), outcome, public_id, snoozed)


async def _pages(merchant_id: UUID, rule: str | None, now: datetime) -> AsyncIterator[Sequence[Past]]:
    """Each page is a statement of its own: other requests are served between two of them."""
    before, before_id = now + timedelta(seconds=1), _LAST_ID
    while True:
        rows = await db.fetch_all(_PAST, merchant_id, now - REPLAYED, before, before_id, _PAGE, rule)
        if rows:
            # Of somebody who was erased the facts are gone before their time.
            yield [_past(row) for row in rows if row["facts"] is not None]
            before, before_id = rows[-1]["at"], rows[-1]["id"]
        if len(rows) < _PAGE:
            return


_FACTS: Final = msgspec.json.Decoder(Facts)
_FINDINGS: Final = msgspec.json.Decoder(tuple[Finding, ...])


def _past(row: db.Record) -> Past:
    findings = row["findings"]
    return Past(
        id=row["id"],
        order_id=row["order_id"],
        customer_id=row["customer_id"],
        at=row["at"],
        outcome=row["outcome"],
        forced=row["forced"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        facts=_FACTS.decode(row["facts"]),
        findings=() if findings is None else _FINDINGS.decode(findings),
    )
