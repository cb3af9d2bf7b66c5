"""Sentences of the services, which point at verbs of the wire, with the pages of the console in their place."""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class Pointer:
    """Where a page of the console is, and what it is called."""

    name: str
    path: str


_AGENTS: Final = Pointer("Agents", "/agents")
_PAGES: Final = {
    "'list' names": ("the page Agents names", _AGENTS),
    "'turns' lists the last ones": ("the page of each agent lists its last ones", _AGENTS),
    "'pending' lists": ("the page Approvals lists", Pointer("Approvals", "/approvals")),
    "'questions' lists": ("the page Questions lists", Pointer("Questions", "/questions")),
    "'held' lists": ("the page Mail lists", Pointer("Mail", "/mail")),
    "'dead_letters' lists": ("the page Mail lists", Pointer("Mail", "/mail?state=dead")),
    "'operations' with 'all' lists": ("the page Operations lists", Pointer("Operations", "/operations")),
    "'sessions' lists": ("the page Settings lists", Pointer("Settings", "/settings")),
}


def in_pages(sentence: str) -> tuple[str, tuple[Pointer, ...]]:
    """The sentence for who reads it in the console, and the pages that it points at now."""
    pointers = []
    for verb, (words, pointer) in _PAGES.items():
        if verb in sentence:
            sentence = sentence.replace(verb, words)
            pointers.append(pointer)
    return sentence, tuple(pointers)
