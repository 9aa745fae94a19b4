"""A passkey is saved after the bank, identifies in the next purchase, and is removed; and whoever must not, cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.checkout import actions
from app.checkout.errors import StepNotReached
from app.checkout.policy import code_is_enough, passkey_is_enough
from app.checkout.steps import Progress
from app.identity.errors import PasskeyRefused, PasskeyUnknown
from app.identity.passkeys import CHALLENGES_PER_SESSION_AN_HOUR
from app.identity.queries import passkeys_of
from app.kernel import clock, db
from app.kernel.jobs import Now
from app.kernel.limits import LimitReached
from app.privacy import retention
from tests.factories.checkout import Shopper, a_known_person, a_line, a_merchant, a_session, an_identity
from tests.factories.passkeys import (
    PARTY,
    a_bank_customer,
    a_saved_passkey,
    a_shopper_at_identify,
    answer,
    asked,
    erase,
    save,
    save_answer,
    use,
)
from tests.support.authenticator import Device, unb64
from tests.support.lost_answers import lose_the_next_answer

pytestmark = pytest.mark.usefixtures("db")


async def reason_of(shopper: Shopper, device: Device) -> str:
    with pytest.raises(PasskeyRefused) as refused:
        await use(shopper, device)
    return refused.value.reason


async def test_the_second_purchase_needs_neither_code_nor_bank() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    await use(shopper, device)
    flow = await shopper.flow()
    assert (flow.progress, flow.identified_by) == (Progress.IDENTIFIED, "passkey")
    assert flow.customer is not None
    assert flow.customer.name == "Aino Virta"
    await shopper.be_decided()
    assert (await shopper.confirm()).order_state == "paid"


async def test_the_browser_gets_a_new_secret_and_the_old_one_is_worth_nothing() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    planted = Shopper(shopper.session, shopper.browser)
    await use(shopper, device)
    assert (await planted.flow()).progress is Progress.ELSEWHERE


async def test_each_device_has_a_passkey_of_its_own_and_one_that_is_removed_opens_nothing() -> None:
    merchant = await a_merchant()
    phone, laptop = await a_saved_passkey(merchant), await a_saved_passkey(merchant)
    shopper = await a_bank_customer(merchant)
    customer = (await shopper.flow()).customer
    assert customer is not None
    rows = await passkeys_of(customer.id)
    assert [row.device for row in rows] == ["android", "android"]
    assert phone.user_handle == laptop.user_handle, "a device keeps one entry for us"

    await actions.remove_passkey(await shopper.flow(), rows[0].public_id)
    await actions.remove_passkey(await shopper.flow(), rows[0].public_id)

    assert len(await passkeys_of(customer.id)) == (await shopper.flow()).passkeys == 1
    assert await reason_of(await a_shopper_at_identify(merchant), phone) == "unknown"
    await use(await a_shopper_at_identify(merchant), laptop)
    trail = await db.fetch_all("SELECT action FROM audit_log WHERE action LIKE 'passkey%' ORDER BY id")
    assert [row["action"] for row in trail] == ["passkey.saved", "passkey.saved", "passkey.removed"]


async def test_nobody_removes_the_passkey_of_another() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    public_id = await db.fetch_value("SELECT public_id FROM passkeys")
    other = await a_bank_customer(merchant, an_identity("eero", "Eero Salo"))
    for name in (public_id, "pk_nothing", ""):
        with pytest.raises(PasskeyUnknown):
            await actions.remove_passkey(await other.flow(), name)
    with pytest.raises(StepNotReached):
        await actions.remove_passkey(await (await a_shopper_at_identify(merchant)).flow(), public_id)
    await use(await a_shopper_at_identify(merchant), device)


async def test_the_user_handle_is_random_and_says_nothing_of_the_person() -> None:
    shopper = await a_bank_customer(await a_merchant())
    flow = await shopper.flow()
    one = await actions.ask_to_save(flow, PARTY, clock.wall())
    other = await actions.ask_to_save(flow, PARTY, clock.wall())
    handles = [unb64(str(options["user"]["id"])) for options in (one, other)]  # type: ignore[index]
    assert handles[0] != handles[1]
    assert [len(handle) for handle in handles] == [32, 32]


async def test_whoever_was_identified_by_a_code_alone_saves_no_passkey() -> None:
    """A stolen SIM must not become a key for good."""
    await a_known_person()
    shopper = await a_shopper_at_identify(await a_merchant())
    await shopper.type_code(await shopper.ask_code())
    assert (await shopper.flow()).identified
    with pytest.raises(StepNotReached):
        await save(shopper, Device())


async def test_a_passkey_is_saved_while_the_identification_is_fresh() -> None:
    shopper = await a_bank_customer(await a_merchant())
    await db.in_tx(lambda: clock.set_offset_s(31 * 60))
    with pytest.raises(StepNotReached):
        await save(shopper, Device())


async def test_another_browser_saves_no_passkey_in_the_session_of_somebody_identified() -> None:
    shopper = await a_bank_customer(await a_merchant())
    with pytest.raises(StepNotReached):
        await save(Shopper.at(shopper.session), Device())


async def test_what_a_device_made_is_saved_once() -> None:
    merchant = await a_merchant()
    device = Device()
    await save(await a_bank_customer(merchant), device)
    for identity in (None, an_identity("eero", "Eero Salo")):
        with pytest.raises(PasskeyRefused, match="saved_before"):
            await save(await a_bank_customer(merchant, identity), device.twin())
    await use(await a_shopper_at_identify(merchant), device)


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (Device(origin="https://kolme.evil.example"), "unproved"),
        (Device(rp_id="evil.example"), "unproved"),
        (Device(verifies=False), "unverified"),
    ],
)
async def test_a_passkey_that_does_not_prove_itself_is_not_saved(device: Device, reason: str) -> None:
    shopper = await a_bank_customer(await a_merchant())
    with pytest.raises(PasskeyRefused, match=reason):
        await save(shopper, device)
    assert await db.fetch_value("SELECT count(*) FROM passkeys") == 0


async def test_a_passkey_is_saved_for_the_challenge_of_its_own_session_once() -> None:
    merchant = await a_merchant()
    here, there = await a_bank_customer(merchant), await a_bank_customer(merchant)
    options = await actions.ask_to_save(await there.flow(), PARTY, clock.wall())
    text = Device().make(options)
    with pytest.raises(PasskeyRefused, match="stale"):
        await save_answer(here, text)
    await save_answer(there, text)
    with pytest.raises(PasskeyRefused, match="stale"):
        await save_answer(there, text)


async def test_a_customer_has_ten_passkeys_at_most() -> None:
    merchant = await a_merchant()
    shopper = await a_bank_customer(merchant)
    for _ in range(10):
        await save(shopper, Device())
    with pytest.raises(PasskeyRefused, match="too_many"):
        await save(shopper, Device())


async def test_a_session_gives_out_so_many_challenges_and_no_more() -> None:
    shopper = await a_shopper_at_identify(await a_merchant())
    for _ in range(CHALLENGES_PER_SESSION_AN_HOUR):
        await asked(shopper)
    with pytest.raises(LimitReached):
        await asked(shopper)


# --- What a merchant says. ---


async def test_above_the_merchants_sum_a_code_is_not_enough_and_a_passkey_is() -> None:
    merchant = await a_merchant(code_alone_max_minor=100_00)
    flow = await Shopper.at(await a_session(merchant, a_line(price="100.01"))).flow()
    assert (code_is_enough(flow), passkey_is_enough(flow)) == (False, True)
    flow = await Shopper.at(await a_session(merchant, a_line(price="100.00"))).flow()
    assert (code_is_enough(flow), passkey_is_enough(flow)) == (True, True)


async def test_a_merchant_who_wants_the_bank_itself_takes_no_passkey() -> None:
    merchant = await a_merchant(passkey_counts=False)
    flow = await Shopper.at(await a_session(merchant)).flow()
    assert (code_is_enough(flow), passkey_is_enough(flow)) == (True, False)


async def test_a_merchant_who_is_the_creditor_recognises_its_own_customers_alone() -> None:
    device = await a_saved_passkey(await a_merchant())
    own = await a_merchant("Puro", creditor="merchant")
    assert await reason_of(await a_shopper_at_identify(own), device) == "stranger_here"

    buyer = await a_bank_customer(own)
    await buyer.be_decided()
    await buyer.confirm()

    await use(await a_shopper_at_identify(own), device)


# --- What a lost answer, time and forgetting do. ---


async def test_an_answer_that_landed_identifies_though_nobody_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    text = device.sign(await asked(shopper))
    lose_the_next_answer(monkeypatch)
    await answer(shopper, text)
    assert (await shopper.flow()).progress is Progress.IDENTIFIED


async def test_a_passkey_whose_saving_landed_is_saved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = await a_bank_customer(await a_merchant())
    text = Device().make(await actions.ask_to_save(await shopper.flow(), PARTY, clock.wall()))
    lose_the_next_answer(monkeypatch)
    await save_answer(shopper, text)
    assert (await shopper.flow()).passkeys == 1


async def test_a_phone_that_a_code_has_proved_here_becomes_the_passkey_holders() -> None:
    merchant = await a_merchant()
    device = await a_saved_passkey(merchant)
    shopper = await a_shopper_at_identify(merchant)
    code = await shopper.ask_code("+358480000177", "33100")
    assert (await shopper.type_code(code)).outcome == "needs_bank"
    await use(shopper, device)
    customer = (await shopper.flow()).customer
    assert customer is not None
    assert (customer.phone, customer.postcode) == ("+358480000177", "33100")


async def test_challenges_go_after_a_day_removed_passkeys_after_thirty_and_those_of_the_erased_at_once() -> (
    None
):
    merchant = await a_merchant()
    await a_saved_passkey(merchant)
    await a_saved_passkey(merchant, identity=an_identity("eero", "Eero Salo"))
    shopper = await a_bank_customer(merchant)
    await actions.remove_passkey(await shopper.flow(), await db.fetch_value("SELECT public_id FROM passkeys"))

    async def left(days: float) -> tuple[int, int]:
        later = Now(clock.wall() + timedelta(days=days), clock.wall() + timedelta(days=days))
        await retention.forget_challenges(later)
        await retention.forget_passkeys(later)
        counts = await db.fetch_one(
            "SELECT (SELECT count(*) FROM passkey_challenges), (SELECT count(*) FROM passkeys)"
        )
        assert counts is not None
        return counts[0], counts[1]

    assert await left(0.9) == (2, 2)
    assert await left(1.1) == (0, 2)
    assert await left(30.1) == (0, 1)
    await erase("Eero Salo")
    assert await left(0) == (0, 0)
