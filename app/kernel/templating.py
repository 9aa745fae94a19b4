"""Jinja2 as Kolme uses it: strict, escaping, translated.

Templates are trusted files of this repository; text from people only ever arrives as a value, and is escaped.
A name that is not in the context is an error and not an empty string.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    nodes,
    pass_eval_context,
)
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.nodes import EvalContext
from jinja2.visitor import NodeTransformer
from markupsafe import escape

from app.kernel.i18n import (
    LANGUAGES,
    DateStyle,
    catalogue_path,
    current_language,
    format_date,
    format_datetime,
    format_money,
    format_month,
    format_number,
    format_percent,
    speaking,
    translations,
)

if TYPE_CHECKING:
    from app.kernel.money import Money

TEMPLATES_DIR: Final = Path(__file__).resolve().parent.parent.parent / "templates"


@lru_cache(maxsize=len(LANGUAGES))
def environment(lang: str) -> Environment:
    """The one environment of a language in this process. Web code adds its globals to `GLOBALS` at start."""
    env = _Spoken(
        lang,
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=_escapes,
        undefined=StrictUndefined,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        # The words are compiled in, so that a changed catalogue must not meet what was compiled before.
        bytecode_cache=FileSystemBytecodeCache(pattern=f"__kolme_{lang}_{_catalogue_digest(lang)}_%s.cache"),
    )
    # `{% trans %}` and `_()` name their variables and are escaped by the two functions below.
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    env.globals = GLOBALS
    env.filters.update(
        money=_money,
        date=_date,
        month=_month,
        datetime=_datetime,
        percent=_percent,
        number=_number,
        hundredths=_hundredths,
    )
    return env


class _Spoken(Environment):
    """Jinja2 in one language: a message without variables is looked up once, when its template is compiled."""

    def __init__(self, lang: str, **options: Any) -> None:
        super().__init__(**options)
        self.lang = lang

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain mapping: every import inside a template asks it for its keys, which a chain of mappings answers
        slowly. What is added to `GLOBALS` is there before the first template is compiled."""
        return {**self.globals, **(d or {})}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        return cast(nodes.Template, _Translate(self.lang, escaped=_escapes(name)).visit(tree))


class _Translate(NodeTransformer):
    def __init__(self, lang: str, *, escaped: bool) -> None:
        self._lang = lang
        self._escaped = escaped

    def visit_Call(self, node: nodes.Call, *args: Any, **kwargs: Any) -> nodes.Node:  # noqa: N802  the visitor's own form
        self.generic_visit(node, *args, **kwargs)
        called, given = node.node, node.args
        if not isinstance(called, nodes.Name) or called.name not in {"_", "gettext"} or node.kwargs:
            return node
        if len(given) != 1 or not isinstance(given[0], nodes.Const):
            return node
        return nodes.Const(_unvaried(self._lang, given[0].value, escaped=self._escaped), lineno=node.lineno)


def _catalogue_digest(lang: str) -> str:
    return hashlib.sha256(catalogue_path(lang).read_bytes()).hexdigest()[:16]


def render_text(name: str, lang: str, /, **context: object) -> str:
    """The template ``name`` in the language ``lang``, as text. For mails, messages and pages alike."""
    return render(name, lang, context)


def render(name: str, lang: str, context: Mapping[str, object]) -> str:
    """As ``render_text``, with the context as one mapping; ``lang`` is always in it."""
    with speaking(lang):
        return environment(lang).get_template(name).render(dict(context, lang=lang))


def _escapes(name: str | None) -> bool:
    """Only a plain text template (a mail, an SMS) is left as it is; everything else is HTML."""
    return name is None or not name.endswith(".txt")


@pass_eval_context
def _gettext(evaluation: EvalContext, message: str, /, **variables: object) -> str:
    if not variables:
        return _unvaried(current_language(), message, escaped=bool(evaluation.autoescape))
    return _filled(evaluation, translations(current_language()).ugettext(message), variables)


@lru_cache(maxsize=4_096)
def _unvaried(lang: str, message: str, *, escaped: bool) -> str:
    """Most messages hold no variable: each is looked up and escaped once a language. They come from our templates."""
    text = translations(lang).ugettext(message)
    return escape(text) % {} if escaped else text % {}


@pass_eval_context
def _ngettext(evaluation: EvalContext, singular: str, plural: str, n: int, /, **variables: object) -> str:
    text = translations(current_language()).ungettext(singular, plural, n)
    return _filled(evaluation, text, {"n": n, "num": n} | variables)


def _filled(evaluation: EvalContext, text: str, variables: Mapping[str, object]) -> str:
    # A translation may hold no markup: in HTML it is escaped like any other text, and so is what is filled in.
    # A per cent sign is written `%%`, with variables or without, as in every gettext catalogue.
    if not evaluation.autoescape:
        return text % variables
    return escape(text) % {key: escape(value) for key, value in variables.items()}


def _money(money: Money) -> str:
    return format_money(money, current_language())


def _date(day: date, style: DateStyle = "medium") -> str:
    return format_date(day, current_language(), style)


def _month(day: date) -> str:
    return format_month(day, current_language())


def _datetime(moment: datetime, zone: str = "Europe/Helsinki") -> str:
    return format_datetime(moment, current_language(), zone)


def _percent(percent: Decimal) -> str:
    return format_percent(percent, current_language())


def _number(number: int) -> str:
    return format_number(number, current_language())


def _hundredths(hundredths: int) -> str:
    """A number that is kept in hundredths, without zeros at its end: 150 -> 1.5."""
    return format_number(Decimal(hundredths).scaleb(-2), current_language())


# One mapping for all languages: what web code adds once is there in each.
GLOBALS: Final[dict[str, Any]] = {
    **DEFAULT_NAMESPACE,
    "_": _gettext,
    "gettext": _gettext,
    "ngettext": _ngettext,
}
