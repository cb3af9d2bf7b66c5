"""What `hivectl top` knows and what a key does to it; requests that a key leads to are handed out, not made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from hyperhive.hivectl.page import Line, Verbatim
from hyperhive.hivectl.safe import one_line
from hyperhive.wire import host_requests as ask
from hyperhive.wire.agent_requests import Answer

if TYPE_CHECKING:
    from hyperhive.hivectl.top_items import Item
    from hyperhive.wire.host_requests import HostRequest
    from hyperhive.wire.records import Approval, Question

UP, DOWN, ENTER, ESCAPE, ERASE = "up", "down", "enter", "escape", "erase"
"""The keys that are no characters."""
QUIT: Final = "quit"
PAGE: Final = 15
"""Lines, or things, that a space goes on by."""
LONGEST_WORDS: Final = 4000


@frozen
class Sure:
    """What is done once the operator says yes, and the sentence that asks."""

    sentence: str
    request: HostRequest
    done: str


@frozen
class Wording:
    """Words that are being typed: in answer to a question, or why an approval is denied."""

    prompt: str
    question: Question | None = None
    approval: Approval | None = None
    text: str = ""


@define
class State:
    """All that the screen shows. `chosen` and `open` are the keys of items, `trouble` why it is not live.
    `scrolled` and `furthest` count lines of the screen.

    Until the operator has `moved`, the first thing is the chosen one.
    """

    items: Sequence[Item] = ()
    chosen: str | None = None
    moved: bool = False
    open: str | None = None
    details: Sequence[Line | Verbatim] = ()
    scrolled: int = 0
    furthest: int = 0
    trouble: str | None = None
    said: str = ""
    sure: Sure | None = None
    wording: Wording | None = None
    looked_at: dict[int, str] = field(factory=dict)
    """The digests of the diffs that were shown, by approval."""

    @property
    def item(self) -> Item | None:
        """The one that keys are about."""
        wanted = self.open or self.chosen
        return next((item for item in self.items if item.key == wanted), None)

    def take(self, items: Sequence[Item]) -> None:
        """Show these from now on; what was chosen stays that, and where it is gone its place does."""
        keys, at = [item.key for item in items], self._at()
        self.items = items
        if not self.moved:
            self.chosen = keys[0] if keys else None
        elif self.chosen not in keys:
            self.chosen = keys[min(at, len(keys) - 1)] if keys else None
        if self.open is not None and self.open not in keys:
            self.open, self.said = None, "What you looked at is settled."
            self.sure = self.wording = None

    def press(self, key: str) -> Sure | str | None:
        """Take a key: gives what is to be done now, the key of an item that is to be opened, or QUIT."""
        self.said = ""
        if self.wording is not None:
            return self._type(self.wording, key)
        if self.sure is not None:
            sure, self.sure = self.sure, None
            if key in ("y", "Y"):
                return sure
            self.said = "Nothing was done."
            return None
        return self._command(key)

    def _command(self, key: str) -> str | None:
        match key:
            case "q":
                return QUIT
            case "j" | "k" | "down" | "up":
                self._move(1 if key in ("j", DOWN) else -1)
            case " ":
                self._move(PAGE)
            case "enter":
                return None if self.item is None else self.item.key
            case "escape":
                self.open, self.scrolled = None, 0
            case "a":
                return self._approve()
            case "d":
                self._deny()
            case "r":
                self._reply()
        return None

    def _move(self, step: int) -> None:
        if self.open is not None:
            self.scrolled = max(0, min(self.scrolled + step, self.furthest))
        elif self.items:
            self.moved = True
            self.chosen = self.items[max(0, min(self._at() + step, len(self.items) - 1))].key

    def _approve(self) -> str | None:
        item = self.item
        if item is None or item.approval is None:
            self.said = "Only an approval can be approved."
            return None
        row = item.approval
        if row.commit_ref and row.id not in self.looked_at:
            self.said = "This is what it changes; a again approves it."
            return item.key
        request = ask.Approve(row.id, self.looked_at.get(row.id))
        self.sure = Sure(f"Approve {row.id} ({row.kind.value} {row.agent})?", request, f"Approval {row.id} is granted.")
        return None

    def _deny(self) -> None:
        item = self.item
        if item is None or item.approval is None:
            self.said = "Only an approval can be denied."
        else:
            self.wording = Wording(f"Deny {item.approval.id}, and say why (may stay empty):", approval=item.approval)

    def _reply(self) -> None:
        item = self.item
        if item is None or item.question is None:
            self.said = "Only a question can be replied to."
        else:
            hint = ", or the number of an option" if item.question.options else ""
            self.wording = Wording(f"Your answer{hint}:", question=item.question)

    def _type(self, wording: Wording, key: str) -> Sure | None:
        match key:
            case "escape":
                self.wording, self.said = None, "Nothing was done."
            case "enter":
                self.wording = None
                self._worded(wording)
            case "erase":
                self.wording = Wording(wording.prompt, wording.question, wording.approval, wording.text[:-1])
            case _ if len(key) == 1 and len(wording.text) < LONGEST_WORDS:
                self.wording = Wording(wording.prompt, wording.question, wording.approval, wording.text + key)
        return None

    def _worded(self, wording: Wording) -> None:
        text = wording.text.strip()
        if wording.approval is not None:
            id_ = wording.approval.id
            self.sure = Sure(f"Deny {id_}?", ask.Deny(id_, text or None), f"Approval {id_} is denied.")
        elif wording.question is not None and text:
            self.sure = _answer(wording.question, text)
        else:
            self.said = "An answer must say something; nothing was done."

    def _at(self) -> int:
        return next((number for number, item in enumerate(self.items) if item.key == self.chosen), 0)


def _answer(question: Question, text: str) -> Sure:
    chosen = int(text) - 1 if text.isascii() and text.isdecimal() and len(text) < 4 else -1
    done = f"Question {question.id} is answered."
    if 0 <= chosen < len(question.options):
        option = question.options[chosen]
        return Sure(
            f"Answer question {question.id} with {one_line(option)!r}?", Answer(question.id, choices=(option,)), done
        )
    return Sure(f"Answer question {question.id} with {one_line(text)!r}?", Answer(question.id, text=text), done)
