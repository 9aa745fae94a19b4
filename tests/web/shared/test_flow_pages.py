"""Every page of the flow in every state: whole, small, and free of what a strict policy would block."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import brotli
import pytest

from app.kernel import templating
from app.web.shared.static import assets
from tools.flow_samples import samples

FIRST_FLIGHT = 14_000
SCRIPT_BUDGET = 20 * 1024
VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "wbr"})
NAMES = sorted(samples("en"))

HEADINGS = {
    "method": "How do you want to pay?",
    "identify": "Who is paying?",
    "confirm": "Check and confirm",
    "outcome-confirmed": "Purchase confirmed",
    "outcome-held": "A person is checking your order",
    "outcome-refused": "This plan is not possible right now",
}


class Page(HTMLParser):
    """Elements with their attributes in order, and whether every one was closed in its place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.misplaced.append(tag)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def html(name: str, lang: str = "en", *, swapped: bool = False) -> str:
    sample = samples(lang)[name]
    template = sample.partial if swapped else sample.template
    return templating.render(template, lang, {**sample.context, "nonce": "N" * 24, "swapped": swapped})


@pytest.mark.parametrize("lang", ["en", "fi", "sv"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_and_needs_nothing_that_the_policy_forbids(name: str, lang: str) -> None:
    page = Page(html(name, lang))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]

    assert page.misplaced == []
    assert page.open == []
    assert len(ids) == len(set(ids))
    assert len(page.all("h1")) == 1
    for tag, attributes in page.elements:
        assert not [key for key in attributes if key == "style" or re.match(r"on|hx-on", key)], tag
        assert not [key for key in attributes if key in {"hx-vals", "hx-confirm"}], tag
    for script in page.all("script"):
        assert script["nonce"] == "N" * 24
        assert str(script["integrity"]).startswith("sha384-")
        assert str(script["src"]).startswith("/static/")


@pytest.mark.parametrize("name", NAMES)
def test_every_label_and_description_points_at_something(name: str) -> None:
    page = Page(html(name))
    ids = {attributes.get("id") for _, attributes in page.elements}

    for label in page.all("label"):
        assert label["for"] in ids
    for _, attributes in page.elements:
        for key in ("aria-describedby", "aria-labelledby"):
            for target in (attributes.get(key) or "").split():
                assert target in ids, (key, target)
        if (attributes.get("href") or "").startswith("#"):
            assert str(attributes["href"])[1:] in ids


@pytest.mark.parametrize("name", NAMES)
def test_a_partial_is_one_section_that_takes_the_step_s_place(name: str) -> None:
    if samples("en")[name].partial == samples("en")[name].template:
        return
    text = html(name, swapped=True).strip()

    assert text.startswith('<section id="step"')
    assert text.endswith("</section>")
    assert "<html" not in text
    assert "<noscript" not in text


@pytest.mark.parametrize(("name", "heading"), sorted(HEADINGS.items()))
def test_headings_are_those_of_the_contract(name: str, heading: str) -> None:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html(name), re.DOTALL)

    assert found is not None
    assert found[1].strip() == heading


@pytest.mark.parametrize("name", NAMES)
def test_every_form_works_without_a_script(name: str) -> None:
    for form in Page(html(name)).all("form"):
        assert form["method"] in {"get", "post"}
        assert str(form["action"]).startswith("/")
        if "hx-post" in form:
            assert form["hx-post"] == form["action"]
            asks_how_it_was = str(form["action"]).endswith("/feedback")
            place = "#feedback" if asks_how_it_was else "#step"
            assert (form["hx-target"], str(form["hx-swap"]).split()[0]) == (place, "outerHTML")


def test_no_way_to_pay_is_chosen_for_the_shopper() -> None:
    radios = [field for field in Page(html("method")).all("input") if field["type"] == "radio"]

    assert radios
    assert not [radio for radio in radios if "checked" in radio]


def test_the_terms_can_be_read_without_a_script() -> None:
    page = Page(html("method-instalments"))
    update = [button for button in page.all("button") if button.get("formmethod") == "get"]

    assert [button["formaction"] for button in update] == ["/pay/cs_0123456789abcdefghjkmnpqrs"]
    assert {select["id"] for select in page.all("select")} == {"months", "monthly"}
    assert len(page.all("option")) == 2 * 34


def test_the_warning_stands_wherever_credit_with_interest_is_offered() -> None:
    for name in ("method", "method-instalments", "confirm-instalments"):
        assert "Borrowing money costs money" in html(name)


def test_what_was_typed_stays_beside_what_is_wrong() -> None:
    text = html("identify-wrong")

    assert 'value="hello"' in text
    assert text.count("Check the number.") == 2


def test_the_first_page_fits_into_the_first_flight() -> None:
    for name in ("method", "method-instalments", "method-extras"):
        assert len(brotli.compress(html(name).encode(), quality=4)) <= FIRST_FLIGHT


def test_the_scripts_of_the_flow_are_small() -> None:
    scripts = ("vendor/htmx-4.0.1.min.js", "js/flow.js")

    assert sum(len(assets()[name].by_gzip) for name in scripts) <= SCRIPT_BUDGET


def test_a_first_load_is_at_most_four_requests() -> None:
    page = Page(html("method"))
    fetched = [link for link in page.all("link") if not str(link["href"]).startswith("data:")]

    assert 1 + len(fetched) + len(page.all("script")) + len(page.all("img")) <= 3
