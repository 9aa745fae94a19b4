"""Languages: the catalogues, and money, dates and numbers as each language writes them.

The catalogues are the text files ``app/locale/<lang>/LC_MESSAGES/kolme.po``. They are read once and kept in memory,
so that no compiled file has to be built or checked in. The language of the page being rendered is a context
variable: macros that a template imports do not see the page's context, and still have to speak its language.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from babel.dates import format_date as babel_date
from babel.dates import format_skeleton, format_time, get_datetime_format, get_timezone
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from babel.numbers import format_percent as babel_percent
from babel.support import Translations

if TYPE_CHECKING:
    from app.kernel.money import Money

LANGUAGES: Final = ("fi", "sv", "en", "da", "bg")
COMPLETE_LANGUAGES: Final = LANGUAGES
LOCALE_DIR: Final = Path(__file__).resolve().parent.parent / "locale"
DOMAIN: Final = "kolme"

# English is written the European way: day before month, and the euro sign first.
_LOCALES: Final = {"fi": "fi_FI", "sv": "sv_SE", "en": "en_GB", "da": "da_DK", "bg": "bg_BG"}

DateStyle = Literal["short", "medium", "long"]

_current: ContextVar[str] = ContextVar("language_of_the_page")


def catalogue_path(lang: str) -> Path:
    return LOCALE_DIR / lang / "LC_MESSAGES" / f"{DOMAIN}.po"


@lru_cache(maxsize=len(LANGUAGES))
def translations(lang: str) -> Translations:
    """The translations of one language; a message that has none is shown in English."""
    if lang not in LANGUAGES:
        raise ValueError(f"no such language: {lang!r}")
    path = catalogue_path(lang)
    if not path.exists():
        return Translations(fp=None, domain=DOMAIN)
    with path.open("rb") as source:
        catalogue = read_po(source, locale=_LOCALES[lang], domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(fp=compiled, domain=DOMAIN)


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Everything rendered inside speaks ``lang``."""
    if lang not in LANGUAGES:
        raise ValueError(f"no such language: {lang!r}")
    token = _current.set(lang)
    try:
        yield
    finally:
        _current.reset(token)


def current_language() -> str:
    """The language of the page being rendered; LookupError outside of ``speaking``."""
    return _current.get()


def best_language(wanted: str, default: str = "en") -> str:
    """The first language of an Accept-Language header (or of a locale such as ``fi-FI``) that Kolme speaks."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(wanted[:500].split(",")):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().replace("_", "-").split("-")[0].lower()
        quality = re.fullmatch(r"\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", parameters)
        weight = float(quality[1]) if quality else 1.0
        if primary in LANGUAGES and weight > 0:
            ranked.append((-weight, place, primary))
    return min(ranked)[2] if ranked else default


def format_money(money: Money, lang: str) -> str:
    return _money_text(money.amount_minor, money.currency, lang)


def format_date(day: date, lang: str, style: DateStyle = "medium") -> str:
    return _date_text(day, lang, style)


@lru_cache(maxsize=1_024)
def format_month(day: date, lang: str) -> str:
    """The month of a day, with its year, as a heading begins with it: ``November 2026``, ``Marraskuu 2026``."""
    text = str(format_skeleton("yMMMM", day, locale=_LOCALES[lang]))
    return text[:1].upper() + text[1:]


def format_datetime(moment: datetime, lang: str, zone: str = "Europe/Helsinki") -> str:
    """Date and time of day (to the minute) in a zone named as in the IANA list; ``moment`` is aware."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be shown")
    local = moment.astimezone(get_timezone(zone))
    clock = format_time(local, format="short", locale=_LOCALES[lang])
    both = str(get_datetime_format("medium", locale=_LOCALES[lang]))
    return both.replace("{1}", format_date(local.date(), lang)).replace("{0}", clock).replace("'", "")


@lru_cache(maxsize=4_096)
def format_number(number: int | Decimal, lang: str) -> str:
    """A number as the language writes it, with as many decimals as it needs: 12500 -> ``12,500``, 1.5 -> ``1.5``."""
    return str(format_decimal(number, locale=_LOCALES[lang]))


def format_percent(percent: Decimal, lang: str) -> str:
    """A number of percent, with one decimal or two: 14.9 -> ``14.9%``, 15.97 -> ``15.97%``."""
    return _percent_text(percent, lang)


@dataclass(frozen=True, slots=True)
class _MoneyShape:
    """How one language writes one currency; learnt from CLDR once, so that a price costs no parsing of patterns."""

    prefix: str
    suffix: str
    negative_prefix: str
    negative_suffix: str
    group: str
    decimal: str
    grouped_from: int


@lru_cache(maxsize=64)
def _money_shape(currency: str, lang: str) -> _MoneyShape:
    locale = _LOCALES[lang]
    large = format_currency(Decimal("1234567.89"), currency, locale=locale)
    small = format_currency(Decimal("1234.56"), currency, locale=locale)
    negative = format_currency(Decimal("-1234567.89"), currency, locale=locale)
    digits = re.search(r"1(\D*)234(?:\1)567(\D+)89", large)
    if digits is None:
        raise ValueError(f"money in {currency} is not written in groups of three in {lang}")
    before, _, after = negative.partition(digits[0])
    return _MoneyShape(
        prefix=large[: digits.start()],
        suffix=large[digits.end() :],
        negative_prefix=before,
        negative_suffix=after,
        group=digits[1],
        decimal=digits[2],
        # Some languages (Bulgarian) group only from five digits on.
        grouped_from=10_000 if "1234" in small else 1_000,
    )


@lru_cache(maxsize=16_384)
def _money_text(amount_minor: int, currency: str, lang: str) -> str:
    shape = _money_shape(currency, lang)
    whole, minor = divmod(abs(amount_minor), 100)
    text = f"{whole:,}".replace(",", shape.group) if whole >= shape.grouped_from else str(whole)
    figure = f"{text}{shape.decimal}{minor:02d}"
    if amount_minor < 0:
        return f"{shape.negative_prefix}{figure}{shape.negative_suffix}"
    return f"{shape.prefix}{figure}{shape.suffix}"


@lru_cache(maxsize=4_096)
def _date_text(day: date, lang: str, style: DateStyle) -> str:
    return babel_date(day, format=style, locale=_LOCALES[lang])


@lru_cache(maxsize=4_096)
def _percent_text(percent: Decimal, lang: str) -> str:
    pattern = "#,##0.0#%" if lang == "en" else "#,##0.0#\u00a0%"
    return babel_percent(percent / 100, format=pattern, locale=_LOCALES[lang])
