"""A man page as roff, which has no more of it than groff, mandoc and man(1) all know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, field

SIGNS: Final = {"\\": "\\(rs", "…": "...", "↪": "->", "—": "\\(em", "•": "\\(bu"}
CODE: Final = {**SIGNS, "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
"""What is typed or compared is to stay what it is in every font, quotes and hyphens too."""
MARKUP: Final = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|(see )?\[([^\]]+)\]\(([^)]*)\)")
OPTION: Final = re.compile(r"(?<![\w-])--?[a-z][\w-]*=?|[A-Z][A-Z_]+\b")


class UnknownSignError(ValueError):
    """A sign that not every terminal has, and for which we name no other."""


@define(eq=False)
class Page:
    """One page, which grows from its head to its foot."""

    name: str
    number: int
    version: str
    does: str
    _lines: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        program = f"hyperhive {self.version}"
        self._lines += [
            f'.TH {literal(self.name.upper())} {self.number} "" "{literal(program)}" "hyperhive"',
            ".nh",
            ".ad l",
        ]
        self.section("NAME")
        self._lines.append(f"{literal(self.name)} \\- {prose(self.does)}")

    def section(self, title: str) -> None:
        """Begin a section."""
        self._lines.append(f".SH {_title(title.upper())}")

    def subsection(self, title: str) -> None:
        """Begin a part of a section."""
        self._lines.append(f".SS {_title(title)}")

    def paragraph(self, words: str) -> None:
        """Words that are filled, with the marks of Markdown in them."""
        self._lines += [".PP", _guarded(prose(words))]

    def item(self, tag: str, paragraphs: Iterable[str]) -> None:
        """A tag, which is roff already, and what it stands for."""
        self._lines += [".TP", _guarded(tag)]
        for number, words in enumerate([*paragraphs] or [""]):
            # An item that says nothing would take the next macro for its words.
            self._lines += [".IP"] * bool(number) + [_guarded(prose(words)) or "\\&"]

    def verbatim(self, lines: Iterable[str]) -> None:
        """Lines as they are."""
        self._lines += [".PP", ".RS 4", ".nf", *(_guarded(literal(line)) or "\\&" for line in lines), ".fi", ".RE"]

    @contextmanager
    def within(self) -> Iterator[None]:
        """What is said in here belongs to the last item."""
        self._lines.append(".RS")
        yield
        self._lines.append(".RE")

    def see(self, *pages: tuple[str, int]) -> None:
        """The last section: other pages."""
        self.section("SEE ALSO")
        self._lines.append(",\n".join(f"{strong(name)}({number})" for name, number in pages))

    @property
    def text(self) -> str:
        """The page."""
        return "\n".join(self._lines) + "\n"


def literal(words: str) -> str:
    """What is typed just so."""
    return _plain(words, CODE)


def strong(words: str) -> str:
    """The same, in bold."""
    return f"\\fB{literal(words)}\\fP"


def usage(words: str) -> str:
    """How an option or a command is called: what is typed in bold, what stands for something else slanted."""
    made, end = "", 0
    for found in OPTION.finditer(words):
        font = "B" if found[0].startswith("-") else "I"
        made += literal(words[end : found.start()]) + f"\\f{font}{literal(found[0])}\\fP"
        end = found.end()
    return made + literal(words[end:])


def prose(words: str) -> str:
    """Words with the marks of Markdown, on one line."""
    words = " ".join(words.split())
    made, end = "", 0
    for found in MARKUP.finditer(words):
        made += _plain(words[end : found.start()], SIGNS) + _marked(found)
        end = found.end()
    return made + _plain(words[end:], SIGNS)


def _marked(found: re.Match[str]) -> str:
    code, bold, see, link, target = found.groups()
    if link is None:
        return strong(code) if code else f"\\fB{prose(bold)}\\fP"
    page = (target or "").partition("#")[0]
    # Who reads a manual can't follow a link: where one is sent somewhere, it is said where.
    return f"{see or ''}{prose(link)}" + (f" ({literal('docs/' + page)})" if see and page else "")


def _plain(words: str, signs: dict[str, str]) -> str:
    made = "".join(signs.get(sign, sign) for sign in words)
    if not made.isascii():
        raise UnknownSignError(f"{words!r} has a sign that is not ASCII, and manual/roff.py names none for it")
    return made


def _title(words: str) -> str:
    """A title as one argument, in its own font."""
    return '"' + literal(words.replace("`", "")).replace('"', "\\(dq") + '"'


def _guarded(line: str) -> str:
    """A line of words never begins as a request does."""
    return f"\\&{line}" if line.startswith((".", "'")) else line
