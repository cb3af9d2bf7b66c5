"""What a shell offers after a TAB: names and numbers that the daemon knows.

A plain blocking socket, against our habit: a person waits for the TAB, and Twisted and the codec alone would take
several times as long as all of this. Whatever goes wrong, nothing is offered.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

from click.shell_completion import CompletionItem

from hyperhive.hivectl.places import candidates
from hyperhive.hivectl.safe import shortened

PATIENCE: Final = 1.0
"""Seconds that a person waits for a TAB."""
HELP: Final = 60
COMMIT: Final = "apply_commit"


def agents(path: str | None) -> list[CompletionItem]:
    """The names of the agents."""
    return _offered(path, {"cmd": "list"}, "agents", _named)


def approvals(path: str | None) -> list[CompletionItem]:
    """The pending approvals."""
    return _offered(
        path, {"cmd": "pending", "all": True}, "approvals",
        lambda row: None if row["status"] != "pending" or row.get("decided_at") is not None
        else _numbered(row, f'{row["kind"]} {row["agent"]}'),
    )  # fmt: skip


def commits(path: str | None) -> list[CompletionItem]:
    """The pending approvals of a commit: those that change something that can be shown."""
    return [item for item in approvals(path) if str(item.help).startswith(f"{COMMIT} ")]


def tags(path: str | None, name: str | None) -> list[CompletionItem]:
    """The tags in the history of an agent's configuration."""
    return _offered(
        path, {"cmd": "config_log", "name": name}, "config_log",
        lambda row: CompletionItem(str(row["tag"]), help=shortened(row["text"], HELP)),
    )  # fmt: skip


def questions(path: str | None) -> list[CompletionItem]:
    """The open questions."""
    return _offered(
        path, {"cmd": "questions"}, "questions", lambda row: _numbered(row, f"{row['asker']}: {row['question']}")
    )


def options(path: str | None) -> list[CompletionItem]:
    """What may be chosen in answer to the open questions.

    Of all of them: click does not tell which one was typed while the option still lacks its value.
    """
    offered = [option for row in _rows(path, {"cmd": "questions"}, "questions") for option in row["options"]]
    return [_named(option) for option in dict.fromkeys(offered)]


def options_of(path: str | None, number: int) -> tuple[str, ...]:
    """What one open question offers; nothing if it leaves the answer free, or if no daemon tells."""
    try:
        found = [row["options"] for row in _rows(path, {"cmd": "questions"}, "questions") if row["id"] == number]
    except (KeyError, TypeError):
        return ()
    return tuple(found[0]) if found else ()


def dead_letters(path: str | None) -> list[CompletionItem]:
    """The messages that were given up."""
    return _offered(
        path, {"cmd": "dead_letters"}, "messages",
        lambda row: _numbered(row, f'{row["from"]} to {row["to"]}: {row["body"]}'),
    )  # fmt: skip


def held(path: str | None) -> list[CompletionItem]:
    """The held conversations."""
    return _offered(
        path, {"cmd": "held"}, "held",
        lambda row: CompletionItem(str(row["thread"]), help=shortened(", ".join(row["agents"]), HELP)),
    )  # fmt: skip


def turns(path: str | None) -> list[CompletionItem]:
    """The last turns."""
    return _offered(
        path, {"cmd": "turns", "limit": 20}, "turns",
        lambda row: _numbered(row, f'{row["agent"]}, {row.get("outcome", "goes on")}'),
    )  # fmt: skip


def sessions(path: str | None) -> list[CompletionItem]:
    """The browsers that are let into the console."""
    return _offered(path, {"cmd": "sessions"}, "sessions", lambda row: _numbered(row, row["client"]))


def _named(name: str) -> CompletionItem:
    return CompletionItem(str(name))


def _numbered(row: dict[str, Any], told: str) -> CompletionItem:
    return CompletionItem(str(row["id"]), help=shortened(told, HELP))


def _offered(
    path: str | None, request: dict[str, Any], field: str, item: Callable[[Any], CompletionItem | None]
) -> list[CompletionItem]:
    try:
        found = [item(row) for row in _rows(path, request, field)]
    except (KeyError, TypeError):
        return []
    return [one for one in found if one is not None and str(one.value).isprintable()]


def _rows(path: str | None, request: dict[str, Any], field: str) -> Iterable[Any]:
    for place in candidates(path, os.environ):
        try:
            return json.loads(_line(place, request)).get(field) or ()
        except (OSError, ValueError, AttributeError):
            continue
    return ()


def _line(path: str, request: dict[str, Any]) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(path)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("rb") as answers:
            return answers.readline()
