"""Shoppers with money in the wallet of a shop, on their way through the flow."""

from __future__ import annotations

from app.checkout import actions
from app.checkout.queries import Flow
from app.kernel import clock
from app.ledger.queries import Balance, balance
from app.ledger.rules import wallet_of
from app.merchants.queries import Merchant
from app.orders.rules import Line
from app.plans.queries import plans_of
from app.plans.quote import beside_wallet, make_quote, wallet_quote
from tests.factories.checkout import Shopper, a_merchant, a_session, an_identity
from tests.factories.wallets import a_customer, given, switched


async def a_shop_with_wallets(credit_limit_minor: int = 200_000) -> Merchant:
    """A shop whose wallet module is on."""
    return await switched(await a_merchant(credit_limit_minor=credit_limit_minor))


async def money_of_aino(merchant: Merchant, amount_minor: int) -> str:
    """Aino is a customer of the shop with this much in her wallet; her public id."""
    customer = await a_customer(merchant)
    if amount_minor:
        await given(merchant, customer, amount_minor)
    return customer


async def in_wallet(merchant: Merchant, customer: str) -> Balance:
    return await balance(merchant.id, wallet_of(customer), merchant.currency, await clock.business_now())


async def aino_identified(merchant: Merchant, *lines: Line, session: str | None = None) -> Shopper:
    """Aino on a session of hers, an invoice chosen, identified at the bank, nothing decided."""
    shopper = Shopper.at(session or await a_session(merchant, *lines))
    await shopper.choose()
    await shopper.return_from_bank(an_identity(subject="aino-virta"))
    return shopper


async def pay_all_from_wallet(shopper: Shopper) -> Flow:
    flow = await shopper.flow()
    quote = wallet_quote(
        flow.total_minor,
        flow.currency,
        flow.merchant.country,
        flow.merchant.local_date(flow.now),
        merchant=flow.merchant.public_id,
    )
    return await actions.choose_plan(flow, quote, shopper.browser, clock.wall())


async def pay_part_from_wallet(
    shopper: Shopper, wallet_minor: int, kind: str = "invoice", months: int = 0
) -> Flow:
    """The wallet pays a part, and a plan the rest."""
    flow = await shopper.flow()
    plan = next(plan for plan in await plans_of(flow.merchant.id) if plan.kind == kind)
    rest = make_quote(
        plan,
        flow.total_minor - wallet_minor,
        flow.currency,
        flow.merchant.country,
        flow.merchant.local_date(flow.now),
        months,
        merchant=flow.merchant.public_id,
    )
    return await actions.choose_plan(flow, beside_wallet(rest, wallet_minor), shopper.browser, clock.wall())
