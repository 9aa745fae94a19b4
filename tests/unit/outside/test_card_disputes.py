"""What Stripe says of payments that are disputed, and how it is asked."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl

import msgspec
import pytest

from app.outside.card import StripeCards
from app.outside.card_disputes import Dispute, of_dispute
from app.payments.errors import ProviderUnreachable
from app.payments.ports import DISPUTE_REASONS, DisputeStanding
from tests.support.receiver import Receiver
from tests.support.stripe_answers import a_list, captured, refusal, said

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
TAKEN = {"id": "txn_1", "amount": -129_00, "fee": 20_00, "net": -149_00, "currency": "eur"}
BACK = {"id": "txn_2", "amount": 129_00, "fee": 0, "net": 129_00, "currency": "eur"}
# The balance is in another currency than the payment: the way back is exchanged at another day's rate.
TAKEN_ABROAD = {**TAKEN, "amount": -1_000, "created": 1_798_000_000}
BACK_ABROAD = {**BACK, "amount": 997, "created": 1_799_000_000}


def a_dispute(status: str = "needs_response", *moved: object, **changed: object) -> dict[str, object]:
    return {
        "id": "du_1",
        "object": "dispute",
        "status": status,
        "amount": 129_00,
        "currency": "eur",
        "reason": "fraudulent",
        "payment_intent": captured(),
        "balance_transactions": list(moved),
        "evidence_details": {"due_by": 1_798_761_599, "has_evidence": False},
        "metadata": {},
        **changed,
    }


async def test_disputes_are_asked_for_with_the_payment_that_they_are_about(
    cards: StripeCards, server: Receiver
) -> None:
    server.will_answer(said(a_list(a_dispute("needs_response", TAKEN))))
    [told] = await cards.disputes(SINCE)
    assert dict(parse_qsl(server.book[0].path.partition("?")[2])) == {
        "created[gte]": str(int(SINCE.timestamp())),
        "limit": "100",
        "expand[0]": "data.payment_intent",
    }
    assert server.book[0].path.startswith("/v1/disputes?")
    assert (told.provider_ref, told.reference, told.amount_minor, told.currency) == (
        "du_1",
        "pay_1",
        129_00,
        "EUR",
    )
    assert (told.standing, told.is_away, told.reason) == (DisputeStanding.OPEN, True, "fraudulent")
    assert told.answer_by == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


async def test_a_list_of_several_pages_is_read_to_its_end(cards: StripeCards, server: Receiver) -> None:
    first = {**a_list(a_dispute(id="du_2")), "has_more": True}
    server.will_answer(said(first), said(a_list(a_dispute())))
    assert [each.provider_ref for each in await cards.disputes(SINCE)] == ["du_2", "du_1"]
    assert "starting_after=du_2" in server.book[1].path


async def test_a_key_that_may_not_read_disputes_is_no_answer(cards: StripeCards, server: Receiver) -> None:
    server.will_answer(refusal(403, "invalid_request_error"))
    with pytest.raises(ProviderUnreachable, match="credentials"):
        await cards.disputes(SINCE)


@pytest.mark.parametrize(
    ("status", "moved", "standing", "is_away"),
    [
        ("warning_needs_response", [], DisputeStanding.OPEN, False),
        ("warning_under_review", [], DisputeStanding.OPEN, False),
        ("warning_closed", [], DisputeStanding.DROPPED, False),
        ("needs_response", [TAKEN], DisputeStanding.OPEN, True),
        ("under_review", [TAKEN], DisputeStanding.OPEN, True),
        ("won", [TAKEN], DisputeStanding.WON, True),
        ("won", [TAKEN, BACK], DisputeStanding.WON, False),
        ("won", [TAKEN_ABROAD, BACK_ABROAD], DisputeStanding.WON, False),
        ("won", [BACK_ABROAD, TAKEN_ABROAD], DisputeStanding.WON, False),
        ("under_review", [TAKEN, BACK, TAKEN], DisputeStanding.OPEN, True),
        ("lost", [TAKEN], DisputeStanding.LOST, True),
        ("lost", [], DisputeStanding.LOST, False),
        ("prevented", [TAKEN], DisputeStanding.DROPPED, True),
        ("appeal_under_review", [TAKEN], DisputeStanding.OPEN, True),
        ("a word of tomorrow", [TAKEN], DisputeStanding.OPEN, True),
    ],
)
def test_money_is_away_when_it_has_moved_whatever_the_status_says(
    status: str, moved: list[object], standing: DisputeStanding, is_away: bool
) -> None:
    told = of_dispute(msgspec.convert(a_dispute(status, *moved), Dispute))
    assert (told.standing, told.is_away) == (standing, is_away)


def test_a_dispute_of_somebody_elses_payment_names_none_of_ours() -> None:
    for intent in (None, "pi_9", {**captured(), "metadata": {}}):
        told = of_dispute(msgspec.convert(a_dispute(payment_intent=intent), Dispute))
        assert told.reference == ""


def test_every_reason_is_one_of_ours_and_no_answer_is_asked_for_where_none_is_taken() -> None:
    for reason in ("product_not_received", "credit_not_processed", "bank_cannot_process", "tomorrows"):
        due = {"due_by": 0}
        told = of_dispute(msgspec.convert(a_dispute(reason=reason, evidence_details=due), Dispute))
        assert told.reason in DISPUTE_REASONS
        assert told.answer_by is None
