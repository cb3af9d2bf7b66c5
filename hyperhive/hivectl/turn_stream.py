"""What a runner wrote in a turn, as the lines of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperhive import stream_words as words
from hyperhive.hivectl.page import Line, Page, View

if TYPE_CHECKING:
    from hyperhive.stream_words import Word


def told(event: str, view: View) -> Page:
    """The lines for one event; none for one that says nothing to a person."""
    return tuple(_line(word, view) for word in words.told(event))


def _line(word: Word, view: View) -> Line:
    match word.kind:
        case words.START:
            return Line(word.text, "dim")
        case words.TEXT:
            return Line(word.text, "dim" if word.given else "")
        case words.THOUGHT:
            return Line(f"(thinks) {view.brief(word.text)}", "dim")
        case words.CALL:
            return Line(f"→ {word.name} {view.brief(word.text)}", "cyan")
        case words.RESULT:
            return Line(f"← {view.brief(word.text)}", "red" if word.failed else "dim")
        case words.PART:
            return Line(f"({word.name})", "dim")
        case words.NOTE:
            return Line(word.text, "yellow")
        case words.END:
            return _end(word, view)
    return Line(word.text)


def _end(word: Word, view: View) -> Line:
    if word.failed:
        return Line(f"result: {word.text}: {view.brief(word.detail)}", "bold red")
    return Line(f"result: {word.text}", "dim")
