"""On which line of a TOML document something stands: what `tomllib` knows while it reads, and does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Final

from attrs import define, field

Place = tuple[str | int, ...]
"""The way to a value from the top of the document: keys of tables, indices of arrays."""

_SKIPPED: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_SCALAR: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?""""{0,2}'
    r"|'''.*?''''{0,2}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|[^\s,\]}#](?:[^,\]}#\n]*[^\s,\]}#])?",
    re.DOTALL,
)


DEEPEST: Final = 16
"""Steps of a way; `tomllib` takes seconds for keys of thousands."""


class TooDeep(Exception):
    """A document whose values stand deeper than any that is read here, at `line`."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def lines(text: str) -> dict[Place, int]:
    """The first line (from 1) of every value in a document, of whole tables and arrays too.

    Takes a time that grows with the document alone, whatever stands in it, so it can go before `tomllib`. Nothing of
    what is no TOML: no line is better than a wrong one. Raises TooDeep.
    """
    scan = _Scan(text.replace("\r\n", "\n"))
    try:
        scan.document()
    except _Lost:
        return {}
    return scan.found


class _Lost(Exception):
    """What stands there is not what TOML has at that place."""


@define
class _Scan:
    """One walk through a document, `at` so many characters into it, in the table `table`."""

    text: str
    at: int = 0
    line: int = 1
    table: Place = ()
    found: dict[Place, int] = field(factory=dict)
    lengths: dict[Place, int] = field(factory=dict)
    """Of the arrays of tables, as far as they have been seen."""

    def document(self) -> None:
        while self._skip():
            if self._next("["):
                self._header(array=self._next("["))
            else:
                self._pair(self.table)

    def _header(self, *, array: bool) -> None:
        line = self.line
        *above, last = self._keys()
        at = self._down((), above, line)
        if array:
            at = self._down(at, [last], line, entering=False)
            index = self.lengths[at] = self.lengths.get(at, -1) + 1
            self.table = (*at, index)
            self._note(self.table, line)
        else:
            self.table = self._down(at, [last], line)
        self._expect("]]" if array else "]")

    def _pair(self, table: Place) -> None:
        line = self.line
        place = self._down(table, self._keys(), line)
        self._expect("=")
        self._take(_BLANK)
        self._value(place)

    def _value(self, place: Place) -> None:
        self._note(place, self.line)
        if self._next("["):
            for index in self._items("]"):
                self._value((*place, index))
        elif self._next("{"):
            for _ in self._items("}"):
                self._pair(place)
        else:
            self._take(_SCALAR, some=True)

    def _items(self, end: str) -> Iterator[int]:
        index = 0
        self._skip()
        while not self._next(end):
            yield index
            index += 1
            self._skip()
            self._next(",")
            if not self._skip():
                raise _Lost

    def _down(self, place: Place, keys: list[str], line: int, *, entering: bool = True) -> Place:
        """Where those keys lead from `place`: into the last table of an array of tables."""
        for key in keys:
            place = (*place, key)
            self._note(place, line)
            if entering and place in self.lengths:
                place = (*place, self.lengths[place])
        return place

    def _keys(self) -> list[str]:
        keys = [self._key()]
        while self._next("."):
            keys.append(self._key())
        return keys

    def _key(self) -> str:
        self._take(_BLANK)
        written = self._take(_KEY, some=True)
        self._take(_BLANK)
        return str(tomllib.loads(f"it = {written}")["it"]) if written[0] in "\"'" else written

    def _note(self, place: Place, line: int) -> None:
        if len(place) > DEEPEST:
            raise TooDeep(line)
        self.found.setdefault(place, line)

    def _skip(self) -> bool:
        """Go past blanks, comments and ends of lines; whether anything comes then."""
        self._take(_SKIPPED)
        return self.at < len(self.text)

    def _next(self, mark: str) -> bool:
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _expect(self, mark: str) -> None:
        if not self._next(mark):
            raise _Lost

    def _take(self, shape: re.Pattern[str], *, some: bool = False) -> str:
        taken = shape.match(self.text, self.at)
        if taken is None or (some and not taken[0]):
            raise _Lost
        self.at = taken.end()
        self.line += taken[0].count("\n")
        return taken[0]
