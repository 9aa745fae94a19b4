"""What to do about a payment is one table: each of our states, each thing a provider can say, each wish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest

from app.kernel.money import Money
from app.payments.ports import Aggregate, Standing
from app.payments.settling import (
    GIVEN_BACK,
    MISMATCH,
    NOT_TAKEN,
    WAITS_S,
    Do,
    Ours,
    Step,
    Wish,
    ends_at,
    next_step,
    wait_after,
)
from app.payments.states import EDGES, ENDED, PaymentState

PRICE = Money(12_900, "EUR")
REFERENCE = "pay_1"
LIVE = [state for state in PaymentState if state not in ENDED]
S = PaymentState


def told(
    standing: Standing,
    authorised: int = 0,
    captured: int = 0,
    refunded: int = 0,
    cancelled: int = 0,
    *,
    currency: str = "EUR",
    reference: str = REFERENCE,
    failure: str | None = None,
) -> Aggregate:
    return Aggregate(
        "card-1", reference, standing, currency, authorised, captured, refunded, cancelled, failure
    )


PENDING = told(Standing.PENDING)
AUTHORISED = told(Standing.AUTHORISED, 12_900)
CAPTURED = told(Standing.AUTHORISED, 12_900, 12_900)
DECLINED = told(Standing.FAILED, failure="declined")
FAILED = told(Standing.FAILED)
CANCELLED = told(Standing.CANCELLED)
EXPIRED = told(Standing.EXPIRED)
LET_GO_THERE = told(Standing.AUTHORISED, 12_900, cancelled=12_900)
NOTHING_AUTHORISED = told(Standing.AUTHORISED)
PARTLY_LET_GO = told(Standing.AUTHORISED, 12_900, cancelled=100)
GIVEN_BACK_THERE = told(Standing.AUTHORISED, 12_900, 12_900, 12_900)
LESS = told(Standing.AUTHORISED, 12_800)
MORE = told(Standing.AUTHORISED, 13_000)
IN_KRONOR = told(Standing.AUTHORISED, 12_900, currency="SEK")
LESS_CAPTURED = told(Standing.AUTHORISED, 12_900, 100)
KRONOR_CAPTURED = told(Standing.AUTHORISED, 12_900, 12_900, currency="SEK")
DOLLARS_CAPTURED = told(Standing.AUTHORISED, 12_900, 12_900, currency="USD")
SOMEBODY_ELSES = told(Standing.AUTHORISED, 12_900, 12_900, reference="pay_2")

WAIT, CAPTURE, CANCEL, PAY, LATE = (Step(do) for do in (Do.WAIT, Do.CAPTURE, Do.CANCEL, Do.PAY, Do.LATE))
CANCEL_ODD = Step(Do.CANCEL, failure=MISMATCH)


def end(to: PaymentState, failure: str | None = None) -> Step:
    return Step(Do.END, to, failure)


def thrice(step: Step) -> tuple[Step, Step, Step]:
    return step, step, step


# What a provider says, and what follows while the purchase waits, waits no longer, and is over.
TABLE: list[tuple[Aggregate, Step, Step, Step]] = [
    (PENDING, WAIT, CANCEL, CANCEL),
    (AUTHORISED, CAPTURE, CAPTURE, CANCEL),
    (CAPTURED, PAY, PAY, Step(Do.LATE, kept_minor=12_900)),
    (DECLINED, *thrice(end(S.FAILED, "declined"))),
    (FAILED, *thrice(end(S.FAILED, "provider_error"))),
    (CANCELLED, *thrice(end(S.CANCELLED))),
    (EXPIRED, *thrice(end(S.EXPIRED))),
    (LET_GO_THERE, *thrice(end(S.CANCELLED))),
    (GIVEN_BACK_THERE, *thrice(end(S.CANCELLED, GIVEN_BACK))),
    (LESS, *thrice(CANCEL_ODD)),
    (MORE, *thrice(CANCEL_ODD)),
    (NOTHING_AUTHORISED, *thrice(CANCEL_ODD)),
    (PARTLY_LET_GO, *thrice(CANCEL_ODD)),
    (IN_KRONOR, *thrice(CANCEL_ODD)),
    (LESS_CAPTURED, *thrice(Step(Do.LATE, failure=MISMATCH, kept_minor=100))),
    (KRONOR_CAPTURED, *thrice(Step(Do.LATE, failure=MISMATCH, kept_minor=12_900))),
    (DOLLARS_CAPTURED, *thrice(end(S.FAILED, MISMATCH))),
    (SOMEBODY_ELSES, *thrice(end(S.FAILED, MISMATCH))),
]


@pytest.mark.parametrize(("says", "wanted", "letting_go", "over"), TABLE)
@pytest.mark.parametrize("state", [state for state in LIVE if state is not S.CANCELLING])
def test_what_follows_from_what_the_provider_says(
    says: Aggregate, wanted: Step, letting_go: Step, over: Step, state: PaymentState
) -> None:
    ours = Ours(state, REFERENCE, PRICE)
    assert next_step(ours, says, Wish.WANTED) == wanted
    assert next_step(ours, says, Wish.LETTING_GO) == letting_go
    assert next_step(ours, says, Wish.OVER) == over


@pytest.mark.parametrize(("says", "wanted", "letting_go", "over"), TABLE)
def test_while_a_person_looks_nothing_is_taken_or_bought_and_all_else_follows_as_ever(
    says: Aggregate, wanted: Step, letting_go: Step, over: Step
) -> None:
    del letting_go, over
    held = next_step(Ours(S.AUTHORISED, REFERENCE, PRICE), says, Wish.HELD)
    assert held == (WAIT if wanted in {CAPTURE, PAY} else wanted)


@pytest.mark.parametrize("wish", list(Wish))
def test_whoever_was_let_go_of_is_not_charged_for_what_they_approve_afterwards(wish: Wish) -> None:
    ours = Ours(S.CANCELLING, REFERENCE, PRICE)
    assert next_step(ours, AUTHORISED, wish) == CANCEL
    assert next_step(ours, PENDING, wish) == CANCEL


def test_money_that_was_taken_all_the_same_pays_while_the_purchase_stands() -> None:
    ours = Ours(S.CANCELLING, REFERENCE, PRICE)
    assert next_step(ours, CAPTURED, Wish.LETTING_GO) == PAY
    assert next_step(ours, CAPTURED, Wish.OVER).do is Do.LATE


def test_what_the_provider_does_not_let_us_take_is_let_go_of() -> None:
    ours = Ours(S.CAPTURING, REFERENCE, PRICE, is_refused=True)
    assert next_step(ours, AUTHORISED, Wish.WANTED) == Step(Do.CANCEL, failure=NOT_TAKEN)


def test_a_refusal_that_was_none_pays() -> None:
    """The answer to the first call was lost, and the second was refused because the money is there."""
    ours = Ours(S.CAPTURING, REFERENCE, PRICE, is_refused=True)
    assert next_step(ours, CAPTURED, Wish.WANTED) == PAY


def moves(state: PaymentState, step: Step) -> list[tuple[str, str]]:
    """The edges that a step takes from a state."""
    path = [state]
    match step.do:
        case Do.CAPTURE:
            path = list(dict.fromkeys((state, S.AUTHORISED, S.CAPTURING)))
            path = [S.CAPTURING] if state is S.CAPTURING else path
        case Do.CANCEL:
            path = list(dict.fromkeys((state, S.CANCELLING)))
        case Do.PAY | Do.LATE:
            path = [state, S.CAPTURED]
        case Do.END:
            assert step.to is not None
            path = [state, step.to]
    return list(pairwise(path))


def test_every_step_is_an_edge_of_the_payments_life() -> None:
    """Nobody is asked about a payment that is only started: its provider need not know it."""
    for state, row, wish in product([state for state in LIVE if state is not S.STARTED], TABLE, Wish):
        step = next_step(Ours(state, REFERENCE, PRICE), row[0], wish)
        assert set(moves(state, step)) <= set(EDGES), (state, row[0], wish)


def test_it_is_asked_after_at_growing_intervals_and_for_ever() -> None:
    waits = [wait_after(checks) for checks in range(20)]
    assert waits[0] == timedelta(seconds=2)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(days=1) == timedelta(seconds=WAITS_S[-1])


def test_a_payment_never_outlasts_its_session() -> None:
    wall = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert ends_at("card", wall, timedelta(days=1)) == wall + timedelta(minutes=30)
    assert ends_at("mobilepay", wall, timedelta(days=1)) == wall + timedelta(minutes=10)
    assert ends_at("card", wall, timedelta(minutes=3)) == wall + timedelta(minutes=3)
