"""Templates escape what people wrote, name what is missing, and speak the language of their page."""

from __future__ import annotations

import pytest
from jinja2 import UndefinedError
from jinja2.loaders import DictLoader

from app.kernel import templating
from app.kernel.i18n import speaking
from app.kernel.money import Money


def rendered(source: str, *, lang: str = "en", file: str = "page.html", **context: object) -> str:
    env = templating.environment(lang).overlay(
        loader=DictLoader({file: source}), cache_size=0, bytecode_cache=None
    )
    with speaking(lang):
        return env.get_template(file).render(context)


def test_what_people_wrote_is_escaped_in_a_page() -> None:
    assert rendered("{{ who }}", who="<script>") == "&lt;script&gt;"


def test_what_is_filled_into_a_message_is_escaped_in_a_page() -> None:
    assert rendered('{{ _("Back to %(shop)s", shop=shop) }}', shop="<b>&") == "Back to &lt;b&gt;&amp;"


def test_a_text_mail_is_not_escaped() -> None:
    source = '{{ _("Back to %(shop)s", shop=shop) }} {{ shop }}'

    assert rendered(source, file="mail.txt", shop="Tom & Jerry's") == "Back to Tom & Jerry's Tom & Jerry's"


def test_a_name_that_was_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ nothing_of_this_name }}")


def test_plurals_follow_the_number() -> None:
    source = '{{ ngettext("%(n)s item", "%(n)s items", n) }}'

    assert rendered(source, n=1) == "1 item"
    assert rendered(source, n=2, lang="fi") == "2 tuotetta"


def test_a_message_and_a_price_inside_of_a_macro_speak_the_page_s_language() -> None:
    source = '{% macro m(x) %}{{ _("Continue") }} {{ x|money }}{% endmacro %}{{ m(x) }}'

    assert rendered(source, lang="fi", x=Money(150, "EUR")) == "Jatka 1,50\u00a0€"


def test_rendering_outside_of_a_language_is_an_error() -> None:
    template = templating.environment("en").from_string('{{ _("Back to %(shop)s", shop="Havu") }}')

    with pytest.raises(LookupError):
        template.render()


def test_a_message_without_variables_is_compiled_in_its_language_and_escaped() -> None:
    assert rendered('{{ _("Continue") }}', lang="fi") == "Jatka"
    assert rendered('<a title="{{ _("Continue") }}">', lang="sv") != rendered(
        '<a title="{{ _("Continue") }}">', lang="en"
    )
    assert rendered('{{ _("<b>%%</b>") }}') == "&lt;b&gt;%&lt;/b&gt;"
    assert rendered('{{ _("<b>%%</b>") }}', file="mail.txt") == "<b>%</b>"
