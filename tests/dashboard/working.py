"""What runs turns inside an agent of a test's hive, by its socket."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.daemon.harness import Hive

HOSTILE: Final = "<script>alert(1)</script>\"'&\N{RIGHT-TO-LEFT OVERRIDE}"
"""What no page may ever let do anything, or show as it is where something is decided by it."""


class Worker:
    """The program inside an agent of that name, which is spawned first."""

    def __init__(self, hive: Hive, name: str = "bob") -> None:
        self.hive = hive
        self.name = name
        with hive.host() as host:
            assert host.ask("spawn", name=name)["ok"]
        self.client = hive.agent(name)
        self.turn = 0
        self._told = 0

    def begin(self, body: str = "do it") -> int:
        """Begin a turn about mail of the operator's; its id."""
        with self.hive.host() as host:
            assert host.ask("send", to=self.name, body=body)["ok"]
        (letter,) = self.client.ask("recv", max=1)["messages"]
        self.turn = self.client.ask("begin_turn", ids=[letter["id"]], runner="claude", model="opus")["id"]
        self._told = 0
        return self.turn

    def tell(self, *events: dict[str, Any] | str) -> None:
        """Write those events of the turn."""
        lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        answer = self.client.ask("turn_events", turn=self.turn, first=self._told + 1, events=lines)
        assert answer["kind"] != "err", answer
        self._told += len(events)

    def end(self, outcome: str = "done", **more: Any) -> None:
        """End the turn."""
        answer = self.client.ask("end_turn", turn=self.turn, outcome=outcome, **more)
        assert answer["kind"] != "err", answer


def says(*content: dict[str, Any]) -> dict[str, Any]:
    """An event of a coding agent's."""
    return {"type": "assistant", "message": {"content": list(content)}}


def text(words: str) -> dict[str, Any]:
    """Something said."""
    return {"type": "text", "text": words}


def call(tool: str, id_: str = "c1", **given: Any) -> dict[str, Any]:
    """A call of a tool."""
    return {"type": "tool_use", "name": tool, "id": id_, "input": given}


def result(content: str, id_: str = "c1", *, failed: bool = False) -> dict[str, Any]:
    """An event with what a call gave back."""
    part = {"type": "tool_result", "tool_use_id": id_, "content": content, "is_error": failed}
    return {"type": "user", "message": {"content": [part]}}
