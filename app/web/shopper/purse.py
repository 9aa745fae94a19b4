"""What the flow shows of the wallet, and which plans take what it leaves of the price."""

from __future__ import annotations

from collections.abc import Callable

from app.checkout.purse import WALLET, purse_of
from app.checkout.queries import Flow
from app.kernel.money import Money
from app.plans.quote import Method, Quote
from app.web.shopper.offers import DEFAULT_MONTHS, Offers, Wish, offers_for
from app.web.shopper.views import WalletView, WayView
from app.web.shopper.visit import Visit


def kinds_of(flow: Flow, offers: Offers) -> list[Method]:
    """The ways that take what the wallet leaves, the present one first, the others in lawful order."""
    present = flow.quote.method if flow.quote is not None else None
    return sorted(offers.beside_wallet, key=lambda kind: kind != present)


def on_plan(flow: Flow, offers: Offers, kind: Method, months: int | None = None) -> Quote:
    """The way to pay what the wallet leaves: as it was chosen before where it was, and with a length that is on
    offer."""
    if kind == "card" or kind == "mobilepay":  # noqa: PLR1714  narrows
        return offers.paid(kind)
    before = flow.quote if flow.quote is not None and flow.quote.method == kind else None
    if kind == "invoice":
        return offers.quote("invoice", delivery=before.delivery if before else "email")
    wished = months or (before.months if before else DEFAULT_MONTHS)
    term, _ = offers.term(Wish("instalments", months=wished))
    return offers.quote("instalments", months=term)


async def wallet_view(here: Visit) -> WalletView | None:
    """What step 3 says of the wallet; None where the shop has none, and where it is empty and nobody chose it."""
    flow = here.flow
    # What is charged again later cannot be: nobody knows what a wallet will hold then.
    quote, is_on = flow.quote, flow.merchant.has(WALLET) and not flow.begins_subscription
    assert quote is not None, "step 3 has a quote"
    if quote.for_company:
        return None
    taken = Money(quote.wallet_minor, flow.currency)
    if not (taken or (is_on and flow.wallet_minor)):
        return None
    free = await purse_of(flow) or Money(0, flow.currency)
    if not taken:
        way = await _way(here, min(free, flow.total), None)
        return WalletView("unused", free, taken, (way,)) if way is not None else None
    if flow.money_aside:
        return WalletView("aside", free, taken)
    if not is_on:
        return WalletView("off", free, taken)
    if free >= taken:
        way = await _way(here, taken, quote.method)
        return WalletView("again", free, taken, (way,) if way is not None else ())
    return WalletView("short", free, taken, await ways_with(here, free))


async def ways_with(
    here: Visit, part: Money, takes: Callable[[Quote], bool] = lambda _: True
) -> tuple[WayView, ...]:
    """Every plan that takes what is left of the price once the wallet has paid `part`."""
    if not part:
        return ()
    offers = await offers_for(here.flow, here.doors, here.lang, wallet_minor=part.amount_minor)
    quotes = (on_plan(here.flow, offers, kind) for kind in kinds_of(here.flow, offers))
    return tuple(_way_of(quote) for quote in quotes if takes(quote))


async def _way(here: Visit, part: Money, method: Method | None) -> WayView | None:
    """One tap for this part: the present plan for the rest, or else another one that takes it."""
    if not part:
        return None
    if part == here.flow.total:
        return WayView(part, part - part, "wallet")
    ways = await ways_with(here, part)
    return next((way for way in ways if method in {None, way.method}), None)


def _way_of(quote: Quote) -> WayView:
    def money(amount_minor: int) -> Money:
        return Money(amount_minor, quote.currency)

    return WayView(
        part=money(quote.wallet_minor),
        rest=money(quote.total_payable_minor + quote.paid_minor),
        method=quote.method,
        months=quote.months,
        monthly=money(quote.monthly_minor),
    )
