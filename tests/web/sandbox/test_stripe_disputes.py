"""Disputes at the sandbox's Stripe, as our card door reads them."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from app.kernel import clock
from app.kernel.money import Money
from app.payments.errors import ProviderRefused
from app.payments.ports import Dispute, DisputeStanding
from app.settings import Settings
from tests.support.sandbox_stripe import Sandbox, a_payment, a_sandbox, paid

SUM = Money(129_00, "EUR")


@pytest.fixture
def sandbox(settings: Settings) -> Sandbox:
    return a_sandbox(settings)


async def disputed(sandbox: Sandbox, **form: str) -> httpx.Response:
    async with sandbox.browser() as browser:
        address = f"{sandbox.branch.twin.address}/disputes"
        return await browser.post(address, data={"payment": "pay_1", **form})


async def the_dispute(sandbox: Sandbox) -> Dispute:
    [told] = await sandbox.cards.disputes(clock.wall() - timedelta(hours=1))
    return told


async def taken(sandbox: Sandbox) -> str:
    ref = await paid(sandbox, a_payment())
    await sandbox.cards.capture(ref, SUM, key="key-1")
    return ref


@pytest.mark.parametrize(
    ("outcome", "standing", "is_away"),
    [("won", DisputeStanding.WON, False), ("lost", DisputeStanding.LOST, True)],
)
async def test_a_dispute_takes_the_money_until_the_bank_decides(
    sandbox: Sandbox, outcome: str, standing: DisputeStanding, is_away: bool
) -> None:
    ref = await taken(sandbox)
    assert (await disputed(sandbox, reason="product_not_received")).status_code == 200
    told = await the_dispute(sandbox)
    assert (told.reference, told.amount_minor, told.currency) == ("pay_1", 129_00, "EUR")
    assert (told.standing, told.is_away, told.reason) == (DisputeStanding.OPEN, True, "not_received")
    assert told.answer_by is not None
    with pytest.raises(ProviderRefused, match="charge_disputed"):
        await sandbox.cards.refund(ref, SUM, key="key-2")
    assert (await disputed(sandbox, outcome=outcome)).status_code == 200
    told = await the_dispute(sandbox)
    assert (told.standing, told.is_away) == (standing, is_away)
    kinds = [event.type for event in sandbox.teller.events if event.type.startswith("charge.dispute")]
    assert kinds[:3] == ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]


async def test_only_what_was_taken_is_disputed_and_once(sandbox: Sandbox) -> None:
    assert (await disputed(sandbox)).status_code == 404
    ref = await paid(sandbox, a_payment())
    assert (await disputed(sandbox)).status_code == 400
    await sandbox.cards.capture(ref, SUM, key="key-1")
    assert (await disputed(sandbox, outcome="won")).status_code == 400
    assert (await disputed(sandbox, reason="bad mood")).status_code == 400
    assert (await disputed(sandbox)).status_code == 200
    assert (await disputed(sandbox)).status_code == 400
    assert len(await sandbox.cards.disputes(clock.wall() - timedelta(hours=1))) == 1
    assert await sandbox.cards.disputes(clock.wall() + timedelta(hours=1)) == ()
