"""A link that many people pay by: what it is for, the sum and the reference that whoever pays types, and on to an order
of their own. Its address looks like that of any payment link; `link` asks here when no order answers to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Request, Response
from litestar.exceptions import NotFoundException

from app.checkout.actions import Arrival, pay_reusable
from app.checkout.errors import BrowserOver
from app.kernel import ids
from app.kernel.money import Money
from app.links.errors import LinkEnded, LinkPaused
from app.links.queries import LinkView
from app.links.reusable.actions import Press
from app.links.reusable.errors import Closed, FieldWrong, ReusableClosed, ReusableUnknown
from app.links.reusable.queries import ReusableView, reusable_by_token
from app.links.reusable.rules import reference_of, sum_of
from app.orders.actions import Contact
from app.orders.errors import OrderLocked, OrderRemoved
from app.web.shared import forms, rendering
from app.web.shared.client import client_address
from app.web.shared.forms import FieldError, Form
from app.web.shopper.details import read_details
from app.web.shopper.doorstep import Doorstep, at_door
from app.web.shopper.visit import keep_browser

if TYPE_CHECKING:
    from collections.abc import Mapping

# A receipt goes to whoever pays; what else is needed is asked when the plan is known.
_ASKED: Final = frozenset({"name", "email"})
_STATUSES: Final[dict[Closed, int]] = {"stopped": 410, "lapsed": 410, "used_up": 410}


@dataclass(frozen=True, slots=True)
class ReusableStart:
    """What the page shows: the sum where it is fixed, else the bounds of what may be typed; the reference where it is
    the same for all, else the words by which it is asked for (None for the plain word)."""

    url: str
    key: str
    title: str
    amount: Money | None
    least: Money | None
    most: Money | None
    reference: str | None
    reference_hint: str | None
    until: datetime | None
    zone: str
    support_email: str


@dataclass(frozen=True, slots=True)
class _Visit:
    door: Doorstep
    link: ReusableView

    def page(self, name: str, context: Mapping[str, object], *, status: int = 200) -> Response[str]:
        total = Money(self.link.amount_minor or 0, self.link.currency)
        return self.door.page(name, context, total, status=status)


async def show_reusable(request: Request[Any, Any, Any], token: str) -> Response[str]:
    """The page of a reusable link. Nothing is written."""
    here = await _visit(request, token)
    why = here.link.closed(here.door.now)
    return _closed(here, why) if why is not None else _start(here, Form())


async def press_reusable(request: Request[Any, Any, Any], token: str) -> Response[str]:
    """The press: an order of this person's own, a session on it, and on to its first step."""
    here = await _visit(request, token)
    form = forms.parse(await request.body())
    read = _read(here, form)
    if isinstance(read, Form):
        return _start(here, read, status=422)

    def arrival(own: LinkView) -> Arrival:
        return Arrival(
            here.door.browser,
            here.door.wall,
            here.door.lang,
            own.url(here.door.house.settings.base_url),
            read.contact,
            address=read.press.address,
        )

    try:
        session = await pay_reusable(here.link, read.press, arrival, here.door.now)
    except ReusableClosed as closed:
        return _closed(here, closed.why)
    except (ReusableUnknown, OrderLocked, OrderRemoved, LinkPaused, LinkEnded, BrowserOver):
        # The same press came late: what it made has ended meanwhile. The page begins anew.
        return rendering.redirect(request, f"/link/{token}")
    response = rendering.redirect(request, f"/pay/{session}")
    keep_browser(response, here.door.browser, here.door.house, here.door.wall)
    return response


@dataclass(frozen=True, slots=True)
class _Read:
    press: Press
    contact: Contact


def _read(here: _Visit, form: Form) -> _Read | Form:
    """What was typed, or the form with everything that is wrong in it. A reference that holds the number of a card is
    not shown again."""
    link, errors, values = here.link, dict[str, FieldError](), dict(form.values)
    amount, reference = link.amount_minor or 0, link.reference or ""
    if link.amount_minor is None:
        try:
            amount = sum_of(
                form.value("amount"), "amount", least=link.min_minor or 1, most=link.max_minor or 1
            )
        except FieldWrong as wrong:
            errors["amount"] = _error(wrong, link.currency)
    if link.reference is None:
        try:
            reference = reference_of(form.value("reference"))
        except FieldWrong as wrong:
            errors["reference"] = _error(wrong, link.currency)
            if wrong.reason == "card_number":
                values["reference"] = ""
    details, wrong_details = read_details(form, _ASKED, link.country)
    errors |= wrong_details
    if errors:
        return Form(values, errors)
    press = Press(
        _key(form.value("key")),
        amount,
        reference,
        client_address(here.door.request, here.door.house.settings.trusted_proxies),
        here.door.wall,
    )
    return _Read(press, Contact(**details))


def _error(wrong: FieldWrong, currency: str) -> FieldError:
    bound = wrong.data.get("amount_minor")
    return FieldError(wrong.reason, {} if bound is None else {"bound": Money(bound, currency)})


def _start(here: _Visit, form: Form, *, status: int = 200) -> Response[str]:
    link = here.link

    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, link.currency)

    view = ReusableStart(
        url=f"/link/{link.token}",
        # A form that comes back is the same sending still.
        key=str(_key(form.value("key"))),
        title=link.title,
        amount=money(link.amount_minor),
        least=money(link.min_minor),
        most=money(link.max_minor),
        reference=link.reference,
        reference_hint=link.reference_hint,
        until=link.expires_at,
        zone=here.door.merchant.time_zone,
        support_email=here.door.merchant.contact_email,
    )
    return here.page("reusable", {"start": view, "form": form}, status=status)


def _closed(here: _Visit, why: Closed) -> Response[str]:
    context = {"why": why, "title": here.link.title, "support_email": here.door.merchant.contact_email}
    return here.page("reusable_closed", context, status=_STATUSES[why])


async def _visit(request: Request[Any, Any, Any], token: str) -> _Visit:
    """An unknown or malformed address is 404, the same bytes."""
    link = await reusable_by_token(token)
    if link is None:
        raise NotFoundException
    return _Visit(await at_door(request, link.merchant_id), link)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return ids.internal_id()
