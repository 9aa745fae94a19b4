"""What the shop has changed since the shopper looked, and whether the plan they chose goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.checkout import shown
from app.extras.rules import shipping_line
from app.kernel.money import Money
from app.orders.queries import change_between
from app.orders.rules import LineChange, extras_of
from app.web.shared.forms import one_line
from app.web.shopper.offers import offers_for
from app.web.shopper.views import ChangedLineView, ChangedView

if TYPE_CHECKING:
    from app.checkout.queries import Flow
    from app.plans.quote import Quote
    from app.web.shopper.visit import Visit

# What a step asks for and nobody else knows: kept through the page that tells of a change.
_TYPED: Final = ("name", "email", "phone", "postcode", "street", "city")
_TYPED_LENGTH_MAX: Final = 254


def typed_in(values: Mapping[str, str]) -> dict[str, str]:
    """What was typed into the step before, as far as it may be kept."""
    found = {name: one_line(values.get(name, "")) for name in _TYPED}
    return {name: value for name, value in found.items() if value and len(value) <= _TYPED_LENGTH_MAX}


def version_in(text: str) -> int | None:
    """The version of an order that a page says it showed; None where it says none."""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text) else None


async def same_plan(visit: Visit) -> Quote | None:
    """The chosen way to pay for the sum as it is now, with what was chosen beside it; None where nothing is chosen, or
    where it does not go on like that.

    The wallet's part stays what it was, or is all of a sum that is smaller.
    """
    before = visit.flow.quote
    if before is None:
        return None
    part_minor = min(before.wallet_minor, visit.flow.total_minor)
    alone = before.method == "wallet" or part_minor == visit.flow.total_minor
    offers = await offers_for(visit.flow, visit.doors, visit.lang, wallet_minor=0 if alone else part_minor)
    if before.wallet_minor and not offers.wallet:
        return None
    if offers.extras.errors or offers.extras.added("wallet" if alone else before.method).lines != extras_of(
        visit.flow.lines
    ):
        # What was chosen beside it is another sum for these goods, or fits them no more: it is shown before it is paid.
        return None
    if alone:
        return offers.wallet_alone()
    return offers.again(before)


async def changed_view(visit: Visit, since: int, typed: Mapping[str, str]) -> ChangedView:
    """From version `since` to the present one."""
    flow = visit.flow
    change = await change_between(flow.merchant.id, flow.order_id, since, flow.version)
    delivery = _delivery_change(flow)
    return ChangedView(
        lines=[_line(flow, each) for each in (*change.lines, *delivery)],
        was=Money(change.before_minor, flow.currency),
        now=Money(flow.total_minor + sum(_more_minor(each) for each in delivery), flow.currency),
        parts=change.parts - {"lines", "note"},
        shown=shown.sign(flow),
        keeps_plan=await same_plan(visit) is not None,
        typed=typed_in(typed),
    )


def _delivery_change(flow: Flow) -> tuple[LineChange, ...]:
    """What became of the way to deliver that was chosen in this session. The order has it as it was until they choose
    anew."""
    if flow.extras_by != flow.session_id or flow.delivery_stands:
        return ()
    now = {option.id: shipping_line(option) for option in flow.shipping_options}
    return tuple(
        LineChange(line, now.get(line.sku or "")) for line in flow.lines if line.origin == "shipping"
    )


def _more_minor(change: LineChange) -> int:
    """What a change adds to the sum; below zero where it takes something off."""
    before, after = change.before, change.after
    return (after.total_minor if after else 0) - (before.total_minor if before else 0)


def _line(flow: Flow, change: LineChange) -> ChangedLineView:
    before, after = change.before, change.after
    line = after or before
    assert line is not None, "a change is of some line"
    view = ChangedLineView(
        name=line.name,
        quantity=line.quantity,
        was=None if before is None else Money(before.total_minor, flow.currency),
        now=None if after is None else Money(after.total_minor, flow.currency),
    )
    if before is None or after is None:
        return view
    return replace(
        view,
        name_was=before.name if before.name != after.name else None,
        quantity_was=before.quantity if before.quantity != after.quantity else None,
    )
