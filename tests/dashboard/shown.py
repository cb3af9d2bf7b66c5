"""A page as a test sees it: its text, its forms, its links, without a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

VOID: Final = {"br", "hr", "img", "input", "link", "meta", "wbr", "area", "col"}
SILENT: Final = {"script", "style", "template"}
APART: Final = {
    "p",
    "div",
    "li",
    "td",
    "th",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "section",
    "dt",
    "dd",
    "option",
    "pre",
    "br",
}


class Form:
    """One form: where it goes, its fields with what they hold, and the words of its buttons with what each adds."""

    def __init__(self, action: str, method: str) -> None:
        self.action = action
        self.method = method
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self.added: list[dict[str, str]] = []

    def pressed(self, words: str) -> dict[str, str]:
        """What is sent when the button of those words is pressed."""
        return {**self.fields, **self.added[self.buttons.index(words)]}


class Shown(HTMLParser):
    """One answer: `status`, `headers` (names in lower case), `path` where it was found, and, of a page, what is on it.

    `text` is what one reads, with whitespace folded; `part(id)` the same of one element; `html` the answer itself.
    `tags` are all elements with their attributes in order.
    """

    def __init__(self, status: int, headers: dict[str, str], body: bytes, path: str) -> None:
        super().__init__(convert_charrefs=True)
        self.status = status
        self.headers = headers
        self.body = body
        self.path = path
        self.html = "" if "content-encoding" in headers else body.decode()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self._open: list[tuple[str, str | None]] = []
        self._texts: dict[str | None, list[str]] = {None: []}
        self._form: Form | None = None
        self._button: list[str] | None = None
        if "html" in headers.get("content-type", ""):
            self.feed(self.html)
            self.close()
            assert not self._open, f"{path} leaves {[tag for tag, _ in self._open]} open"

    @property
    def text(self) -> str:
        """Everything that one reads on the page."""
        return self._folded(None)

    @property
    def links(self) -> list[str]:
        """Where its links lead."""
        return [attributes["href"] for tag, attributes in self.tags if tag == "a" and "href" in attributes]

    @property
    def ids(self) -> list[str]:
        """The ids of its elements, each of which must be there once."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def part(self, id_: str) -> str:
        """What one reads in the element of that id; fails if there is none."""
        assert id_ in self.ids, f"{self.path} has no element {id_!r}, but {self.ids}"
        return self._folded(id_)

    @property
    def decisions(self) -> list[str]:
        """Where its forms lead that decide something; to log out decides nothing."""
        return [form.action for form in self.forms if form.method == "post" and form.action != "/leave"]

    def form(self, action: str) -> Form:
        """The first form that goes there; fails if there is none."""
        for form in self.forms:
            if form.action == action:
                return form
        message = f"{self.path} has no form to {action}, but to {[form.action for form in self.forms]}: {self.text}"
        raise AssertionError(message)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag in APART:
            self._add(" ")
        if tag not in VOID:
            self._open.append((tag, attributes.get("id")))
        if "id" in attributes:
            self._texts.setdefault(attributes["id"], [])
        if tag == "form":
            self._form = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None:
            self._take_field(self._form, tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self._open, f"{self.path} closes <{tag}> that is not open"
        assert self._open[-1][0] == tag, f"{self.path} closes <{tag}> within {self._open}"
        self._open.pop()
        if tag in APART:
            self._add(" ")
        if tag == "button" and self._form is not None and self._button is not None:
            self._form.buttons.append(_folded(self._button))
            self._button = None
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if not any(tag in SILENT for tag, _ in self._open):
            self._add(data)

    def _add(self, data: str) -> None:
        for id_ in {None, *(id_ for _, id_ in self._open if id_ is not None)}:
            self._texts[id_].append(data)
        if self._button is not None:
            self._button.append(data)

    def _take_field(self, form: Form, tag: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "text")
        if tag == "button":
            self._button = []
            form.added.append({attributes["name"]: attributes.get("value", "")} if "name" in attributes else {})
        if tag not in {"input", "textarea", "select"} or "name" not in attributes:
            return
        if kind not in {"checkbox", "radio"} or "checked" in attributes:
            form.fields[attributes["name"]] = attributes.get("value", "")

    def _folded(self, id_: str | None) -> str:
        return _folded(self._texts[id_])


def _folded(texts: list[str]) -> str:
    return re.sub(r"\s+", " ", "".join(texts)).strip()
