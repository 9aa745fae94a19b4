"""Where a browser goes to see one page in one state. The table of all of them is `e2e/states.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from e2e.browsing import Phone


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a browser goes, with whose cookies, and what a hand does there before it is looked at."""

    path: str
    cookies: dict[str, str] = field(default_factory=dict)
    then: Callable[[Phone], None] | None = None
    status: int = 200
