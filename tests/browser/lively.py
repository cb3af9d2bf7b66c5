"""A hive in which much goes on at once: what the console's pages are looked at with."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.browser.desk import Desk
from tests.daemon.client import Client, next_event

AGENTS: Final = ("builder", "docs", "ops", "release", "reviewer", "scout", "security", "tester")
STREAMS: Final = Path(__file__).parent.parent / "claude" / "streams"
CONFIG: Final = """
hive = "apiary"

[mail]
max_attempts = 2
thread_rate = 2
"""
CHANGES: Final = (
    ('#restart = "no"', 'restart = "on-crash"'),
    ('#kind = "command"', 'kind = "claude"'),
    ('#model = "a-model"', 'model = "claude-opus-5-5"'),
    ('#tools = ["Bash", "Edit", "Glob", "Grep", "Read", "Write"]', 'tools = ["Bash(git *)", "Edit", "Read"]'),
    ('#LANG = "C.UTF-8"', 'GREETING = "\u202eolleh"  # a character that turns the order of those after it'),
    ('#recipients = ["*"]', 'recipients = ["manager", "operator", "builder"]'),
)
"""What the manager would have changed in an agent's configuration."""
QUESTION: Final = (
    "The tests of the parser fail on 32 bits, where nobody runs us as far as I know. Shall I mend them, skip them "
    "there, or drop the platform?"
)


class Lively:
    """The hive, and those of its doings that tests name by their number."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.approvals: dict[str, int] = {}
        self.questions: dict[str, int] = {}
        self.turns: dict[str, int] = {}
        self._agents: dict[str, Client] = {}

    def begin(self) -> None:
        """Start it, and let all of it happen."""
        path = self.desk.hive.base / "hive.toml"
        path.write_text(CONFIG)
        self.desk.start("--config", str(path))
        for name in AGENTS:
            self.desk.ask("spawn", name=name, wait=True)
            self._agents[name] = self.desk.hive.agent(name)
        self._manager = self.desk.hive.manager()
        self._work()
        self._write()
        self._bounce()
        self._converse()
        self._ask()
        self._propose()
        self._fail()

    def say(self, name: str, cmd: str, **fields: Any) -> Any:
        """An agent asks, and is not refused."""
        answer = self._agents[name].ask(cmd, **fields)
        assert answer["kind"] != "err", answer
        return answer

    def turn(self, name: str, about: str, lines: Sequence[str]) -> int:
        """The agent begins a turn about the operator's message; its stream so far."""
        self.desk.ask("send", to=name, body=about)
        while True:
            (letter,) = self.say(name, "recv", max=1)["messages"]
            if letter["body"] == about:
                break
            self.say(name, "ack_turn", ids=[letter["id"]])
        turn = int(self.say(name, "begin_turn", ids=[letter["id"]], runner="claude", model="claude-opus-5-5")["id"])
        self.say(name, "turn_events", turn=turn, first=1, events=lines)
        self.turns[name] = turn
        return turn

    def _work(self) -> None:
        good = stream("good")
        for number in range(1, 7):
            turn = self.turn("builder", f"Build it again, please: number {number}.", good)
            usage = {
                "input_tokens": 900 * number,
                "output_tokens": 130 * number,
                "cached_tokens": 12_000 * number,
                "cost_micros": 21_000 * number,
                "duration_ms": 4_100 * number,
            }
            self.say("builder", "end_turn", turn=turn, outcome="done", usage=usage)
        failed = self.turn("tester", "Run the tests.", stream("overloaded"))
        self.say("tester", "end_turn", turn=failed, outcome="failed", spent=False, error="the provider is overloaded")
        self.turn("tester", "Run only the tests of the parser.", stream("long")[:12])
        self.turn("builder", "Build the release, and tell me what it weighs.", good[:4])
        self.say("builder", "set_status", text="building the release")
        self.say("tester", "set_status", text="reading what the tests of the parser say")
        self.say("ops", "report", state="needs_login", note="the token was refused")
        self.say("scout", "report", state="limited", until=int(time.time()) + 7500, note="the account is used up")

    def _write(self) -> None:
        self.say("reviewer", "send", to="operator", body="The change of the scheduler is fine but for one name.")
        self.say("builder", "send", to="reviewer", body="Will you look at the scheduler?\n\nIt is small: 40 lines.")
        self.say("docs", "send", to="*", body="The pages of the wire are written anew; tell me what you miss.")
        self.say("security", "send", to="operator", body="<script>alert('a test of yours')</script> stands in a body.")
        self.desk.ask("send", to="docs", body="Thank you. The part on leases is the best.")

    def _bounce(self) -> None:
        self.say("builder", "send", to="release", body="Cut the release from the tip of main.")
        for _ in range(2):
            self.say("release", "recv", max=32)
            self.say("release", "requeue_inflight")

    def _converse(self) -> None:
        first = self.say("reviewer", "send", to="security", body="Is this name safe?")["id"]
        for word in ("Which one?", "That one.", "It is.", "Thank you."):
            self.say("security", "send", to="reviewer", body=word, in_reply_to=first)

    def _ask(self) -> None:
        ask: dict[str, dict[str, Any]] = {
            "tester": {"question": QUESTION, "options": ["mend them", "skip them there", "drop the platform"]},
            "docs": {"question": "Which pages first?", "options": ["wire", "mail", "turns"], "multi": True},
            "release": {"question": "Under which name shall the release go out?", "ttl_seconds": 5400},
            "reviewer": {"question": "May I merge the scheduler?", "options": ["yes", "no"]},
        }
        for name, fields in ask.items():
            self.questions[name] = int(self.say(name, "ask_operator", **fields)["id"])
        self.desk.ask("answer", id=self.questions["reviewer"], choices=["yes"], text="after the release")

    def _propose(self) -> None:
        text = (self.desk.hive.state / "proposed" / "tester" / "agent.toml").read_text()
        for old, new in CHANGES:
            assert old in text
            text = text.replace(old, new)
        commit = self.desk.hive.propose("tester", text)
        change = {"agent": "tester", "commit_ref": commit, "description": "It needs git alone, and writes to few."}
        spawn = {"name": "linter", "description": "Somebody who looks at style,\nso that nobody else has to."}
        self.approvals["change"] = self._manage("request_apply_commit", **change)
        self.approvals["spawn"] = self._manage("request_spawn", **spawn)
        self.approvals["denied"] = self._manage("request_spawn", name="gambler", description="To try our luck.")
        self.desk.ask("deny", id=self.approvals["denied"], note="We do not gamble.")

    def _fail(self) -> None:
        os.kill(self.desk.hive.pid("security"), signal.SIGKILL)
        next_event(self._manager, "container_crash")

    def _manage(self, cmd: str, **fields: Any) -> int:
        answer = self._manager.ask(cmd, **fields)
        assert answer["kind"] != "err", answer
        return int(answer["id"])


def stream(name: str) -> list[str]:
    """The lines that the real program wrote."""
    lines = (STREAMS / f"{name}.jsonl").read_text().splitlines()
    assert all(json.loads(line) for line in lines)
    return lines
