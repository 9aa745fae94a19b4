"""The pages of a shop's own rules: the list, a new one, and one with what it would have done; and what is learnt."""

from __future__ import annotations

from typing import Final

import httpx

from e2e import admin_states, model_states, walks
from e2e.browsing import Phone
from e2e.stop import Stop
from e2e.world import World

RULES: Final = "/admin/settings/rules"
NAME: Final = "Dear orders"

_rules: Final[dict[str, str]] = {}


def _a_rule(world: World) -> str:
    """The address of a rule, once a world; somebody has bought what it fits."""
    if world.base_url not in _rules:
        typed = {"name": NAME, "outcome": "hold", "value": "10", "area": ", ".join("0123456789")}
        answer = httpx.post(
            f"{world.base_url}{RULES}/new",
            data=typed,
            cookies=world.staff_cookies(),
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code == 303, answer.text
        _rules[world.base_url] = answer.headers["location"].partition("?")[0]
    return _rules[world.base_url]


def rule_list(world: World) -> Stop:
    _a_rule(world)
    return Stop(RULES, world.staff_cookies())


def rule(world: World) -> Stop:
    """With the preview, which comes by itself."""
    walks.a_purchase(world, world.sandbox.shopper("returning"))

    def look(phone: Phone) -> None:
        phone.sees("The newest of them")

    return Stop(_a_rule(world), world.staff_cookies(), look)


ALL: Final = (
    ("admin-model", model_states.MODEL, model_states.with_a_model),
    ("admin-rules", RULES, rule_list),
    ("admin-rule-new", f"{RULES}/new", admin_states.page(f"{RULES}/new")),
    ("admin-rule", f"{RULES}/{{rule_id:str}}", rule),
)
