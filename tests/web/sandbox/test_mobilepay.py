"""The adapter and the sandbox's MobilePay: two readings of the same documents, checked against each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.kernel.money import Money
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import NewCharge, Standing
from app.settings import Settings
from app.web.sandbox import mobilepay_calls
from tests.support.sandbox_mobilepay import Sandbox, a_payment, a_sandbox

ALL = Money(12_345, "EUR")


@pytest.fixture
def sandbox(settings: Settings) -> Sandbox:
    return a_sandbox(settings)


async def test_a_payment_that_its_person_approves_is_authorised_and_then_captured(sandbox: Sandbox) -> None:
    new = a_payment()
    opened = await sandbox.mobilepay.create(new)
    waiting = await sandbox.mobilepay.get(opened.provider_ref)
    back = await sandbox.answer(opened.url, "approve")
    authorised = await sandbox.mobilepay.get(opened.provider_ref)
    captured = await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")

    assert waiting.standing is Standing.PENDING
    assert (waiting.reference, waiting.authorised_minor, waiting.currency) == (new.reference, 0, "EUR")
    assert (back.status_code, back.headers["location"]) == (303, new.return_url)
    assert (authorised.standing, authorised.authorised_minor) == (Standing.AUTHORISED, 12_345)
    assert (captured.standing, captured.captured_minor) == (Standing.AUTHORISED, 12_345)
    assert sandbox.book.names() == ["AUTHORIZED", "CAPTURED"]


@pytest.mark.parametrize(
    ("answer", "standing", "name"),
    [("reject", Standing.CANCELLED, "ABORTED"), ("expire", Standing.EXPIRED, "EXPIRED")],
)
async def test_a_payment_that_nobody_approves_takes_nothing(
    sandbox: Sandbox, answer: str, standing: Standing, name: str
) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, answer)
    found = await sandbox.mobilepay.get(opened.provider_ref)
    with pytest.raises(ProviderRefused):
        await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")

    assert (found.standing, found.authorised_minor) == (standing, 0)
    assert sandbox.book.names() == [name]


async def test_opening_again_with_the_same_key_finds_the_same_payment(sandbox: Sandbox) -> None:
    first = await sandbox.mobilepay.create(a_payment())
    assert await sandbox.mobilepay.create(a_payment()) == first


async def test_a_reference_opened_before_under_another_key_is_found_when_the_sum_is_the_same(
    sandbox: Sandbox,
) -> None:
    first = await sandbox.mobilepay.create(a_payment())
    assert await sandbox.mobilepay.create(a_payment(key="another-key")) == first
    with pytest.raises(ProviderRefused, match="reference_taken"):
        await sandbox.mobilepay.create(a_payment(key="a-third-key", amount=Money(1, "EUR")))


async def test_capturing_again_with_the_same_key_takes_nothing_more(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, "approve")
    part = Money(5_000, "EUR")
    await sandbox.mobilepay.capture(opened.provider_ref, part, key="capture-key-1")
    again = await sandbox.mobilepay.capture(opened.provider_ref, part, key="capture-key-1")
    other = await sandbox.mobilepay.capture(opened.provider_ref, part, key="capture-key-2")

    assert (again.captured_minor, other.captured_minor) == (5_000, 10_000)
    with pytest.raises(ProviderRefused):
        await sandbox.mobilepay.capture(opened.provider_ref, part, key="capture-key-3")


async def test_a_capture_whose_answer_was_lost_is_found_by_asking(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, "approve-lost")
    with pytest.raises(ProviderUnreachable, match="status"):
        await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")

    assert (await sandbox.mobilepay.get(opened.provider_ref)).captured_minor == 12_345
    again = await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")
    assert again.captured_minor == 12_345


async def test_an_answer_that_comes_late_is_an_answer_and_the_one_after_it_is_in_time(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []

    async def take_time() -> None:
        waits.append("late")

    monkeypatch.setattr(mobilepay_calls, "take_time", take_time)
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, "approve-slow")
    late = await sandbox.mobilepay.capture(opened.provider_ref, Money(1, "EUR"), key="capture-key-1")
    next_one = await sandbox.mobilepay.capture(opened.provider_ref, Money(1, "EUR"), key="capture-key-2")

    assert (late.captured_minor, next_one.captured_minor) == (1, 2)
    assert waits == ["late"]


async def test_letting_go_of_an_authorised_payment_leaves_nothing_to_capture(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, "approve")
    gone = await sandbox.mobilepay.cancel(opened.provider_ref, key="cancel-key-1")
    again = await sandbox.mobilepay.cancel(opened.provider_ref, key="cancel-key-2")

    assert (gone.standing, gone.cancelled_minor) == (Standing.CANCELLED, 12_345)
    assert again == gone
    with pytest.raises(ProviderRefused):
        await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")


async def test_letting_go_before_anybody_answered_ends_it_for_the_phone_too(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    gone = await sandbox.mobilepay.cancel(opened.provider_ref, key="cancel-key-1")
    late = await sandbox.answer(opened.url, "approve")

    assert gone.standing is Standing.CANCELLED
    assert late.status_code == 200
    assert "The shop has withdrawn this payment." in late.text
    assert (await sandbox.mobilepay.get(opened.provider_ref)).authorised_minor == 0


async def test_what_is_captured_in_part_can_be_let_go_of_for_the_rest(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, "approve")
    await sandbox.mobilepay.capture(opened.provider_ref, Money(345, "EUR"), key="capture-key-1")
    rest = await sandbox.mobilepay.cancel(opened.provider_ref, key="cancel-key-1")

    assert rest.standing is Standing.AUTHORISED
    assert (rest.captured_minor, rest.cancelled_minor) == (345, 12_000)


async def test_a_refund_gives_back_once_a_key_and_never_more_than_was_taken(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment())
    await sandbox.answer(opened.url, "approve")
    await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")
    part = Money(10_000, "EUR")
    for _ in range(2):
        refunded = await sandbox.mobilepay.refund(opened.provider_ref, part, key="refund-key-1")
        assert (refunded.amount, refunded.done) == (part, True)
    with pytest.raises(ProviderRefused):
        await sandbox.mobilepay.refund(opened.provider_ref, part, key="refund-key-2")

    assert (await sandbox.mobilepay.get(opened.provider_ref)).refunded_minor == 10_000


async def test_a_desk_shows_a_code_and_the_phone_that_reads_it_is_not_sent_anywhere(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment(way="qr"))
    assert opened.qr_url is not None
    answered = await sandbox.answer(opened.qr_url, "approve")
    picture = await sandbox.look(f"{sandbox.twin.address}/qr/{opened.provider_ref}.svg")

    assert answered.status_code == 200
    assert "You have approved this payment." in answered.text
    assert picture.headers["content-type"].startswith("image/svg+xml")
    assert (await sandbox.mobilepay.get(opened.provider_ref)).standing is Standing.AUTHORISED


async def test_a_probe_finds_the_twin_well(sandbox: Sandbox) -> None:
    await sandbox.mobilepay.probe()


async def test_kronor_of_sweden_are_refused_before_anything_is_sent(sandbox: Sandbox) -> None:
    with pytest.raises(ProviderRefused, match="currency"):
        await sandbox.mobilepay.create(a_payment(amount=Money(100, "SEK")))


async def test_danish_kroner_are_paid_as_euros_are(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment(amount=Money(9_900, "DKK"), country="DK"))
    await sandbox.answer(opened.url, "approve")
    assert (await sandbox.mobilepay.get(opened.provider_ref)).currency == "DKK"


async def test_a_saved_payment_is_an_agreement_with_its_first_charge(sandbox: Sandbox) -> None:
    opened = await sandbox.mobilepay.create(a_payment(save=True))
    waiting = await sandbox.mobilepay.get(opened.provider_ref)
    await sandbox.answer(opened.url, "approve")
    authorised = await sandbox.mobilepay.get(opened.provider_ref)
    captured = await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")

    assert waiting.standing is Standing.PENDING
    assert (authorised.standing, authorised.authorised_minor) == (Standing.AUTHORISED, 12_345)
    assert authorised.reference == a_payment().reference
    assert captured.captured_minor == 12_345
    assert captured.saved is not None
    assert captured.saved.label == "MobilePay"
    assert sandbox.book.names() == [
        "recurring.agreement-activated.v1",
        "recurring.charge-reserved.v1",
        "recurring.charge-captured.v1",
    ]


async def a_saved_method(sandbox: Sandbox, answer: str = "approve") -> str:
    opened = await sandbox.mobilepay.create(a_payment(save=True))
    await sandbox.answer(opened.url, answer)
    captured = await sandbox.mobilepay.capture(opened.provider_ref, ALL, key="capture-key-1")
    assert captured.saved is not None
    return captured.saved.token


def a_charge(token: str, number: int = 1) -> NewCharge:
    return NewCharge(
        key=f"charge-key-{number}",
        reference=f"pay_later{number}",
        amount=Money(990, "EUR"),
        description="March",
        token=token,
    )


async def test_a_later_charge_is_captured_at_once_and_once_a_key(sandbox: Sandbox) -> None:
    token = await a_saved_method(sandbox)
    first = await sandbox.mobilepay.charge(a_charge(token))
    again = await sandbox.mobilepay.charge(a_charge(token))

    assert (first.standing, first.captured_minor, first.reference) == (
        Standing.AUTHORISED,
        990,
        "pay_later1",
    )
    assert again == first
    refunded = await sandbox.mobilepay.refund(first.provider_ref, Money(990, "EUR"), key="refund-key-1")
    assert refunded.amount == Money(990, "EUR")
    assert (await sandbox.mobilepay.get(first.provider_ref)).refunded_minor == 990


async def test_a_later_charge_that_is_declined_has_failed_and_took_nothing(sandbox: Sandbox) -> None:
    token = await a_saved_method(sandbox, "approve-declined")
    declined = await sandbox.mobilepay.charge(a_charge(token))

    assert (declined.standing, declined.failure) == (Standing.FAILED, "declined")
    assert (declined.authorised_minor, declined.captured_minor) == (0, 0)


async def test_a_later_charge_whose_answer_was_lost_is_found_with_the_same_key(sandbox: Sandbox) -> None:
    token = await a_saved_method(sandbox, "approve-later-lost")
    with pytest.raises(ProviderUnreachable):
        await sandbox.mobilepay.charge(a_charge(token))
    assert (await sandbox.mobilepay.charge(a_charge(token))).captured_minor == 990


async def test_a_charge_made_before_under_another_key_is_found_when_the_sum_is_the_same(
    sandbox: Sandbox,
) -> None:
    token = await a_saved_method(sandbox)
    first = await sandbox.mobilepay.charge(a_charge(token))
    again = replace(a_charge(token), key="another-key")
    assert await sandbox.mobilepay.charge(again) == first
    with pytest.raises(ProviderRefused, match="reference_taken"):
        await sandbox.mobilepay.charge(replace(again, key="a-third-key", amount=Money(1, "EUR")))


async def test_an_agreement_that_its_person_ended_is_a_charge_that_fails(sandbox: Sandbox) -> None:
    token = await a_saved_method(sandbox)
    await sandbox.answer(f"{sandbox.twin.address}/agree/{token}", "stop")
    assert (await sandbox.mobilepay.charge(a_charge(token))).failure == "declined"


async def test_a_token_that_we_forget_can_charge_nothing_more(sandbox: Sandbox) -> None:
    token = await a_saved_method(sandbox)
    await sandbox.mobilepay.forget(token, key="forget-key-1")
    await sandbox.mobilepay.forget(token, key="forget-key-2")

    assert (await sandbox.mobilepay.charge(a_charge(token))).standing is Standing.FAILED
    assert sandbox.book.names()[-1] == "recurring.agreement-stopped.v1"


@pytest.mark.parametrize(
    ("answer", "standing"), [("reject", Standing.CANCELLED), ("expire", Standing.EXPIRED)]
)
async def test_an_agreement_that_nobody_approves_charges_nothing(
    sandbox: Sandbox, answer: str, standing: Standing
) -> None:
    opened = await sandbox.mobilepay.create(a_payment(save=True))
    await sandbox.answer(opened.url, answer)
    found = await sandbox.mobilepay.get(opened.provider_ref)
    assert (found.standing, found.authorised_minor, found.saved) == (standing, 0, None)


@pytest.mark.parametrize("is_approved", [True, False])
async def test_letting_go_of_a_saved_payment_ends_the_agreement_too(
    sandbox: Sandbox, is_approved: bool
) -> None:
    opened = await sandbox.mobilepay.create(a_payment(save=True))
    if is_approved:
        await sandbox.answer(opened.url, "approve")
    gone = await sandbox.mobilepay.cancel(opened.provider_ref, key="cancel-key-1")
    token = opened.provider_ref.partition("/")[0]

    assert gone.standing is Standing.CANCELLED
    assert (await sandbox.mobilepay.charge(a_charge(token))).standing is Standing.FAILED


async def test_a_later_charge_may_take_a_while_and_is_then_captured(sandbox: Sandbox) -> None:
    token = await a_saved_method(sandbox, "approve-later-waits")
    under_way = await sandbox.mobilepay.charge(a_charge(token))
    taken = await sandbox.mobilepay.get(under_way.provider_ref)

    assert (under_way.standing, under_way.captured_minor) == (Standing.PENDING, 0)
    assert (taken.standing, taken.captured_minor) == (Standing.AUTHORISED, 990)
    assert sandbox.book.names()[-1] == "recurring.charge-captured.v1"
