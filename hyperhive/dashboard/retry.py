"""A form that was refused, to be mended and sent again: its fields as a person knows them, and the page it stood on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from hyperhive.dashboard.guard import SECRET
from hyperhive.dashboard.reading import Fields
from hyperhive.dashboard.routes import methods

_LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "to": "To",
    "in_reply_to": "In reply to message (may stay empty)",
    "model": "Model from the next turn on; empty: the configured one",
    "typed": "The name, to say that you mean it",
    "choice": "Chosen",
    "text": "Your answer",
    "body": "Your words",
    "note": "Comment, for the manager",
}
"""The fields that people fill in, in the order in which they are shown."""
_LONG: Final = ("text", "body", "note")


@frozen(kw_only=True)
class Field:
    """One field that somebody filled in: `values` is what was typed or chosen, `long` that it takes many lines."""

    name: str
    label: str
    values: Sequence[str]
    long: bool


def fields(form: Fields) -> list[Field]:
    """What a person typed or chose; what the page itself sent along is not among it, and no secret."""
    return [
        Field(name=name, label=label, values=form[name], long=name in _LONG)
        for name, label in _LABELS.items()
        if name in form
    ]


def hidden(form: Fields) -> Iterator[tuple[str, str]]:
    """What the page itself sent along, one value after the other."""
    for name, values in form.items():
        if name not in _LABELS and name not in SECRET:
            yield from ((name, value) for value in values)


def page_before(url: str, referer: str | None, path: str) -> str:
    """The page of the console at `url` that a form to that path stood on, as the browser says, or else the nearest."""
    if referer is not None and referer.startswith(f"{url}/"):
        page = referer.removeprefix(url)
        if "GET" in methods(page.partition("?")[0]):
            return page
    while path and "GET" not in methods(path):
        path = path.rpartition("/")[0]
    return path or "/"
