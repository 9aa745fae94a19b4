"""The catalogues of messages, kept in step with the templates.

    python -m tools.i18n update     takes new messages in, drops those that no template uses any more
    python -m tools.i18n missing    lists what a complete language still lacks

A translation is written into app/locale/<lang>/LC_MESSAGES/kolme.po by hand. English is filled in by `update`, because
its messages are their own translation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from app.kernel.i18n import COMPLETE_LANGUAGES, DOMAIN, LANGUAGES, catalogue_path
from app.kernel.templating import TEMPLATES_DIR

SUFFIXES = (".html", ".txt", ".xml")
# Git knows when a catalogue changed; a date inside it would only make two branches clash.
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)

MessageId = str | tuple[str, ...]


def extracted() -> dict[MessageId, list[str]]:
    """Every message of the templates, with the files that hold it, in the order of the files."""
    found: dict[MessageId, list[str]] = {}
    for path in sorted(TEMPLATES_DIR.rglob("*")):
        if path.suffix not in SUFFIXES:
            continue
        name = path.relative_to(TEMPLATES_DIR.parent).as_posix()
        with path.open("rb") as source:
            options = {
                "extensions": "jinja2.ext.i18n",
                "newstyle_gettext": "true",
                "trimmed": "true",
                "silent": "false",
            }
            for _, message, _, _ in extract("jinja2.ext:babel_extract", source, options=options):
                places = found.setdefault(message if isinstance(message, str) else tuple(message), [])
                if name not in places:
                    places.append(name)
    return found


def read_catalogue(lang: str) -> Catalog:
    path = catalogue_path(lang)
    if not path.exists():
        return Catalog(locale=lang, domain=DOMAIN)
    with path.open("rb") as source:
        return read_po(source, locale=lang, domain=DOMAIN)


def updated(lang: str, messages: dict[MessageId, list[str]]) -> Catalog:
    """The catalogue of ``lang`` with exactly these messages; translations that exist are kept."""
    old = read_catalogue(lang)
    new = Catalog(
        locale=lang,
        domain=DOMAIN,
        project="Kolme",
        version="1",
        header_comment=f"# Messages of Kolme: {lang}.",
        last_translator="Kolme",
        language_team="Kolme",
        copyright_holder="Kolme",
        msgid_bugs_address="the issue tracker",
        creation_date=WRITTEN,
        revision_date=WRITTEN,
        fuzzy=False,
    )
    for message_id, places in messages.items():
        known = old.get(message_id if isinstance(message_id, str) else message_id[0])
        translation = known.string if known is not None and not known.fuzzy else ""
        if lang == "en":
            translation = message_id
        new.add(message_id, translation, locations=[(place, 0) for place in places])
    return new


def update() -> None:
    messages = extracted()
    for lang in LANGUAGES:
        path = catalogue_path(lang)
        path.parent.mkdir(parents=True, exist_ok=True)
        catalogue = updated(lang, messages)
        with path.open("wb") as target:
            write_po(target, catalogue, width=100, omit_header=False, include_lineno=False)


def missing(lang: str) -> Iterator[Message]:
    """Messages without a translation, or with one that nobody has read since the English changed."""
    for message in read_catalogue(lang):
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and (message.fuzzy or not all(strings)):
            yield message


def main() -> int:
    match sys.argv[1:]:
        case ["update"]:
            update()
            return 0
        case ["missing"]:
            lacking = [(lang, message.id) for lang in COMPLETE_LANGUAGES for message in missing(lang)]
            for lang, message_id in lacking:
                print(lang, message_id)
            return 1 if lacking else 0
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main())
