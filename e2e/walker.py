"""A browser without a screen and without scripts: it reads HTML, follows links and posts forms, as such browsers do.

It knows a field by its label and a button by its words, so that what works here works for a person with JavaScript
turned off. It is quick, which makes it the way to bring a session to a state before a real browser looks at it.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from e2e.browsing import next_address

# Read once: every page comes over plain HTTP, and reading the certificate store takes longer than a page.
_TLS = ssl.create_default_context()
_VOID = frozenset({"input", "br", "img", "meta", "link", "hr"})
_TEXTUAL = frozenset({"text", "email", "tel", "search", "password", "number", "date"})


@dataclass(slots=True)
class Control:
    """One field of a form. `value` is what would be sent; a radio or checkbox is sent only while `checked`."""

    kind: str
    id: str
    name: str
    value: str
    checked: bool = False
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Button:
    words: str
    attributes: dict[str, str]


@dataclass(slots=True)
class Form:
    attributes: dict[str, str]
    controls: list[Control] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)


class Document(HTMLParser):
    """What a page holds, as far as a walker needs it: headings, links, labels and forms."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.labels: dict[str, str] = {}
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: Control | None = None
        self._area: Control | None = None
        # The element whose words are being gathered: its tag, its attributes, the words so far.
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        # How deep inside something that no reader is told (aria-hidden).
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in _VOID and (self._hidden or given.get("aria-hidden") == "true"):
            self._hidden += 1
        if tag in {"h1", "h2", "a", "label", "button", "option"}:
            self._open.append((tag, given, []))
        match tag:
            case "form":
                self._form = Form(given)
                self.forms.append(self._form)
            case "input" if self._form is not None:
                kind = given.get("type", "text")
                value = given.get("value", "on" if kind in {"radio", "checkbox"} else "")
                control = Control(kind, given.get("id", ""), given.get("name", ""), value, "checked" in given)
                self._form.controls.append(control)
            case "textarea" if self._form is not None:
                self._area = Control("textarea", given.get("id", ""), given.get("name", ""), "")
                self._form.controls.append(self._area)
            case "select" if self._form is not None:
                self._select = Control("select", given.get("id", ""), given.get("name", ""), "")
                self._form.controls.append(self._select)

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data
        if not self._hidden:
            for _, _, words in self._open:
                words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag not in _VOID:
            self._hidden -= 1
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None
        elif self._open and self._open[-1][0] == tag:
            _, given, gathered = self._open.pop()
            self._close(tag, given, " ".join("".join(gathered).split()))

    def _close(self, tag: str, given: dict[str, str], words: str) -> None:
        match tag:
            case "h1" | "h2":
                self.headings.append(words)
            case "a":
                self.links.append((given.get("aria-label", words), given.get("href", "")))
            case "label":
                self.labels[given.get("for", "")] = words
            case "button" if self._form is not None:
                self._form.buttons.append(Button(given.get("aria-label", words), given))
            case "option" if self._select is not None:
                value = given.get("value", words)
                if "selected" in given or not self._select.options:
                    self._select.value = value
                self._select.options[words] = value


@dataclass(slots=True)
class Walker:
    """`page` is the document that is open, `response` how it came."""

    client: httpx.Client
    response: httpx.Response
    page: Document

    @classmethod
    def at(
        cls, base_url: str, path: str, *, lang: str = "en", cookies: Mapping[str, str] | None = None
    ) -> Walker:
        """A new browser, from a network address of its own, that opens `path` first. `cookies` make it another's."""
        headers = {"X-Forwarded-For": next_address(), "Accept-Language": lang}
        # Nothing is kept open between requests: a walker is let go of like a person who leaves.
        limits = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(
            base_url=base_url,
            headers=headers,
            cookies=dict(cookies or {}),
            follow_redirects=True,
            timeout=20,
            limits=limits,
            verify=_TLS,
        )
        return cls._opened(client, client.get(path))

    @classmethod
    def _opened(cls, client: httpx.Client, response: httpx.Response) -> Walker:
        return cls(client, response, Document(response.text))

    @property
    def heading(self) -> str:
        return self.page.headings[0] if self.page.headings else ""

    @property
    def path(self) -> str:
        """The address that is open, with its query, below the product's own."""
        url = urlsplit(str(self.response.url))
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.client.cookies.jar}

    def open(self, path: str) -> Walker:
        return self._show(self.client.get(path))

    def follow(self, words: str) -> Walker:
        """The link of that name."""
        [address, *_] = [href for name, href in self.page.links if name == words]
        return self.open(urljoin(str(self.response.url), address))

    def press(
        self,
        words: str,
        typed: Mapping[str, str] | None = None,
        *,
        chosen: Collection[str] = (),
        value: str | None = None,
    ) -> Walker:
        """A button, after typing into fields and picking from lists by their labels, and choosing radios by theirs.

        `value` tells buttons of the same words apart.
        """
        form, button = self._form_with(words, {*(typed or {}), *chosen}, value)
        for label, text in (typed or {}).items():
            control = self._labelled(form, label)
            control.value = control.options.get(text, text) if control.kind == "select" else text
        for label in chosen:
            radio = self._labelled(form, label)
            for other in form.controls:
                other.checked = other is radio or (other.checked and other.name != radio.name)
        return self._submit(form, button)

    def _form_with(self, words: str, labels: Collection[str], value: str | None) -> tuple[Form, Button]:
        for form in self.page.forms:
            known = {self.page.labels.get(control.id) for control in form.controls}
            for button in form.buttons:
                is_meant = button.words == words and value in {None, button.attributes.get("value")}
                if is_meant and known.issuperset(labels):
                    return self._form_of(button, form), button
        fields = ", ".join(sorted(labels))
        raise AssertionError(f"no form with the button {words!r} and {fields!r} at {self.response.url}")

    def _form_of(self, button: Button, around: Form) -> Form:
        """The form that the button stands in, or the other one that it names."""
        name = button.attributes.get("form")
        return next((form for form in self.page.forms if name and form.attributes.get("id") == name), around)

    def _labelled(self, form: Form, label: str) -> Control:
        return next(c for c in form.controls if self.page.labels.get(c.id) == label)

    def _submit(self, form: Form, button: Button) -> Walker:
        pairs = [(c.name, c.value) for c in form.controls if c.name and _is_sent(c)]
        if "name" in button.attributes:
            pairs.append((button.attributes["name"], button.attributes.get("value", "")))
        here = str(self.response.url)
        target = button.attributes.get("formaction") or form.attributes.get("action", "")
        address = urljoin(here, target)
        method = button.attributes.get("formmethod") or form.attributes.get("method", "get")
        if method.lower() == "get":
            return self._show(self.client.get(address, params=urlencode(pairs)))
        same = urlsplit(here)[:2] == urlsplit(address)[:2]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": "{0.scheme}://{0.netloc}".format(urlsplit(here)),
            "Sec-Fetch-Site": "same-origin" if same else "cross-site",
        }
        return self._show(self.client.post(address, content=urlencode(pairs), headers=headers))

    def send(self, path: str, fields: Mapping[str, str], *, agent: str = "") -> Walker:
        """What only a script of the page would post. `agent`: what the browser says of itself."""
        headers = {"Sec-Fetch-Site": "same-origin", "User-Agent": agent}
        return self._show(self.client.post(path, data=dict(fields), headers=headers))

    def _show(self, response: httpx.Response) -> Walker:
        self.response, self.page = response, Document(response.text)
        return self


def _is_sent(control: Control) -> bool:
    if control.kind in {"radio", "checkbox"}:
        return control.checked
    return control.kind in _TEXTUAL or control.kind in {"hidden", "select", "textarea"}
