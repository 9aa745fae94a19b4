"""The card door before a server that answers as a script says: what is asked, and what each answer means."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from stripe._api_version import _ApiVersion

from app.kernel import db as database
from app.kernel.money import Money
from app.kernel.pool import NetworkInTransaction
from app.outside.card import API_VERSION, CardAccount, StripeCards
from app.outside.card_http import ANSWER_BYTES_MAX, CardHttp
from app.payments.errors import ProviderRefused, ProviderUnreachable
from app.payments.ports import (
    Aggregate,
    NewPayment,
    Opened,
    PaymentProvider,
    Refunded,
    Standing,
)
from tests.support.receiver import Answer, Receiver
from tests.support.stripe_answers import (
    CHARGE,
    INTENT,
    KEY,
    SECRET,
    SESSION,
    a_list,
    a_refund,
    a_session,
    an_intent,
    captured,
    refusal,
    replayed,
    said,
)

SUM = Money(129_00, "EUR")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NEW = NewPayment(
    key="key-1",
    reference="pay_1",
    amount=SUM,
    description="Birch & Co., order 1042",
    return_url="https://pay.shop.example/pay/pay_1/return",
    cancel_url="https://pay.shop.example/pay/pay_1/return?left=1",
    lang="fi",
    country="FI",
    expires_at=NOW,
    email="maija@shopper.example",
)
Call = Callable[[StripeCards], Awaitable[object]]


def form(server: Receiver, place: int = -1) -> dict[str, str]:
    return dict(parse_qsl(server.book[place].body.decode()))


def test_the_card_door_is_a_payment_provider() -> None:
    for name, verb in inspect.getmembers(PaymentProvider, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(StripeCards, name)) == inspect.signature(verb), name


# --- What is asked


async def test_a_payment_is_opened_on_the_hosted_page_and_nothing_is_taken(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_session()))
    assert await cards.create(NEW) == Opened(SESSION, "https://checkout.stripe.com/c/pay/cs_test_a1")
    assert [each.path for each in server.book] == ["/v1/checkout/sessions"]
    assert form(server) == {
        "mode": "payment",
        "allowed_payment_method_types[0]": "card",
        "adaptive_pricing[enabled]": "false",
        "submit_type": "pay",
        "locale": "fi",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "eur",
        "line_items[0][price_data][unit_amount]": "12900",
        "line_items[0][price_data][product_data][name]": "Birch & Co., order 1042",
        "payment_intent_data[capture_method]": "manual",
        "payment_intent_data[description]": "Birch & Co., order 1042",
        "payment_intent_data[metadata][reference]": "pay_1",
        "client_reference_id": "pay_1",
        "metadata[reference]": "pay_1",
        "success_url": NEW.return_url,
        "cancel_url": NEW.cancel_url,
        "expires_at": str(int((NOW + timedelta(minutes=31)).timestamp())),
        "customer_email": "maija@shopper.example",
    }


async def test_no_header_tells_more_than_a_call_needs(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(said(a_session()))
    await cards.create(NEW)
    headers = dict(server.book[0].headers)
    for of_the_line in ("host", "connection", "content-length", ""):
        headers.pop(of_the_line, None)
    assert headers == {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/x-www-form-urlencoded",
        "idempotency-key": "key-1",
        "stripe-version": API_VERSION,
        "user-agent": "Kolme",
        "accept": "application/json",
        "accept-encoding": "identity",
    }


async def test_the_same_payment_is_asked_for_again_in_the_same_words(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(Answer(drops=True), said(a_session()))
    with pytest.raises(ProviderUnreachable):
        await cards.create(NEW)
    assert (await cards.create(NEW)).provider_ref == SESSION
    first, second = server.book
    assert (first.body, first.headers["idempotency-key"]) == (
        second.body,
        second.headers["idempotency-key"],
    )


async def test_an_address_that_stripe_does_not_take_keeps_nobody_from_paying(
    cards: StripeCards, server: Receiver
) -> None:
    for _ in range(2):
        server.will_answer(refusal(400, "invalid_request_error", "email_invalid"), said(a_session()))
        assert (await cards.create(NEW)).provider_ref == SESSION
        assert "customer_email" not in form(server)
    # Whoever asks again finds the page that was opened without it.
    assert server.book[1].body == server.book[3].body
    keys = [each.headers["idempotency-key"] for each in server.book]
    assert keys == ["key-1", "key-1:without-email"] * 2


async def test_a_card_is_kept_for_later_only_when_that_is_asked_for(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_session()))
    await cards.create(replace(NEW, save=True, email=None, lang="xx"))
    asked = form(server)
    assert asked["payment_intent_data[setup_future_usage]"] == "off_session"
    assert asked["customer_creation"] == "always"
    assert asked["locale"] == "auto"
    assert "customer_email" not in asked


async def test_a_payment_is_asked_after_by_its_page_with_all_that_hangs_on_it(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_session("complete", an_intent())))
    told = await cards.get(SESSION)
    assert told == Aggregate(SESSION, "pay_1", Standing.AUTHORISED, "EUR", 129_00)
    assert server.book[0].path == f"/v1/checkout/sessions/{SESSION}?expand[0]=payment_intent.latest_charge"
    server.will_answer(said(an_intent()))
    assert (await cards.get(INTENT)).provider_ref == INTENT


async def test_a_capture_takes_the_sum_that_it_was_told(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(said(a_session("complete", an_intent())), said(captured()))
    told = await cards.capture(SESSION, SUM, key="key-3")
    assert (told.provider_ref, told.captured_minor) == (SESSION, 129_00)
    assert server.book[1].path == f"/v1/payment_intents/{INTENT}/capture"
    assert server.book[1].headers["idempotency-key"] == "key-3"
    assert form(server) == {"amount_to_capture": "12900", "expand[0]": "latest_charge"}


async def test_a_payment_that_was_just_seen_to_be_held_is_captured_without_a_second_look(
    cards: StripeCards, server: Receiver
) -> None:
    """A shopper waits meanwhile."""
    server.will_answer(said(a_session("complete", an_intent())), said(captured()))
    await cards.get(SESSION)
    assert (await cards.capture(SESSION, SUM, key="key-3")).captured_minor == 129_00
    assert server.book[-1].path == f"/v1/payment_intents/{INTENT}/capture"
    assert len(server.book) == 2


async def test_an_open_page_is_closed_and_a_held_card_let_go(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(said(a_session()), said(a_session("expired")))
    told = await cards.cancel(SESSION, key="key-4")
    assert told == Aggregate(SESSION, "pay_1", Standing.CANCELLED, "EUR", 0)
    assert server.book[1].path == f"/v1/checkout/sessions/{SESSION}/expire"

    held = said(a_session("complete", an_intent()))
    server.will_answer(held, said(an_intent("canceled")))
    told = await cards.cancel(SESSION, key="key-4")
    assert (told.provider_ref, told.standing, told.cancelled_minor) == (
        SESSION,
        Standing.CANCELLED,
        129_00,
    )
    assert server.book[-1].path == f"/v1/payment_intents/{INTENT}/cancel"
    # Two calls of one verb cannot share a key.
    assert server.book[1].headers["idempotency-key"] != server.book[-1].headers["idempotency-key"]


async def test_a_page_on_which_somebody_paid_a_moment_before_it_closed_is_let_go_all_the_same(
    cards: StripeCards, server: Receiver
) -> None:
    held = said(a_session("complete", an_intent()))
    not_open = refusal(400, "invalid_request_error")
    server.will_answer(said(a_session()), not_open, held, said(an_intent("canceled")))
    assert (await cards.cancel(SESSION, key="key-4")).standing is Standing.CANCELLED


async def test_what_a_bank_still_thinks_about_is_not_let_go(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(said(a_session("complete", an_intent("processing"))))
    with pytest.raises(ProviderRefused, match="still_processing"):
        await cards.cancel(SESSION, key="key-4")


async def test_what_is_captured_is_not_let_go(cards: StripeCards, server: Receiver) -> None:
    taken = said(a_session("complete", captured()))
    refused = refusal(400, "invalid_request_error", "payment_intent_unexpected_state")
    server.will_answer(taken, refused, taken)
    with pytest.raises(ProviderRefused, match="payment_intent_unexpected_state"):
        await cards.cancel(SESSION, key="key-4")


REFUNDED = Refunded("re_1", Money(29_00, "EUR"))


@pytest.mark.parametrize(("status", "done"), [("succeeded", True), ("pending", False)])
async def test_a_refund_says_whether_it_is_done(
    cards: StripeCards, server: Receiver, status: str, done: bool
) -> None:
    # What somebody gives back in Stripe's own dashboard has no key of ours.
    other = {**a_refund(), "metadata": None}
    server.will_answer(said(a_session("complete", captured())), said(a_list(other)), said(a_refund(status)))
    told = await cards.refund(SESSION, Money(29_00, "EUR"), key="key-5")
    assert told == replace(REFUNDED, done=done)
    assert form(server) == {
        "payment_intent": INTENT,
        "amount": "2900",
        "metadata[reference]": "pay_1",
        "metadata[key]": "key-5",
    }
    assert server.book[2].headers["idempotency-key"] == "key-5"


async def test_a_refund_whose_key_is_long_forgotten_is_found_and_not_made_again(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(captured(refunded_minor=29_00)), said(a_list(a_refund())))
    assert await cards.refund(INTENT, Money(29_00, "EUR"), key="key-5") == REFUNDED
    assert server.book[-1].path == f"/v1/refunds?payment_intent={INTENT}&limit=100"


async def test_a_refund_that_failed_is_refused(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(said(captured()), said(a_list()), said(a_refund("failed")))
    with pytest.raises(ProviderRefused, match="refund_failed"):
        await cards.refund(INTENT, Money(29_00, "EUR"), key="key-5")


async def test_nothing_is_captured_or_refunded_of_a_page_on_which_nobody_paid(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_session()))
    for call in (cards.capture, cards.refund):
        with pytest.raises(ProviderRefused, match="not_paid"):
            await call(SESSION, SUM, key="key-3")


# --- What each answer means


CALLS: dict[str, Call] = {
    "create": lambda cards: cards.create(NEW),
    "get": lambda cards: cards.get(INTENT),
    "charge": lambda cards: cards.charge(CHARGE),
    "capture": lambda cards: cards.capture(INTENT, SUM, key="key-3"),
    "cancel": lambda cards: cards.cancel(INTENT, key="key-4"),
    "refund": lambda cards: cards.refund(INTENT, SUM, key="key-5"),
    "probe": lambda cards: cards.probe(),
}
# What is asked before the call itself is answered like this.
BEFORE = {
    "charge": [said(a_list())],
    "capture": [said(an_intent())],
    "cancel": [],
    "refund": [said(an_intent()), said(a_list())],
}
UNKNOWN = {
    "unreachable": Answer(drops=True),
    "too_large": Answer(pad_bytes=ANSWER_BYTES_MAX + 1),
    "status_500": refusal(500, "api_error"),
    "status_503": Answer(503, body=b'{"error": {"type": "api_error"}}'),
    "status_409": refusal(409, "invalid_request_error", "lock_timeout"),
    "rate_limited": refusal(429, "invalid_request_error", "lock_timeout"),
    "key_reused": refusal(400, "idempotency_error"),
    "garbage": said({"object": "payment_intent", "id": 7}),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("reason", UNKNOWN)
async def test_an_answer_that_did_not_come_leaves_it_open_what_happened(
    cards: StripeCards, server: Receiver, call: str, reason: str
) -> None:
    script = [*BEFORE.get(call, []), UNKNOWN[reason]]
    server.will_answer(*script)
    with pytest.raises(ProviderUnreachable) as raised:
        await CALLS[call](cards)
    assert raised.value.reason == reason
    # Whoever keeps the payment's state tries again, and nobody else.
    assert len(server.book) == len(script)


UNREADABLE = [
    b"<html>Bad gateway</html>",
    b"",
    b"\xff\xfe",
    b"[]",
    b'{"error": 1}',
    b'{"id": 1, "object": [], "charge": {"object": [[]]}}',
]


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_waits_no_longer_than_its_time(server: Receiver, call: str) -> None:
    asks = call in {"get", "probe"}
    impatient = CardHttp(read_timeout_s=0.05) if asks else CardHttp(write_timeout_s=0.05)
    account = CardAccount(f"http://127.0.0.1:{server.port}", KEY, SECRET)
    server.will_answer(*BEFORE.get(call, []), Answer(hangs=True))
    with pytest.raises(ProviderUnreachable, match="timeout"):
        await CALLS[call](StripeCards(account, http=impatient))


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>Bad gateway</html>",
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"error": 1}',
        b'{"id": 1, "object": [], "x": {"object": [[]]}}',
    ],
)
async def test_what_cannot_be_read_leaves_it_open_too(
    cards: StripeCards, server: Receiver, status: int, body: bytes
) -> None:
    server.will_answer(said(an_intent()), Answer(status, body=body))
    with pytest.raises(ProviderUnreachable):
        await cards.capture(INTENT, SUM, key="key-3")


async def test_a_server_that_is_not_there_leaves_it_open_too(server: Receiver) -> None:
    account = CardAccount("http://127.0.0.1:1", KEY, SECRET)
    with pytest.raises(ProviderUnreachable, match="unreachable"):
        await StripeCards(account).create(NEW)


@pytest.mark.parametrize("call", ["create", "get", "charge", "capture", "cancel", "refund"])
async def test_a_request_that_stripe_does_not_take_had_no_effect(
    cards: StripeCards, server: Receiver, call: str
) -> None:
    refused = refusal(400, "invalid_request_error", "amount_too_small")
    after = [said(an_intent())] if call in {"capture", "cancel"} else []
    server.will_answer(*BEFORE.get(call, []), refused, *after)
    with pytest.raises(ProviderRefused, match="amount_too_small"):
        await CALLS[call](cards)


async def test_what_stripe_does_not_know_is_refused(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(refusal(404, "invalid_request_error", "resource_missing"))
    with pytest.raises(ProviderRefused, match="resource_missing"):
        await cards.get(SESSION)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_opens_nothing_opens_no_page_and_decides_nothing_else(
    cards: StripeCards, server: Receiver, status: int
) -> None:
    """A page that is not opened is no payment; of a capture a first try may have come through."""
    denied = refusal(status, "invalid_request_error")
    server.will_answer(denied)
    with pytest.raises(ProviderRefused, match="credentials"):
        await cards.create(NEW)
    server.will_answer(said(an_intent()), denied)
    with pytest.raises(ProviderUnreachable, match="credentials"):
        await cards.capture(INTENT, SUM, key="key-3")
    with pytest.raises(ProviderUnreachable, match="credentials"):
        await cards.probe()


async def test_a_capture_that_is_done_already_is_told_as_done(cards: StripeCards, server: Receiver) -> None:
    refused = refusal(400, "invalid_request_error", "payment_intent_unexpected_state")
    server.will_answer(said(captured()), refused, said(captured()))
    assert (await cards.capture(INTENT, SUM, key="key-9")).captured_minor == 129_00
    server.will_answer(said(captured(100_00)), refused, said(captured(100_00)))
    with pytest.raises(ProviderRefused):
        await cards.capture(INTENT, SUM, key="key-9")


async def test_a_page_that_has_closed_meanwhile_is_no_page_to_send_anybody_to(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_session("expired")))
    with pytest.raises(ProviderRefused, match="closed"):
        await cards.create(NEW)


@pytest.mark.parametrize("call", ["create", "charge", "capture", "cancel", "refund"])
async def test_a_failure_that_stripe_keeps_for_a_key_is_not_our_answer_for_a_day(
    cards: StripeCards, server: Receiver, call: str
) -> None:
    """The call came to its end there, and nothing was done: it is asked for under another key, and only once."""
    before, failed = BEFORE.get(call, []), refusal(500, "api_error")
    good = {"create": a_session(), "charge": captured(), "capture": captured(), "refund": a_refund()}
    server.will_answer(*before, replayed(failed), said(good.get(call, an_intent("canceled"))))
    await CALLS[call](cards)
    keys = [each.headers["idempotency-key"] for each in server.book if each.body]
    assert keys[1] == f"{keys[0]}:again"
    server.will_answer(*before, replayed(failed), failed)
    with pytest.raises(ProviderUnreachable, match="status_500"):
        await CALLS[call](cards)


# --- What must not be


async def test_nothing_is_asked_within_a_transaction(cards: StripeCards, server: Receiver, db: str) -> None:
    del db
    for name, call in CALLS.items():
        with pytest.raises(NetworkInTransaction, match="card"):
            await database.in_tx(lambda call=call: call(cards))  # type: ignore[misc]
        assert not server.book, name


async def test_no_secret_and_nothing_of_the_shopper_is_shown(cards: StripeCards, server: Receiver) -> None:
    shown = f"{CardAccount('https://api.stripe.com', KEY, SECRET)!r} {NEW!r} {CHARGE!r}"
    server.will_answer(refusal(400, "invalid_request_error", "parameter_invalid"))
    with pytest.raises(ProviderRefused) as refused:
        await cards.create(NEW)
    assert refused.value.__cause__ is None
    shown += f" {refused.value!r} {refused.value}"
    for secret in (KEY, SECRET, "maija@", "cus_1", "+358401234567"):
        assert secret not in shown


def test_the_version_of_the_api_is_the_one_that_the_package_is_made_for() -> None:
    """A newer package may name its parameters otherwise: then both are changed together, and tried against Stripe."""
    assert API_VERSION == _ApiVersion.CURRENT
