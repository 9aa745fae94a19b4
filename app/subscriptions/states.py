"""The lives of a plan, of a subscription, and of another way to pay for one: the edge tables, and the machines that
move them.

An ended plan takes nobody new; who has it keeps it.

A renewal keeps the state it finds, and is an edge all the same, so that the history tells each one. Whoever cancels is
`cancelling` until the day that the notice and the least time lead to; what falls due until then is still renewed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class PlanState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


PLAN_EDGES: Final[dict[tuple[str, str], str]] = {
    (PlanState.ACTIVE, PlanState.ENDED): "subscription_plan.ended",
    (PlanState.ENDED, PlanState.ACTIVE): "subscription_plan.opened",
}

PLANS: Final = Machine(
    "subscription plan",
    table="subscription_plans",
    history_table="subscription_plan_history",
    edges=PLAN_EDGES,
)


class SubscriptionState(StrEnum):
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    ENDED = "ended"


_S = SubscriptionState

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.TRIALING, _S.ACTIVE): "subscription.renewed",
    (_S.TRIALING, _S.PAST_DUE): "subscription.past_due",
    (_S.TRIALING, _S.CANCELLING): "subscription.cancelling",
    (_S.TRIALING, _S.ENDED): "subscription.ended",
    (_S.ACTIVE, _S.ACTIVE): "subscription.renewed",
    (_S.ACTIVE, _S.PAST_DUE): "subscription.past_due",
    (_S.ACTIVE, _S.PAUSED): "subscription.paused",
    (_S.ACTIVE, _S.CANCELLING): "subscription.cancelling",
    (_S.ACTIVE, _S.ENDED): "subscription.ended",
    (_S.PAST_DUE, _S.ACTIVE): "subscription.recovered",
    (_S.PAST_DUE, _S.ENDED): "subscription.ended",
    (_S.PAUSED, _S.ACTIVE): "subscription.resumed",
    (_S.PAUSED, _S.ENDED): "subscription.ended",
    (_S.CANCELLING, _S.CANCELLING): "subscription.renewed",
    (_S.CANCELLING, _S.TRIALING): "subscription.kept",
    (_S.CANCELLING, _S.ACTIVE): "subscription.kept",
    (_S.CANCELLING, _S.ENDED): "subscription.ended",
    (_S.ENDED, _S.ACTIVE): "subscription.revived",
}

MACHINE: Final = Machine(
    "subscription", table="subscriptions", history_table="subscription_history", edges=EDGES
)

# What a day may come to: the clock looks at these.
LIVE: Final = frozenset(_S) - {_S.ENDED}
# Whose next period is charged on its day.
RENEWS: Final = frozenset({_S.TRIALING, _S.ACTIVE, _S.CANCELLING})


class ExchangeState(StrEnum):
    """Unknown: the provider was asked for its page and nobody heard the answer. It is asked again, for the same one."""

    STARTED = "started"
    PENDING = "pending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


_E = ExchangeState

EXCHANGE_EDGES: Final[dict[tuple[str, str], str]] = {
    (_E.STARTED, _E.PENDING): "exchange.opened",
    (_E.STARTED, _E.UNKNOWN): "exchange.unknown",
    (_E.STARTED, _E.FAILED): "exchange.failed",
    (_E.UNKNOWN, _E.PENDING): "exchange.opened",
    (_E.UNKNOWN, _E.FAILED): "exchange.failed",
    (_E.PENDING, _E.DONE): "exchange.done",
    (_E.PENDING, _E.FAILED): "exchange.failed",
}

EXCHANGES: Final = Machine(
    "another way to pay for a subscription",
    table="subscription_exchanges",
    history_table="subscription_exchange_history",
    edges=EXCHANGE_EDGES,
)
