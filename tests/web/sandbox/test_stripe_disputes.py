"""Disputes at the sandbox's Stripe, as our card door reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from app.kernel import clock
from app.kernel.money import Money
from app.merchants.actions import create_api_key
from app.outside.card import StripeCards
from app.payments.errors import ProviderRefused
from app.payments.ports import Dispute, DisputeStanding
from app.settings import Settings
from tests.factories.checkout import a_merchant
from tests.factories.payments import a_paid_order
from tests.support.providers import FakeProvider
from tests.support.sandbox_stripe import Sandbox, a_payment, a_sandbox, paid, transport_to

SUM = Money(129_00, "EUR")


@dataclass(frozen=True, slots=True)
class Bank:
    """The sandbox, and whoever has a key to it."""

    sandbox: Sandbox
    key: str

    @property
    def cards(self) -> StripeCards:
        return self.sandbox.cards


@pytest.fixture
def bank(settings: Settings, merchant_and_key: tuple[object, str]) -> Bank:
    return Bank(a_sandbox(settings), merchant_and_key[1])


async def disputed(bank: Bank, **form: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bank.key}"}
    async with httpx.AsyncClient(transport=transport_to(bank.sandbox.app), headers=headers) as program:
        address = f"{bank.sandbox.branch.twin.address}/disputes"
        return await program.post(address, data={"payment": "pay_1", **form})


async def the_dispute(bank: Bank) -> Dispute:
    [told] = await bank.cards.disputes(clock.wall() - timedelta(hours=1))
    return told


async def taken(bank: Bank) -> str:
    ref = await paid(bank.sandbox, a_payment())
    await bank.cards.capture(ref, SUM, key="key-1")
    return ref


@pytest.mark.parametrize(
    ("outcome", "standing", "is_away"),
    [("won", DisputeStanding.WON, False), ("lost", DisputeStanding.LOST, True)],
)
async def test_a_dispute_takes_the_money_until_the_bank_decides(
    bank: Bank, outcome: str, standing: DisputeStanding, is_away: bool
) -> None:
    ref = await taken(bank)
    assert (await disputed(bank, reason="product_not_received")).status_code == 200
    told = await the_dispute(bank)
    assert (told.reference, told.amount_minor, told.currency) == ("pay_1", 129_00, "EUR")
    assert (told.standing, told.is_away, told.reason) == (DisputeStanding.OPEN, True, "not_received")
    assert told.answer_by is not None
    with pytest.raises(ProviderRefused, match="charge_disputed"):
        await bank.cards.refund(ref, SUM, key="key-2")
    assert (await disputed(bank, outcome=outcome)).status_code == 200
    told = await the_dispute(bank)
    assert (told.standing, told.is_away) == (standing, is_away)
    kinds = [event.type for event in bank.sandbox.teller.events if event.type.startswith("charge.dispute")]
    assert kinds[:3] == ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]


async def test_only_what_was_taken_is_disputed_and_once(bank: Bank) -> None:
    assert (await disputed(bank)).status_code == 404
    ref = await paid(bank.sandbox, a_payment())
    assert (await disputed(bank)).status_code == 400
    await bank.cards.capture(ref, SUM, key="key-1")
    assert (await disputed(bank, outcome="won")).status_code == 400
    assert (await disputed(bank, reason="bad mood")).status_code == 400
    assert (await disputed(bank)).status_code == 200
    assert (await disputed(bank)).status_code == 400
    assert len(await bank.cards.disputes(clock.wall() - timedelta(hours=1))) == 1
    assert await bank.cards.disputes(clock.wall() + timedelta(hours=1)) == ()


async def test_another_shops_payment_is_nobodys(bank: Bank) -> None:
    _, known = await a_paid_order(await a_merchant(), FakeProvider("card"))
    ref = await paid(bank.sandbox, a_payment(known.public_id))
    await bank.cards.capture(ref, SUM, key="key-1")
    assert (await disputed(bank, payment=known.public_id)).status_code == 404
    key = await create_api_key(known.merchant_id, "tests", mode="test", now=clock.wall())
    assert (await disputed(replace(bank, key=key), payment=known.public_id)).status_code == 200


async def test_only_whoever_has_a_key_disputes(bank: Bank) -> None:
    await taken(bank)
    for key in ("", "sk_test_" + "a" * 43):
        assert (await disputed(replace(bank, key=key))).status_code in {401, 403}
    assert await bank.cards.disputes(clock.wall() - timedelta(hours=1)) == ()
