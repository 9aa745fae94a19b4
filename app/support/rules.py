"""What an answer to "How easy was this?" may be."""

from __future__ import annotations

from typing import Final

from app.kernel import typed
from app.kernel.card_numbers import holds_card_number
from app.support.errors import FeedbackRefused

EASE: Final = (1, 2, 3, 4, 5)
"""From hard to easy."""
EASY: Final = 4
"""From here on somebody is counted as content."""
HARD: Final = 2
"""Up to here somebody had trouble."""
WORDS_MAX: Final = 1000
NEWS_MAX: Final = 300


def ease_of(text: str) -> int:
    """1 to 5. Raises FeedbackRefused."""
    if text not in {str(each) for each in EASE}:
        raise FeedbackRefused("ease", "malformed")
    return int(text)


def words_of(text: str, most: int = WORDS_MAX) -> str | None:
    """Clean text, None for nothing. Raises FeedbackRefused."""
    words = typed.clean(text)
    if len(words) > most:
        raise FeedbackRefused("words", "too_long")
    if holds_card_number(words):
        raise FeedbackRefused("words", "card_number")
    return words or None
