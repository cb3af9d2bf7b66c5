"""Which page answers which path: a table of patterns, filled by the pages themselves."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from hyperhive.dashboard.services import Services
from hyperhive.errors import Refused
from hyperhive.wire.names import shown
from hyperhive.wire.records import Session

LONGEST_NUMBER: Final = 18
"""Digits of the longest number that the database holds whatever they are."""


@frozen(kw_only=True)
class Asked:
    """One request, as pages see it: who asks is known, and may ask this.

    `arguments` are the parts of the path that its pattern names; `query` and `form` what came with it, each name with
    its values in order. `session` is None on pages that need none; `client` is how the
    browser calls itself. `part`: an open page asks, to renew its parts.
    """

    path: str
    services: Services
    session: Session | None = None
    client: str = ""
    part: bool = False
    arguments: Mapping[str, str] = field(factory=dict)
    query: Mapping[str, Sequence[str]] = field(factory=dict)
    form: Mapping[str, Sequence[str]] = field(factory=dict)

    def said(self, name: str) -> str | None:
        """The last value of a field of the form, stripped; None if it is missing or empty."""
        return _last(self.form, name)

    def wanted(self, name: str) -> str | None:
        """The last value of a field of the query, stripped; None if it is missing or empty."""
        return _last(self.query, name)

    def number(self, name: str, what: str) -> int | None:
        """A number in the query or the form, which is `what`; None if it is missing. Raises Refused if it is none."""
        value = self.wanted(name) or self.said(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdecimal() and len(value) <= LONGEST_NUMBER):
            message = f"'{name.replace('_', ' ')}' is {what}, not {shown(value)}"
            raise Refused(message)
        return int(value)

    def back(self, page: str) -> str:
        """The page on which the form stood, as its field `back` says; `page` if it says none that is here."""
        back = self.said("back") or page
        return back if "GET" in methods(back) else page


def _last(fields: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = fields.get(name)
    return (values[-1].strip() or None) if values else None


@frozen
class Page:
    """An answer made from a template, which sees the context."""

    template: str
    context: Mapping[str, Any] = field(factory=dict)
    status: int = 200


@frozen
class Elsewhere:
    """The answer to a form that has done its work: look there. `said` is shown there once, as what was done."""

    path: str
    said: str | None = None


@frozen
class LetIn:
    """The answer to who opened a link: the key of a new session, which the browser keeps."""

    key: str = field(repr=False)


Answer = Page | Elsewhere | LetIn
Handler = Callable[[Asked], Awaitable[Answer]]


class NotFound(Exception):
    """There is no such thing here; the text is a sentence."""


@frozen
class Route:
    """One page or form: `POST` decides something, `GET` only looks."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


ROUTES: Final[list[Route]] = []


def get(pattern: str) -> Callable[[Handler], Handler]:
    """Let the handler answer GET of that path, in which `<name>` and `<id:int>` stand for a part."""
    return _route("GET", pattern)


def post(pattern: str) -> Callable[[Handler], Handler]:
    """Let the handler answer POST of that path; only a session that may decide comes so far, with its token."""
    return _route("POST", pattern)


def _route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    made = re.sub(r"<(\w+):int>", rf"(?P<\1>[0-9]{{1,{LONGEST_NUMBER}}})", pattern)
    compiled = re.compile(re.sub(r"(?<!P)<(\w+)>", r"(?P<\1>[^/]{1,128})", made))

    def add(handler: Handler) -> Handler:
        ROUTES.append(Route(method, compiled, handler))
        return handler

    return add


def find(method: str, path: str) -> tuple[Handler | None, Mapping[str, str]]:
    """What answers that, and its arguments."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match is not None and route.method == method:
            return route.handler, match.groupdict()
    return None, {}


def methods(path: str) -> list[str]:
    """What that path takes; empty where there is none of that name."""
    return sorted({route.method for route in ROUTES if route.pattern.fullmatch(path)})
