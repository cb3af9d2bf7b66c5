"""What a runner wrote in a turn, as the lines of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperhive import stream_words as words
from hyperhive.hivectl.page import Line, Page, View

if TYPE_CHECKING:
    from hyperhive.stream_words import Word


def told(event: str, view: View) -> Page:
    """The lines for one event; none for one that says nothing to a person."""
    found = words.told(event)
    return tuple(_line(word, view) for word in found if word.kind != words.END or word.failed)


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
            return Line(view.brief(word.text), "red" if word.failed else "yellow" if word.grave else "dim")
        case words.END:
            return Line(f"failed: {view.brief(word.text)}", "bold red")
    return Line(word.text)
