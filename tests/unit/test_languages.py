"""A complete language says everything, in its own words, with every figure in its place."""

from __future__ import annotations

import re

import pytest

from app.kernel.i18n import COMPLETE_LANGUAGES, LANGUAGES, catalogue_path
from tools.i18n import MessageId, extracted, missing, read_catalogue

# Names, and words that a language writes as English does.
SAME_AS_ENGLISH = {
    "fi": frozenset({"API", "Webhook", "webhook"}),
    "sv": frozenset({"API", "Webhook", "webhook"}),
    # Danish took "links" and "webhooks" over with their English plural, and shares "reference" and "e-mail".
    "da": frozenset({"API", "E-mail", "Links", "Reference", "Webhook", "Webhooks", "webhook"}),
    # Bulgarian writes the abbreviations in Latin letters.
    "bg": frozenset({"API", "SMS"}),
}

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%|%")


def placeholders(text: str) -> set[str]:
    return {match.group(0) for match in _PLACEHOLDER.finditer(text)}


def as_tuple(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def messages() -> dict[MessageId, list[str]]:
    return extracted()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_catalogue_holds_exactly_the_messages_of_the_templates(
    lang: str, messages: dict[MessageId, list[str]]
) -> None:
    assert catalogue_path(lang).exists()
    held = {
        message.id if isinstance(message.id, str) else tuple(message.id)
        for message in read_catalogue(lang)
        if message.id
    }

    assert held == set(messages), "run: python -m tools.i18n update"


@pytest.mark.parametrize("lang", COMPLETE_LANGUAGES)
def test_a_complete_language_lacks_nothing(lang: str) -> None:
    assert [message.id for message in missing(lang)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_translation_keeps_every_figure_of_its_message(lang: str) -> None:
    for message in read_catalogue(lang):
        if not message.id:
            continue
        wanted = set().union(*(placeholders(text) for text in as_tuple(message.id)))
        for text in as_tuple(message.string):
            assert not text or placeholders(text) == wanted, message.id


def test_english_is_its_own_translation() -> None:
    for message in read_catalogue("en"):
        if message.id:
            assert as_tuple(message.string) == as_tuple(message.id)


@pytest.mark.parametrize("lang", SAME_AS_ENGLISH)
def test_a_translation_is_not_english(lang: str) -> None:
    same = {
        message.id
        for message in read_catalogue(lang)
        if message.id and as_tuple(message.string) == as_tuple(message.id)
    }

    assert same <= SAME_AS_ENGLISH[lang]


def test_a_message_without_variables_has_no_lone_per_cent_sign(messages: dict[MessageId, list[str]]) -> None:
    for message_id in messages:
        for text in as_tuple(message_id):
            assert "%" not in placeholders(text), text
