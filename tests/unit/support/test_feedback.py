"""What shoppers say at the end of a purchase: kept once, counted by week, forgotten in time; news of what changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.checkout.review_periods import span_of
from app.kernel import db as database
from app.merchants.queries import Merchant
from app.support import actions
from app.support.errors import FeedbackRefused
from app.support.queries import Ease, news_told, said_of, trend, words_page
from app.support.rules import NEWS_MAX, WORDS_MAX, ease_of, words_of
from tests.factories.checkout import a_merchant
from tests.factories.reviews import a_session_id

NOON = datetime(2026, 11, 20, 10, tzinfo=UTC)
TODAY = date(2026, 11, 22)


@pytest.fixture
async def merchant(db: str) -> Merchant:
    del db
    return await a_merchant()


async def a_voice(
    merchant: Merchant,
    ease: int,
    words: str | None = None,
    *,
    outcome: str = "confirmed",
    at: datetime = NOON,
) -> None:
    session = await a_session_id(merchant)
    await actions.say(merchant.id, session, outcome=outcome, ease=ease, words=words, lang="en", now=at)


async def test_who_says_it_again_is_counted_once_and_keeps_what_they_wrote(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    for ease, words in ((2, None), (4, "The code came late."), (5, None)):
        await actions.say(
            merchant.id, session, outcome="confirmed", ease=ease, words=words, lang="en", now=NOON
        )
    [row], following = await words_page(merchant.id)
    assert (row.ease, row.words, following) == (5, "The code came late.", None)
    assert (await trend(merchant.id, span_of("week", TODAY, merchant.time_zone))).total == Ease(1, 1, 0, 5)


async def test_answers_are_counted_by_week_and_by_how_the_purchase_ended(merchant: Merchant) -> None:
    await a_voice(merchant, 5)
    await a_voice(merchant, 4)
    await a_voice(merchant, 1, outcome="cancelled", at=NOON - timedelta(days=7))
    await a_voice(await a_merchant("Meri & Sora"), 1)
    await a_voice(merchant, 1, at=NOON - timedelta(days=200))
    found = await trend(merchant.id, span_of("week", TODAY, merchant.time_zone))
    assert dict(found.periods)[date(2026, 11, 16)] == Ease(2, 2, 0, 9)
    assert dict(found.outcomes)["cancelled"] == Ease(1, 0, 1, 1)
    assert found.total.tenths == 33, "ten thirds"
    assert Ease().tenths is None


async def test_words_are_read_page_by_page_and_only_by_their_shop(merchant: Merchant) -> None:
    for n in range(3):
        await a_voice(merchant, 3, f"word {n}", at=NOON + timedelta(minutes=n))
    await a_voice(await a_merchant("Meri & Sora"), 3, "of another shop")
    first, following = await words_page(merchant.id, limit=2)
    assert following is not None
    rest, end = await words_page(merchant.id, following, limit=2)
    assert [row.words for row in (*first, *rest)] == ["word 2", "word 1", "word 0"]
    assert end is None


async def test_words_are_forgotten_after_a_year_and_how_easy_it_was_stays(merchant: Merchant) -> None:
    await a_voice(merchant, 3, "old", at=NOON - timedelta(days=366))
    await a_voice(merchant, 3, "new")
    assert await database.in_tx(lambda: actions.forget_words(NOON - actions.WORDS_KEPT, 10)) == 1
    rows, _ = await words_page(merchant.id)
    assert [row.words for row in rows] == ["new"]
    assert await database.fetch_value("SELECT count(*) FROM feedback") == 2


async def test_shoppers_of_a_language_read_the_newest_news_until_it_is_taken_down(merchant: Merchant) -> None:
    session = await a_session_id(merchant)
    await actions.say(merchant.id, session, outcome="confirmed", ease=3, words=None, lang="fi", now=NOON)
    for text in ("Koodi tulee nopeammin.", "Lasku tulee heti."):
        await actions.tell(merchant.id, "fi", text, actor="staff:st_1", now=NOON)
    said = await said_of(merchant.id, session, "fi")
    assert said is not None
    assert said.news == "Lasku tulee heti."
    assert [each.words for each in (await news_told(merchant.id)).values()] == ["Lasku tulee heti."]
    in_english = await said_of(merchant.id, session, "en")
    assert in_english is not None
    assert in_english.news is None
    await actions.tell(merchant.id, "fi", " ", actor="staff:st_1", now=NOON)
    assert await news_told(merchant.id) == {}


@pytest.mark.parametrize("typed", ["", "0", "6", "٣", "1.5", "five", "1" * 5000])
def test_only_one_to_five_is_an_answer(typed: str) -> None:
    with pytest.raises(FeedbackRefused):
        ease_of(typed)


def test_too_many_words_are_refused_and_none_are_no_words() -> None:
    assert words_of("x" * WORDS_MAX) == "x" * WORDS_MAX
    assert words_of(" \x00\n ") is None
    with pytest.raises(FeedbackRefused):
        words_of("x" * (WORDS_MAX + 1))
    with pytest.raises(FeedbackRefused):
        words_of("x" * (NEWS_MAX + 1), NEWS_MAX)
