"""The few headers of htmx that the product speaks. They mean the same in htmx 2 and in htmx 4."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Every step of the shopper's flow replaces this one element.
STEP: Final = "#step"


def wants_partial(headers: Mapping[str, str]) -> bool:
    """True when htmx asks for a piece of the page. A restore of history needs the whole page, like a reload."""
    return headers.get("hx-request") == "true" and headers.get("hx-history-restore-request") != "true"


def is_htmx(headers: Mapping[str, str]) -> bool:
    return headers.get("hx-request") == "true"


def lead_to(url: str, *, leave: bool) -> dict[str, str]:
    """Headers that take htmx to another address: ``leave`` loads the page, else the step is fetched and swapped in."""
    if leave:
        return {"HX-Redirect": url}
    return {"HX-Location": json.dumps({"path": url, "target": STEP, "swap": "outerHTML"}, ensure_ascii=True)}
