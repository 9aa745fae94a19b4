"""What the rows of the OpenAPI document are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Parameter = dict[str, object]
Schema = dict[str, object]

LIMIT: Final[Parameter] = {
    "name": "limit",
    "in": "query",
    "description": "How many at most.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
}
CURSOR: Final[Parameter] = {
    "name": "cursor",
    "in": "query",
    "description": "`next_cursor` of the page before.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
IDEMPOTENCY_KEY: Final[Parameter] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body get the same answer; the work is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
}


def id_parameter(name: str, prefix: str) -> Parameter:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"},
    }


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `refusals` are the statuses beside 401, and beside 400 for what cannot be read at all."""

    method: Literal["get", "post", "put", "patch", "delete"]
    path: str
    name: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: type | None = None
    body_required: bool = True
    status: int = 200
    answer: type | None = None
    # A file of this type, where the answer is no JSON.
    file: str | None = None
    refusals: tuple[int, ...] = ()
