"""The texts that a model reads, rendered with the hive's facts; they stand in `prompts/`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Final

import orjson
from attrs import frozen

from hyperhive.agent.texts import peer, time
from hyperhive.wire.names import DEAF, MANAGER, OPERATOR
from hyperhive.wire.records import Letter, OpenThread
from hyperhive.wire.responses import Identity

TEXTS: Final = Path(__file__).with_name("prompts")
MOST_THREADS: Final = 50
"""How much of what is open is told at once; the rest can be asked for."""
MOST_QUOTED: Final = 300
"""Characters that are quoted of each."""

_LINE_ENDS: Final = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""What ends a line for some, and that JSON leaves as it is."""


def word() -> str:
    """A word that nobody who writes a message can know beforehand."""
    return secrets.token_hex(8)


@frozen(kw_only=True)
class Prompts:
    """The prompts of one agent. `places` are the `HIVE_…` variables that say where its files are."""

    places: Mapping[str, str]
    word: Callable[[], str] = word

    def system(self, me: Identity) -> str:
        """What the agent is told of itself, of the hive, and of its tools."""
        facts = {"name": me.name, "hive": me.hive, "config": self._config(), **self._directories()}
        parts = {part: _filled(f"{part}.md", facts) for part in ("duties", "tools")}
        return _filled("manager.md" if me.role == MANAGER else "agent.md", {**facts, **parts})

    def wake(self, letter: Letter, waiting: int | None) -> str:
        """What it is told of a message; `waiting` is how many more are queued, None if that is not known."""
        return _filled(
            "wake.txt",
            {
                "id": str(letter.id),
                "sender": peer(letter.sender, letter.via),
                "sent": time(letter.at),
                "history": _history(letter),
                "boundary": self.word(),
                "body": letter.body,
                "reply": _reply(letter),
                "more": _more(waiting),
            },
        )

    def owed(self, threads: Sequence[OpenThread], besides: Letter) -> str:
        """What it is told of what is open, `besides` the message of the turn itself."""
        told = [thread for thread in threads if (thread.kind, thread.id) != ("message", besides.id)]
        rest = len(told) - MOST_THREADS
        lines = [_thread(thread) for thread in told[:MOST_THREADS]] or ["Nothing is open."]
        more = f"There are {rest} more; get_open_threads shows all of them." if rest > 0 else ""
        return _filled("owed.txt", {"threads": "\n".join(lines), "more": more, **self._directories()})

    def notes(self) -> str:
        """What it is told when it is to write its notes."""
        return _filled("notes.txt", self._directories())

    def _config(self) -> str:
        where = self.places.get("HIVE_CONFIG_DIR")
        return "" if where is None else f"How you are set up stands in {where}, to be read."

    def _directories(self) -> dict[str, str]:
        return {
            "notes": self.places.get("HIVE_STATE_DIR", "your home directory"),
            "agents": self.places.get("HIVE_AGENTS_DIR", "the directory in HIVE_AGENTS_DIR"),
            "applied": self.places.get("HIVE_APPLIED_DIR", "the directory in HIVE_APPLIED_DIR"),
        }


def _filled(name: str, facts: Mapping[str, str]) -> str:
    text = (TEXTS / name).read_text(encoding="utf-8")
    return Template(text).substitute(facts).strip() + "\n"


def _history(letter: Letter) -> str:
    """What happened to the message before, and what it answers."""
    lines = []
    if letter.redelivered:
        lines.append(
            "It was handed to you before, in a turn that did not end well. It may have been worked on already: look at"
            " what is there before you do it a second time."
        )
    if letter.in_reply_to is not None:
        lines.append(f"It is in reply to message {letter.in_reply_to}, as its sender says.")
    return "".join(f"{line}\n" for line in lines)


def _reply(letter: Letter) -> str:
    if letter.sender in DEAF:
        return f'Nobody reads replies to "{letter.sender}". If there is nothing to do about it, end the turn.'
    how = f'call the tool send with to "{letter.sender}" and in_reply_to {letter.id}'
    who = (
        "The operator is a person and waits for an answer"
        if letter.sender == OPERATOR and letter.via is None
        else "If a reply is wanted"
    )
    if letter.in_reply_to is not None:
        who = "Only if there is something new to say"
    return f"{who}: {how}. It leaves when this turn has ended well."


def _more(waiting: int | None) -> str:
    if waiting is None:
        return ""
    if not waiting:
        return "No other message waits."
    what = "message waits" if waiting == 1 else "messages wait"
    return f"{waiting} more {what}, to be handed to you one by one after this turn."


def _thread(thread: OpenThread) -> str:
    """One line; what others wrote is quoted as JSON, so that it can't end its line or its quotes."""
    owes = thread.direction == "owes"
    quoted = thread.text if len(thread.text) <= MOST_QUOTED else thread.text[:MOST_QUOTED] + " …"
    who = f"{'to' if owes else 'from'} {peer(thread.peer, thread.via)}"
    until = "" if thread.deadline_at is None else f", until {time(thread.deadline_at)}"
    return (
        f"- You {'owe' if owes else 'are owed'}: {thread.kind} {thread.id} {who}, since {time(thread.since)}{until}: "
        f"{orjson.dumps(quoted).decode().translate(_LINE_ENDS)}"
    )
