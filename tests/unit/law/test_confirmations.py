"""An operator vouches for what was not read in the law itself, figure by figure, and the word stays."""

from __future__ import annotations

from datetime import date

import pytest

from app.kernel import clock, db
from app.law.actions import confirm
from app.law.errors import ClaimUnknown, WordRefused
from app.law.queries import confirmations, forget_kept_confirmations, may_offer_credit_live
from app.law.rules import COUNTRIES, law_of

TODAY = date(2026, 11, 21)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    forget_kept_confirmations()


@pytest.mark.parametrize("country", COUNTRIES)
def test_everything_that_is_not_primary_wants_a_word_once(country: str) -> None:
    claims = law_of(country).claims(TODAY)
    keys = [claim.key for claim in claims]
    assert {"methods", "identification", "withdrawal_days"} <= set(keys)
    assert len(keys) == len(set(keys))
    assert all(claim.trust in {"secondary", "unverified"} and claim.source for claim in claims)
    assert "reminder_fee_minor" not in keys


async def test_credit_may_be_offered_once_the_last_figure_is_confirmed() -> None:
    *most, last = (claim.key for claim in law_of("FI").claims(TODAY))
    now = clock.wall()
    assert not await may_offer_credit_live("FI", TODAY)
    await confirm("FI", most, by="Olli", source="Finlex, read today", on=TODAY, now=now)
    assert not await may_offer_credit_live("FI", TODAY)
    [written] = await confirm("FI", [], by="Olli", source=None, on=TODAY, now=now)
    assert written.key == last
    assert await may_offer_credit_live("FI", TODAY)
    assert not await may_offer_credit_live("SE", TODAY)


async def test_a_word_is_kept_with_who_when_and_where_it_was_read() -> None:
    now = clock.wall()
    await confirm("FI", ["withdrawal_days"], by="Olli", source="Finlex", on=TODAY, now=now)
    assert await confirm("FI", ["withdrawal_days"], by="Another", source="x", on=TODAY, now=now) == ()
    given = {claim.key: word for claim, word in (await confirmations("FI", TODAY)).items() if word}
    assert [*given] == ["withdrawal_days"]
    word = given["withdrawal_days"]
    assert (word.confirmed_by, word.source, word.confirmed_at) == ("Olli", "Finlex", now)
    assert await db.fetch_value("SELECT count(*) FROM audit_log WHERE action = 'law.confirmed'") == 1


async def test_a_figure_of_another_day_wants_a_word_of_its_own() -> None:
    early = date(2025, 3, 1)
    await confirm("FI", ["reference_rate_percent"], by="Olli", source=None, on=early, now=clock.wall())
    assert None not in [
        word
        for claim, word in (await confirmations("FI", early)).items()
        if claim.key == "reference_rate_percent"
    ]
    with pytest.raises(ClaimUnknown):
        await confirm("FI", ["reference_rate_percent"], by="Olli", source=None, on=TODAY, now=clock.wall())


async def test_an_unknown_or_primary_figure_is_refused_and_nothing_is_written() -> None:
    for key in ("nonsense", "reminder_fee_minor"):
        with pytest.raises(ClaimUnknown):
            await confirm("FI", ["withdrawal_days", key], by="Olli", source=None, on=TODAY, now=clock.wall())
    assert await db.fetch_value("SELECT count(*) FROM law_confirmations") == 0


@pytest.mark.parametrize(
    ("by", "source", "field"),
    [
        ("", None, "by"),
        ("  ", None, "by"),
        ("x" * 201, None, "by"),
        ("Olli\x00", None, "by"),
        ("Olli", "x" * 501, "source"),
        ("Olli", "a\nb", "source"),
    ],
)
async def test_a_word_of_nobody_or_without_end_is_refused_by_name(
    by: str, source: str | None, field: str
) -> None:
    with pytest.raises(WordRefused) as refused:
        await confirm("FI", ["withdrawal_days"], by=by, source=source, on=TODAY, now=clock.wall())
    assert refused.value.field == field
    assert await db.fetch_value("SELECT count(*) FROM law_confirmations") == 0


async def test_a_fresh_answer_costs_no_query() -> None:
    await may_offer_credit_live("FI", TODAY)
    with db.counting() as counts:
        await may_offer_credit_live("FI", TODAY)
    assert counts.queries == 0
