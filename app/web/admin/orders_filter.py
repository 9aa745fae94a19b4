"""Which orders a list shows, as its address says it: every filter is a parameter, so a list can be kept and sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from app.kernel import typed
from app.kernel.money import MAX_AMOUNT_MINOR
from app.orders.lists import WORDS_LENGTH_MAX, Buyer, Wanted
from app.orders.states import OrderState
from app.web.shared.forms import FieldError, Form

# The parameters, in the order that an address has them. `from` and `to` are local dates of the shop, both included.
NAMES: Final = ("q", "state", "buyer", "link", "from", "to", "min", "max")
# Those that fold away while nobody uses them.
FOLDED: Final = ("buyer", "link", "from", "to", "min", "max")
_BUYERS: Final[Mapping[str, Buyer]] = {"consumer": "consumer", "business": "business"}
_CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "state": frozenset(OrderState),
    "buyer": frozenset(_BUYERS),
    "link": frozenset({"yes", "no"}),
}
_LENGTH_MAX: Final = 30


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What was asked for. `form` holds it as it was typed, with what is wrong; what is wrong narrows nothing."""

    form: Form
    wanted: Wanted

    @property
    def query(self) -> dict[str, str]:
        """The parameters that narrow, for an address that shows the same list."""
        return {name: self.form.value(name) for name in NAMES if self.form.value(name)}

    @property
    def unfolded(self) -> bool:
        return any(self.form.value(name) for name in FOLDED)

    def url(self, path: str, cursor: str = "") -> str:
        query = self.query | ({"cursor": cursor} if cursor else {})
        return f"{path}?{urlencode(query)}" if query else path


def filter_of(given: Mapping[str, str], time_zone: str) -> OrderFilter:
    """The filter of an address. A choice that does not exist is left out; a date or sum that is none is told."""
    values = {name: typed.one_line(typed.clean(given.get(name, "")))[:_LENGTH_MAX] for name in NAMES}
    values["q"] = typed.one_line(typed.clean(given.get("q", "")))[:WORDS_LENGTH_MAX]
    for name, choices in _CHOICES.items():
        values[name] = values[name] if values[name] in choices else ""
    since, before = _midnight(values["from"], time_zone), _midnight(values["to"], time_zone, days=1)
    lowest, highest = _sum(values["min"]), _sum(values["max"])
    read = {"from": since, "to": before, "min": lowest, "max": highest}
    wrong = {name: _fault(name) for name, value in read.items() if values[name] and value is None}
    if since is not None and before is not None and before <= since:
        wrong["to"] = FieldError("order")
    if lowest is not None and highest is not None and highest < lowest:
        wrong["max"] = FieldError("order")
    wanted = Wanted(
        words=values["q"] or None,
        state=OrderState(values["state"]) if values["state"] else None,
        buyer=_BUYERS.get(values["buyer"]),
        since=since,
        before=None if "to" in wrong else before,
        min_minor=lowest,
        max_minor=None if "max" in wrong else highest,
        has_link={"yes": True, "no": False}.get(values["link"]),
    )
    return OrderFilter(Form(values).refused(**wrong), wanted)


def _fault(name: str) -> FieldError:
    return FieldError("date" if name in {"from", "to"} else "sum")


def _midnight(text: str, time_zone: str, *, days: int = 0) -> datetime | None:
    """When the day begins in the shop's country, or a day after it. A day that is none in UTC is none here."""
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return datetime.combine(day, time.min, ZoneInfo(time_zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _sum(text: str) -> int | None:
    minor = typed.amount_minor(text)
    return minor if minor is not None and 0 <= minor <= MAX_AMOUNT_MINOR else None
