"""What six kinds of buyer are offered, and one of them while a provider is down: one table, over the plans that a new
shop starts from."""

from __future__ import annotations

from typing import Final

import pytest

from app.checkout.offering import Asked, Doors, nobody_can_pay, offering_for
from app.kernel import clock
from app.merchants.actions import NewMerchant, create_merchant
from app.merchants.queries import Merchant, forget_kept_merchants, merchant_by_id
from app.merchants.rules import MethodTerms
from app.merchants.ways import save_ways
from app.payments.methods import Buyer
from app.plans.actions import create_plan
from app.plans.rules import standard_plans
from tests.factories.wallets import switched

pytestmark = pytest.mark.usefixtures("db")

ALL: Final = Doors(live=False, providers=("card", "mobilepay"))
DOWN: Final = Doors(
    live=False, providers=("card", "mobilepay"), health={"mobilepay": "down", "card": "shaky"}
)


async def a_new_shop(country: str) -> Merchant:
    new = NewMerchant(
        name="Butik", country=country, contact_email="shop@butik.example", credit_limit_minor=5_000_000
    )
    merchant = await create_merchant(new, now=clock.wall())
    for plan in standard_plans(merchant.currency):
        await create_plan(merchant.id, plan, now=clock.wall())
    await switched(merchant, on=True)
    return await again(merchant)


async def again(merchant: Merchant) -> Merchant:
    forget_kept_merchants()
    found = await merchant_by_id(merchant.id)
    assert found is not None
    return found


async def offered(merchant: Merchant, buyer: Buyer, amount_minor: int, doors: Doors) -> tuple[str, str]:
    """What is shown, in order, and what is absent with its reason, each as one text."""
    today = merchant.local_date(clock.wall())
    offering = await offering_for(merchant, Asked(buyer, merchant.currency, amount_minor), doors, on=today)
    shown = " ".join(f"{each.method}!" if each.shaky else each.method for each in offering.shown)
    return shown, " ".join(f"{each.method}:{each.reason}" for each in offering.absent)


@pytest.mark.parametrize(
    ("country", "buyer", "amount_minor", "doors", "shown", "absent"),
    [
        ("FI", "consumer", 40_00, ALL, "wallet card mobilepay invoice", "instalments:below_minimum"),
        (
            "FI", "consumer", 4_000_00, ALL,
            "wallet card mobilepay", "invoice:above_maximum instalments:above_maximum",
        ),
        ("DK", "consumer", 1_000_00, ALL, "wallet card mobilepay invoice instalments", ""),
        ("SE", "consumer", 1_000_00, ALL, "wallet card invoice instalments", "mobilepay:not_in_country"),
        (
            "FI", "business", 150_00, ALL,
            "wallet card invoice", "mobilepay:not_for_buyer instalments:not_for_buyer",
        ),
        (
            "DK", "business", 40_000_00, ALL,
            "wallet card invoice", "mobilepay:not_for_buyer instalments:not_for_buyer",
        ),
        ("FI", "consumer", 150_00, DOWN, "wallet card! invoice instalments", "mobilepay:provider_down"),
    ],
)  # fmt: skip
async def test_six_kinds_of_buyer(
    country: str, buyer: Buyer, amount_minor: int, doors: Doors, shown: str, absent: str
) -> None:
    assert await offered(await a_new_shop(country), buyer, amount_minor, doors) == (shown, absent)


async def test_a_shop_says_which_ways_are_on_and_for_which_sums() -> None:
    merchant = await a_new_shop("FI")
    wanted = {"card": MethodTerms(is_on=False), "invoice": MethodTerms(max_minor=100_00)}
    await save_ways(merchant, wanted, 1_000_00, actor="staff:st_1", now=clock.wall())
    shown, absent = await offered(await again(merchant), "consumer", 150_00, ALL)
    assert shown == "wallet mobilepay instalments"
    assert absent == "card:switched_off invoice:above_maximum"


async def test_nobody_can_pay_where_every_way_is_off_and_no_sooner() -> None:
    merchant = await a_new_shop("FI")
    await switched(merchant, on=False)
    every = {way: MethodTerms(is_on=False) for way in ("card", "mobilepay", "instalments")}
    await save_ways(merchant, every, 0, actor="staff:st_1", now=clock.wall())

    async def stuck(doors: Doors) -> bool:
        shop = await again(merchant)
        return await nobody_can_pay(shop, "EUR", (150_00,), "consumer", clock.wall(), doors)

    assert not await stuck(ALL)
    every["invoice"] = MethodTerms(is_on=False)
    await save_ways(merchant, every, 0, actor="staff:st_1", now=clock.wall())
    assert await stuck(ALL)
