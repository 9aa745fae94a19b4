"""The sandbox's Stripe: our adapter at its API, and a shopper at its card page."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from app.kernel import clock
from app.kernel.money import Money
from app.messages import sandbox_clock
from app.outside.card import API_VERSION, CardAccount, StripeCards
from app.outside.card_http import CardHttp
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import Aggregate, NewCharge, SavedMethod, Standing
from app.settings import Settings
from app.web.sandbox.stripe_events import Teller
from app.web.sandbox.stripe_twin import Happened
from tests.support.sandbox_stripe import (
    CANCEL_URL,
    CHALLENGED,
    DECLINED,
    DECLINED_LATER,
    EXPIRED,
    NO_MONEY,
    RETURN_URL,
    VISA,
    Sandbox,
    a_payment,
    a_sandbox,
    paid,
    transport_to,
)

SUM = Money(129_00, "EUR")


@pytest.fixture
def sandbox(settings: Settings) -> Sandbox:
    return a_sandbox(settings)


def held(provider_ref: str, reference: str = "pay_1") -> Aggregate:
    return Aggregate(provider_ref, reference, Standing.AUTHORISED, "EUR", 129_00)


# --- The card page


async def test_a_card_payment_is_authorised_by_the_shopper_and_captured_by_us(sandbox: Sandbox) -> None:
    opened = await sandbox.cards.create(a_payment())
    waiting = Aggregate(opened.provider_ref, "pay_1", Standing.PENDING, "EUR", 0)
    assert await sandbox.cards.get(opened.provider_ref) == waiting
    async with sandbox.browser() as browser:
        page = await browser.get(opened.url)
        assert page.status_code == 200
        assert "129,00" in page.text
        assert "Birch &amp; Co., order 1042" in page.text
        answer = await browser.post(opened.url, data={"card": VISA})
    assert answer.headers["location"] == RETURN_URL
    assert await sandbox.cards.get(opened.provider_ref) == held(opened.provider_ref)
    captured = await sandbox.cards.capture(opened.provider_ref, SUM, key="capture")
    assert captured == replace(held(opened.provider_ref), captured_minor=129_00)
    assert await sandbox.cards.get(opened.provider_ref) == captured
    assert sandbox.teller.types == [
        "checkout.session.completed",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        (DECLINED, "The bank declined this card."),
        (NO_MONEY, "There is too little money on this card."),
        (EXPIRED, "This card has expired."),
        ("4000000000000119", "The bank could not process this card."),
    ],
)
async def test_a_card_that_is_refused_leaves_the_page_open_for_another(
    sandbox: Sandbox, card: str, sentence: str
) -> None:
    opened = await sandbox.cards.create(replace(a_payment(), lang="en"))
    async with sandbox.browser() as browser:
        back = await browser.post(opened.url, data={"card": card})
        assert sentence in (await browser.get(back.headers["location"])).text
        assert (await sandbox.cards.get(opened.provider_ref)).standing is Standing.PENDING
        assert sandbox.teller.types == ["payment_intent.payment_failed"]
        await browser.post(opened.url, data={"card": VISA})
    assert await sandbox.cards.get(opened.provider_ref) == held(opened.provider_ref)


async def test_a_bank_that_asks_the_shopper_is_answered_yes_or_no(sandbox: Sandbox) -> None:
    opened = await sandbox.cards.create(replace(a_payment(), lang="en"))
    async with sandbox.browser() as browser:
        to_bank = await browser.post(opened.url, data={"card": CHALLENGED})
        challenge = to_bank.headers["location"]
        assert "Do you confirm this payment?" in (await browser.get(challenge)).text
        back = await browser.post(challenge, data={"answer": "refuse"})
        page = await browser.get(back.headers["location"])
        assert "The bank did not confirm that it is you." in page.text
        assert (await sandbox.cards.get(opened.provider_ref)).standing is Standing.PENDING
        answer = await browser.post(challenge, data={"answer": "confirm"})
    assert answer.headers["location"] == RETURN_URL
    assert await sandbox.cards.get(opened.provider_ref) == held(opened.provider_ref)


async def test_the_page_leads_back_without_paying_and_sets_no_cookie(sandbox: Sandbox) -> None:
    opened = await sandbox.cards.create(a_payment())
    async with sandbox.browser() as browser:
        page = await browser.get(opened.url)
    assert f'href="{CANCEL_URL}"' in page.text
    assert "<input" not in page.text.replace('<input type="hidden"', "")
    assert "set-cookie" not in page.headers
    assert "form-action 'self' http://localhost:8000;" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]
    assert page.headers["content-language"] == "fi"


async def test_a_page_that_is_closed_takes_nothing(sandbox: Sandbox) -> None:
    opened = await sandbox.cards.create(a_payment())
    closed = await sandbox.cards.cancel(opened.provider_ref, key="cancel")
    assert closed == Aggregate(opened.provider_ref, "pay_1", Standing.CANCELLED, "EUR", 0)
    async with sandbox.browser() as browser:
        for answer in (
            await browser.get(opened.url),
            await browser.post(opened.url, data={"card": VISA}),
        ):
            assert answer.status_code == 410
        assert (await browser.get(f"{opened.url}x")).status_code == 404
    assert (await sandbox.cards.get(opened.provider_ref)).standing is Standing.EXPIRED
    assert sandbox.teller.types == ["checkout.session.expired"]


async def test_a_page_closes_by_itself_when_its_time_is_over(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await sandbox.cards.create(a_payment())
    later = clock.wall() + timedelta(minutes=61)
    monkeypatch.setattr(clock, "wall", lambda: later)
    assert (await sandbox.cards.get(opened.provider_ref)).standing is Standing.EXPIRED


async def test_a_card_number_that_is_no_test_card_is_not_taken(sandbox: Sandbox) -> None:
    opened = await sandbox.cards.create(a_payment())
    async with sandbox.browser() as browser:
        answer = await browser.post(opened.url, data={"card": "4111111111111111"})
    assert answer.headers["location"] == opened.url
    assert (await sandbox.cards.get(opened.provider_ref)).standing is Standing.PENDING


# --- Answers that are lost or late


async def test_an_answer_that_is_lost_leaves_a_capture_that_happened(sandbox: Sandbox) -> None:
    provider_ref = await paid(sandbox, a_payment(), ending="lost")
    assert await sandbox.cards.get(provider_ref) == held(provider_ref)
    with pytest.raises(ProviderUnreachable, match="status_502"):
        await sandbox.cards.capture(provider_ref, SUM, key="capture")
    captured = replace(held(provider_ref), captured_minor=129_00)
    assert await sandbox.cards.get(provider_ref) == captured
    assert await sandbox.cards.capture(provider_ref, SUM, key="capture") == captured
    assert sandbox.teller.types.count("payment_intent.succeeded") == 1


async def test_a_bank_that_answers_after_an_hour_is_waited_for(sandbox: Sandbox) -> None:
    provider_ref = await paid(sandbox, a_payment(), ending="late")
    waiting = Aggregate(provider_ref, "pay_1", Standing.PENDING, "EUR", 0)
    assert await sandbox.cards.get(provider_ref) == waiting
    with pytest.raises(ProviderRefused, match="still_processing"):
        await sandbox.cards.cancel(provider_ref, key="cancel")
    await sandbox_clock.advance_clock(3599)
    assert await sandbox.cards.get(provider_ref) == waiting
    await sandbox_clock.advance_clock(3)
    assert await sandbox.cards.get(provider_ref) == held(provider_ref)
    assert sandbox.teller.types[-1] == "payment_intent.amount_capturable_updated"


async def test_what_the_bank_answered_too_late_is_let_go(sandbox: Sandbox) -> None:
    provider_ref = await paid(sandbox, a_payment(), ending="late")
    await sandbox_clock.advance_clock(3600)
    gone = await sandbox.cards.cancel(provider_ref, key="cancel")
    assert (gone.standing, gone.cancelled_minor) == (Standing.CANCELLED, 129_00)
    with pytest.raises(ProviderRefused, match="unexpected_state"):
        await sandbox.cards.capture(provider_ref, SUM, key="capture")


# --- Keys, parts and refunds


async def test_the_same_payment_asked_for_twice_is_one(sandbox: Sandbox) -> None:
    new = a_payment()
    assert await sandbox.cards.create(new) == await sandbox.cards.create(new)
    with pytest.raises(ProviderUnreachable, match="key_reused"):
        await sandbox.cards.create(replace(new, amount=Money(1_00, "EUR")))


async def test_a_part_is_captured_and_the_rest_let_go(sandbox: Sandbox) -> None:
    provider_ref = await paid(sandbox, a_payment())
    with pytest.raises(ProviderRefused, match="amount_too_large"):
        await sandbox.cards.capture(provider_ref, Money(129_01, "EUR"), key="too-much")
    part = await sandbox.cards.capture(provider_ref, Money(100_00, "EUR"), key="capture")
    assert part == replace(held(provider_ref), captured_minor=100_00, cancelled_minor=29_00)


async def test_refunds_are_made_once_and_never_beyond_what_was_taken(sandbox: Sandbox) -> None:
    provider_ref = await paid(sandbox, a_payment())
    await sandbox.cards.capture(provider_ref, SUM, key="capture")
    first = await sandbox.cards.refund(provider_ref, Money(29_00, "EUR"), key="refund-1")
    assert await sandbox.cards.refund(provider_ref, Money(29_00, "EUR"), key="refund-1") == first
    assert (await sandbox.cards.get(provider_ref)).refunded_minor == 29_00
    with pytest.raises(ProviderRefused, match="amount_too_large"):
        await sandbox.cards.refund(provider_ref, Money(100_01, "EUR"), key="refund-2")
    await sandbox.cards.refund(provider_ref, Money(100_00, "EUR"), key="refund-3")
    with pytest.raises(ProviderRefused, match="charge_already_refunded"):
        await sandbox.cards.refund(provider_ref, Money(1, "EUR"), key="refund-4")
    assert sandbox.teller.types.count("refund.created") == 2


# --- Saved cards


def later(token: str, reference: str = "pay_2") -> NewCharge:
    return NewCharge(f"{reference}:charge", reference, Money(9_00, "EUR"), "Coffee, monthly", token)


async def saved_card(sandbox: Sandbox, card: str = VISA) -> SavedMethod:
    provider_ref = await paid(sandbox, a_payment(save=True), card)
    saved = (await sandbox.cards.get(provider_ref)).saved
    assert saved is not None
    return saved


async def test_a_card_is_saved_and_charged_later_once(sandbox: Sandbox) -> None:
    saved = await saved_card(sandbox)
    assert (saved.label, saved.expires_on) == ("Visa 4242", "2034-12")
    charged = await sandbox.cards.charge(later(saved.token))
    assert (charged.standing, charged.captured_minor, charged.reference) == (
        Standing.AUTHORISED,
        9_00,
        "pay_2",
    )
    # Asked for again with the same key, and with another one long after the first was forgotten.
    assert await sandbox.cards.charge(later(saved.token)) == charged
    assert await sandbox.cards.charge(replace(later(saved.token), key="forgotten")) == charged
    assert sandbox.teller.types.count("payment_intent.succeeded") == 1
    assert await sandbox.cards.get(charged.provider_ref) == charged


async def test_a_saved_card_that_says_no_later_is_a_payment_that_failed(sandbox: Sandbox) -> None:
    saved = await saved_card(sandbox, DECLINED_LATER)
    for reference in ("pay_2", "pay_3"):
        charged = await sandbox.cards.charge(later(saved.token, reference))
        assert (charged.standing, charged.failure) == (Standing.FAILED, "declined")
        assert charged.reference == reference
        assert await sandbox.cards.charge(later(saved.token, reference)) == charged


async def test_a_card_is_not_saved_unasked(sandbox: Sandbox) -> None:
    assert (await sandbox.cards.get(await paid(sandbox, a_payment()))).saved is None


# --- The API's own strictness


async def test_the_api_is_closed_without_its_key(sandbox: Sandbox) -> None:
    account = CardAccount(sandbox.branch.twin.address, "sk_test_somebody_else", "whsec_x")
    stranger = StripeCards(account, http=CardHttp(transport=transport_to(sandbox.app)))
    with pytest.raises(ProviderRefused, match="credentials"):
        await stranger.create(a_payment())


@pytest.mark.parametrize(
    ("call", "fields", "code"),
    [
        ("refunds", {"payment_intent": "pi_test_none"}, "resource_missing"),
        ("refunds", {}, "parameter_missing"),
        ("refunds", {"payment_intent": "pi_1", "amount": "1e3"}, "parameter_invalid_integer"),
        ("customers", {"nickname": "x"}, "parameter_unknown"),
        (
            "payment_intents",
            {"amount": "100", "currency": "eur", "payment_method_types[0]": "card"},
            "payment_method_types_no_longer_supported",
        ),
    ],
)
async def test_a_call_that_the_real_one_would_refuse_is_refused(
    sandbox: Sandbox, call: str, fields: dict[str, str], code: str
) -> None:
    headers = {"Authorization": f"Bearer {sandbox.branch.secret_key}", "Stripe-Version": API_VERSION}
    address = f"{sandbox.branch.twin.address}/v1/{call}"
    async with httpx.AsyncClient(transport=transport_to(sandbox.app), headers=headers) as api:
        answer = await api.post(address, data=fields)
        assert answer.status_code in {400, 404}
        assert answer.json()["error"]["code"] == code
        older = await api.post(address, data=fields, headers={"Stripe-Version": "2020-08-27"})
        assert older.status_code == 400
        for broken in (b"\xff\xfe", b"&".join(b"a=b" for _ in range(200))):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert (await api.post(address, content=broken, headers=form)).status_code == 400


# --- Events


async def test_an_event_is_told_until_it_arrives_and_our_door_believes_it(sandbox: Sandbox) -> None:
    answers = iter([503, None, 204])
    came: list[httpx.Request] = []

    def callback(request: httpx.Request) -> httpx.Response:
        came.append(request)
        status = next(answers)
        if status is None:
            raise httpx.ConnectError("nobody there", request=request)
        return httpx.Response(status)

    branch = sandbox.branch
    teller = Teller(
        "http://127.0.0.1:8000/callbacks/card",
        branch.webhook_secret,
        transport=httpx.MockTransport(callback),
        waits_s=(0, 0, 0),
    )
    told = {"object": "checkout.session", "id": "cs_test_1", "metadata": {"reference": "pay_1"}}
    teller.tell([Happened("checkout.session.completed", told)])
    await teller.told()
    first, _, last = came
    assert first.content == last.content
    where = {"host": "pay.shop.example", "path": "/callbacks/card"}
    callback_told = sandbox.cards.read_callback(last.headers, last.content, **where, wall=clock.wall())
    assert (callback_told.provider_ref, callback_told.reference) == ("cs_test_1", "pay_1")
    assert callback_told.event_id.startswith("evt_")


async def test_an_event_that_never_arrives_is_given_up() -> None:
    came = 0

    def nobody(request: httpx.Request) -> httpx.Response:
        nonlocal came
        came += 1
        return httpx.Response(500)

    teller = Teller("http://x/", "whsec_x", transport=httpx.MockTransport(nobody), waits_s=(0, 0))
    teller.tell([Happened("payment_intent.succeeded", {"object": "payment_intent"})])
    await teller.told()
    assert came == 3
