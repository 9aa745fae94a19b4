"""The rows of the OpenAPI document about subscriptions and their plans."""

from __future__ import annotations

from typing import Final

from app.subscriptions.states import SubscriptionState
from app.web.api import schemas
from app.web.api import schemas_subscriptions as shapes
from app.web.api.openapi_parts import CURSOR, IDEMPOTENCY_KEY, LIMIT, Operation, Parameter, id_parameter

_STATE: Final[Parameter] = {
    "name": "state",
    "in": "query",
    "description": "Only subscriptions in this state.",
    "schema": {"type": "string", "enum": [state.value for state in SubscriptionState]},
}

SUBSCRIPTIONS: Final = (
    Operation(
        "post",
        "/api/v1/subscription-plans",
        "makeSubscriptionPlan",
        "Make a plan that renews by itself. What it asks for is kept for whoever agrees to it.",
        parameters=(IDEMPOTENCY_KEY,),
        body=shapes.NewSubscriptionPlan,
        status=201,
        answer=shapes.SubscriptionPlan,
        refusals=(409, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/subscription-plans",
        "listSubscriptionPlans",
        "Plans, newest first.",
        parameters=(LIMIT, CURSOR),
        answer=shapes.SubscriptionPlanList,
    ),
    Operation(
        "post",
        "/api/v1/subscription-plans/{plan_id}/end",
        "endSubscriptionPlan",
        "Take nobody new on a plan; who has it keeps it.",
        parameters=(id_parameter("plan_id", "spl"), IDEMPOTENCY_KEY),
        body=schemas.Nothing,
        body_required=False,
        answer=shapes.SubscriptionPlan,
        refusals=(404, 409, 413, 415, 422),
    ),
    Operation(
        "get",
        "/api/v1/subscriptions",
        "listSubscriptions",
        "Subscriptions, newest first.",
        parameters=(LIMIT, CURSOR, _STATE),
        answer=shapes.SubscriptionList,
    ),
    Operation(
        "get",
        "/api/v1/subscriptions/{subscription_id}",
        "readSubscription",
        "A subscription as it stands now.",
        parameters=(id_parameter("subscription_id", "sub"),),
        answer=shapes.Subscription,
        refusals=(404,),
    ),
    Operation(
        "post",
        "/api/v1/subscriptions/{subscription_id}/cancel",
        "cancelSubscription",
        "Cancel a subscription: it ends after its notice and its least time, with a period that is paid.",
        parameters=(id_parameter("subscription_id", "sub"), IDEMPOTENCY_KEY),
        body=schemas.Nothing,
        body_required=False,
        answer=shapes.Subscription,
        refusals=(404, 409, 413, 415, 422),
    ),
)
