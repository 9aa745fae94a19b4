"""A complete language says everything, in its own words, with every figure in its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.kernel.i18n import COMPLETE_LANGUAGES, LANGUAGES, catalogue_path
from tools.i18n import MessageId, extracted, missing, read_catalogue

# What makers call their devices and payment services is the same everywhere.
_DEVICES = frozenset({"Chromebook", "Mac", "MobilePay", "iPad", "iPhone"})
# Symbols of units are the same wherever Latin letters are written.
_UNITS = frozenset({"%(n)s s", "%(n)s min"})
# Names, and words that a language writes as English does.
SAME_AS_ENGLISH = {
    "fi": frozenset({"API", "Bulgaria", "Webhook", "webhook"}),
    "sv": frozenset({"API", "Finland", "Webhook", "webhook"}),
    # Danish took "links" and "webhooks" over with their English plural, and shares "reference", "send", "stop" and
    # "e-mail".
    "da": frozenset(
        {"API", "E-mail", "Finland", "Links", "Reference", "Send", "Stop", "Webhook", "Webhooks", "webhook"}
    ),
    # Bulgarian writes the abbreviations in Latin letters.
    "bg": frozenset({"API", "SMS"}),
}

_TAG = re.compile(r"</?[a-z][^>]*>")
_GLOSSARY_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
# "You" and "your" in Bulgarian.
_SMALL_YOU = re.compile(r"\b(ви|вас|вие|ваш\w*)\b")
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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_translation_keeps_the_markup_and_the_edges_of_its_message(lang: str) -> None:
    for message in read_catalogue(lang):
        if not message.id:
            continue
        wanted = sorted(_TAG.findall(as_tuple(message.id)[-1]))
        for text in as_tuple(message.string):
            assert sorted(_TAG.findall(text)) == wanted, message.id
            assert text == text.strip(), message.id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_counted_has_every_form_of_its_language(lang: str) -> None:
    catalogue = read_catalogue(lang)
    for message in catalogue:
        if message.pluralizable:
            forms = as_tuple(message.string)
            assert len(forms) == catalogue.num_plurals, message.id
            assert all(forms), message.id


def glossary() -> dict[str, dict[str, str]]:
    """Of each language: the one word for an English term."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
    [heading, *rows] = _GLOSSARY_ROW.findall(text)
    return {lang: {row[0]: row[at] for row in rows} for at, lang in enumerate(heading) if at}


@pytest.mark.parametrize("lang", SAME_AS_ENGLISH)
def test_one_thing_has_one_word(lang: str) -> None:
    words = glossary()[lang]
    alone = {
        str(message.id).lower(): str(message.string).lower()
        for message in read_catalogue(lang)
        if isinstance(message.id, str) and message.id.lower() in words
    }

    assert len(alone) > 12
    assert alone == {term: words[term] for term in alone}


def test_bulgarian_addresses_the_reader_with_a_capital() -> None:
    for message in read_catalogue("bg"):
        for text in as_tuple(message.string):
            assert not _SMALL_YOU.search(text), text


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

    assert same <= SAME_AS_ENGLISH[lang] | _DEVICES | _UNITS


def test_a_message_without_variables_has_no_lone_per_cent_sign(messages: dict[MessageId, list[str]]) -> None:
    for message_id in messages:
        for text in as_tuple(message_id):
            assert "%" not in placeholders(text), text
