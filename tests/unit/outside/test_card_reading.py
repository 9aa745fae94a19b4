"""What Stripe's objects say of a payment."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.outside.card_reading import (
    Intent,
    Session,
    failure_of,
    of_intent,
    of_session,
    parts_of_token,
)
from app.payments.ports import FAILURES, Aggregate, SavedMethod, Standing
from tests.support.stripe_answers import INTENT, SESSION, a_charge, a_session, an_intent, captured


def session(*told: object, **changed: object) -> Aggregate:
    return of_session(msgspec.convert(a_session(*told, **changed), Session))  # type: ignore[arg-type]


def charge(told: dict[str, object]) -> Aggregate:
    return of_intent(msgspec.convert(told, Intent))


def figures(told: Aggregate) -> tuple[int, int, int, int]:
    return told.authorised_minor, told.captured_minor, told.refunded_minor, told.cancelled_minor


def test_a_page_on_which_nobody_paid_is_pending_until_it_is_over() -> None:
    assert session("open") == Aggregate(SESSION, "pay_1", Standing.PENDING, "EUR", 0)
    assert session("expired").standing is Standing.EXPIRED
    assert figures(session("expired")) == (0, 0, 0, 0)


@pytest.mark.parametrize("status", ["requires_payment_method", "requires_action", "processing"])
def test_a_try_on_the_page_decides_nothing_while_another_may_follow(status: str) -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    told = session("open", an_intent(status, last_payment_error=error))
    assert told == Aggregate(SESSION, "pay_1", Standing.PENDING, "EUR", 0)


def test_what_the_shopper_authorised_is_held_whatever_the_page_says() -> None:
    for status in ("complete", "open", "expired"):
        told = session(status, an_intent("requires_capture"))
        assert told == Aggregate(SESSION, "pay_1", Standing.AUTHORISED, "EUR", 129_00)


def test_a_payment_that_nobody_named_is_not_ours() -> None:
    assert charge(an_intent(metadata=None)).reference == ""
    assert session("open", metadata={}).reference == ""


def test_captures_and_refunds_change_the_sums_alone() -> None:
    told = session("complete", captured(refunded_minor=9_00))
    assert (told.standing, figures(told)) == (Standing.AUTHORISED, (129_00, 129_00, 9_00, 0))
    part = session("complete", captured(100_00, refunded_minor=29_00))
    assert figures(part) == (129_00, 100_00, 29_00, 29_00)


@pytest.mark.parametrize(
    ("reason", "standing"),
    [
        (None, Standing.CANCELLED),
        ("requested_by_customer", Standing.CANCELLED),
        ("expired", Standing.EXPIRED),
        ("automatic", Standing.EXPIRED),
    ],
)
def test_what_was_let_go_says_who_let_go(reason: str | None, standing: Standing) -> None:
    told = session("complete", an_intent("canceled", cancellation_reason=reason))
    assert (told.standing, figures(told)) == (standing, (129_00, 0, 0, 129_00))


def test_an_intent_that_is_cancelled_before_any_card_has_held_nothing() -> None:
    assert figures(charge(an_intent("canceled", latest_charge=None))) == (0, 0, 0, 0)


def test_a_charge_that_is_named_and_not_shown_is_worth_what_its_intent_says() -> None:
    assert figures(charge(an_intent(latest_charge="ch_3M"))) == (129_00, 0, 0, 0)
    assert figures(charge(an_intent("succeeded", latest_charge="ch_3M"))) == (129_00, 129_00, 0, 0)


def test_a_later_charge_that_was_declined_has_failed() -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    told = charge(an_intent("requires_payment_method", last_payment_error=error))
    assert told == Aggregate(INTENT, "pay_1", Standing.FAILED, "EUR", 0, failure="insufficient_funds")


@pytest.mark.parametrize(
    ("code", "decline_code", "failure"),
    [
        ("card_declined", "generic_decline", "declined"),
        ("card_declined", None, "declined"),
        ("card_declined", "lost_card", "declined"),
        ("card_declined", "insufficient_funds", "insufficient_funds"),
        ("expired_card", "expired_card", "card_expired"),
        ("expired_card", None, "card_expired"),
        ("authentication_required", "authentication_required", "authentication_failed"),
        ("card_declined", "authentication_required", "authentication_failed"),
        ("payment_intent_authentication_failure", None, "authentication_failed"),
        ("processing_error", None, "provider_error"),
        ("card_declined", "issuer_not_available", "provider_error"),
        (None, None, "declined"),
    ],
)
def test_a_refusal_has_one_word(code: str | None, decline_code: str | None, failure: str) -> None:
    assert failure_of(code, decline_code) == failure
    assert failure in FAILURES


def test_a_card_is_saved_only_where_that_was_asked_for() -> None:
    kept: dict[str, Any] = {
        "setup_future_usage": "off_session",
        "customer": "cus_1",
        "latest_charge": a_charge(),
    }
    assert charge(an_intent(**kept)).saved == SavedMethod("cus_1/pm_1", "Visa 4242", "2031-07")
    nameless = a_charge(payment_method_details={"type": "card", "card": {"brand": None, "last4": None}})
    assert charge(an_intent(**{**kept, "latest_charge": nameless})).saved == SavedMethod("cus_1/pm_1", "Card")
    for without in ("setup_future_usage", "customer"):
        assert charge(an_intent(**{**kept, without: None})).saved is None
    assert charge(an_intent("processing", **{**kept, "latest_charge": None})).saved is None


@pytest.mark.parametrize("token", ["", "cus_1", "pm_1/cus_1", "cus_1/", "cus_1/src_1", "x/pm_1"])
def test_what_is_no_token_of_ours_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        parts_of_token(token)


def test_a_token_names_whose_card_it_is() -> None:
    assert parts_of_token("cus_1/pm_1") == ("cus_1", "pm_1")
