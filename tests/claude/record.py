"""`python -m tests.claude.record [NAME…]`: record the streams of the real CLI anew, into `streams/NAME.jsonl`.

A recording is what it writes to a line or two, without what names the machine or is the same in every stream.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from attrs import field, frozen
from twisted.internet import task
from twisted.internet.defer import Deferred

from hyperhive.agent.claude.process import Line, Process
from hyperhive.agent.claude.runner import COMPACT, INTERRUPT
from hyperhive.agent.claude.settings import Settings, command, environment
from tests.claude.api import MessagesApi
from tests.claude.install import installed
from tests.claude.script import (
    OVERLOADED,
    TOO_LONG,
    UNKNOWN_KEY,
    Asked,
    Call,
    Drops,
    Hangs,
    Says,
    Script,
    Text,
    rate_limited,
    says,
    used_up,
)
from tests.claude.server import COMMAND

STREAMS: Final = Path(__file__).with_name("streams")
RESET: Final = 4_102_444_800
"""When limits end in the recordings: in the year 2100."""
LONG: Final = 10
"""Calls of the long turn."""
UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"
TOKEN: Final = "sk-ant-oat01-dummy"
KEPT: Final = {"type", "subtype", "session_id", "model", "tools", "mcp_servers", "claude_code_version", "cwd", "uuid"}
"""What is kept of an `init`."""

Stop = Callable[[dict[str, Any]], bool]


def a_result(event: dict[str, Any]) -> bool:
    """The last event of a turn."""
    return bool(event["type"] == "result")


def third_retry(event: dict[str, Any]) -> bool:
    """It tries for a fourth time; it would do so for minutes."""
    return event.get("subtype") == "api_retry" and event["attempt"] == 3


@frozen(kw_only=True)
class Scene:
    """One recording: what the model answers to what is said, and when that is enough. `before`: said unrecorded."""

    script: Script
    says: Sequence[str] = ("Hello.",)
    before: Sequence[str] = ()
    ends: Stop = a_result
    interrupt: Stop | None = None
    login: dict[str, str] = field(factory=lambda: {"ANTHROPIC_API_KEY": "dummy"})
    resume: bool | str = False


def shouting(times: int, last: str) -> Callable[[Asked], Says]:
    """A model that calls the tool so many times in a turn, and says `last`."""

    def model(asked: Asked) -> Says:
        done = sum(block["type"] == "tool_result" for message in asked.body["messages"] for block in content(message))
        return says("Let me see.", Call("mcp__hive__shout", {"text": f"call {done}"})) if done < times else says(last)

    return model


def content(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of a message."""
    said = message["content"]
    return [] if isinstance(said, str) else said


def tool_used(event: dict[str, Any]) -> bool:
    """The model calls a tool."""
    return event["type"] == "assistant" and any(block["type"] == "tool_use" for block in event["message"]["content"])


def spoke(event: dict[str, Any]) -> bool:
    """The model said something."""
    return bool(event["type"] == "assistant")


OAUTH: Final = {"CLAUDE_CODE_OAUTH_TOKEN": TOKEN}
SCENES: Final = {
    "good": Scene(script=shouting(1, "It is done."), says=("Do it.", "And again.")),
    "long": Scene(script=shouting(LONG, "A long story. " * 2000)),
    "resumed": Scene(script=[says("Again.")], before=("Hello.",), resume=True),
    "no-session": Scene(script=[says("Never.")], resume=UNKNOWN),
    "key-refused": Scene(script=[UNKNOWN_KEY], ends=third_retry),
    "token-refused": Scene(script=[UNKNOWN_KEY], login=OAUTH),
    "not-logged-in": Scene(script=[UNKNOWN_KEY], login={}),
    "rate-limited": Scene(script=[rate_limited(RESET, 600)]),
    "rate-limited-shortly": Scene(script=[rate_limited(RESET, 1), says("Now.")]),
    "used-up": Scene(script=[used_up(RESET, 7200)], login=OAUTH),
    "used-up-still": Scene(script=[used_up(RESET, 7200)], login=OAUTH, before=("Hello.",)),
    "overloaded": Scene(script=[OVERLOADED]),
    "too-long": Scene(script=[TOO_LONG]),
    "dropped": Scene(script=[Drops([Text("Half of")])], ends=third_retry),
    "interrupted": Scene(script=[says(Call("Bash", {"command": "read x < /dev/zero"}))], interrupt=tool_used),
    "interrupted-speaking": Scene(script=[Hangs([Text("Once upon a time")])], interrupt=spoke),
    "compacted": Scene(script=[says("<summary>All of it.</summary>")], before=("One.", "Two."), says=(COMPACT,)),
    "compacting-failed": Scene(script=[says("One."), TOO_LONG], before=("One.",), says=(COMPACT,)),
}


class Recorder:
    """One process of the CLI, and the lines that it wrote."""

    def __init__(self, reactor: Any, scene: Scene) -> None:
        self.lines: list[bytes] = []
        self._scene = scene
        self._process = Process(reactor, self._hear, lambda: None)
        self._waiting: Deferred[None] | None = None

    def start(self, settings: Settings, session: str | None) -> None:
        """With that session, if there is one."""
        words = command(settings, None, session, "recording")
        self._process.start(words, environment(settings, None, "recording"), str(settings.directory))

    async def say(self, text: str) -> list[bytes]:
        """Say something; the lines until that is enough."""
        self.lines = []
        waiting: Deferred[None] = Deferred()
        self._waiting = waiting
        self._process.tell({"type": "user", "message": {"role": "user", "content": text}})
        await waiting
        return self.lines

    async def end(self) -> None:
        """End it."""
        await self._process.leave()

    def _hear(self, line: Line) -> None:
        event = orjson.loads(line.content)
        self.lines.append(line.content)
        if self._scene.interrupt is not None and self._scene.interrupt(event):
            self._process.tell(INTERRUPT)
        if (self._scene.ends(event) or a_result(event)) and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(None)


async def record(reactor: Any, scene: Scene, directory: Path, program: Path) -> list[str]:
    """The stream of a scene."""
    api = await MessagesApi.started(reactor, scene.script if scene.resume is not True else [says("Hello.")])
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "ANTHROPIC_BASE_URL": api.url, **scene.login}
    settings = Settings(
        state=directory,
        credentials=directory,
        directory=directory,
        environment=variables,
        program=str(program),
        servers={"hive": {"command": COMMAND[0], "args": COMMAND[1:]}},
    )
    names = {
        str(directory): "/home/agent",
        str(directory).replace("/", "-"): "-home-agent",
        api.url: "http://127.0.0.1",
    }
    names |= {api.url.removeprefix("http://"): "127.0.0.1"}
    recorder, session = Recorder(reactor, scene), scene.resume if isinstance(scene.resume, str) else None
    recorder.start(settings, session)
    for text in scene.before:
        lines = await recorder.say(text)
        session = orjson.loads(lines[-1])["session_id"]
    if scene.resume is True:
        await recorder.end()
        api.use(scene.script)
        recorder = Recorder(reactor, scene)
        recorder.start(settings, session)
    recorded = [line for text in scene.says for line in await recorder.say(text)]
    await recorder.end()
    await api.stop()
    return [scrubbed(line, names) for line in recorded]


def scrubbed(line: bytes, names: dict[str, str]) -> str:
    """The line without what names the machine, and without most of what every `init` says."""
    event = orjson.loads(line)
    if event.get("subtype") == "init":
        event = {name: value for name, value in event.items() if name in KEPT}
    text = orjson.dumps(event).decode()
    for name, other in names.items():
        text = text.replace(name, other)
    return text


async def main(reactor: Any) -> None:
    """Record the scenes that were named, or all of them."""
    program = installed()
    if program is None:
        sys.exit("the real claude is not installed: make claude")
    STREAMS.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SCENES:
        with tempfile.TemporaryDirectory() as directory:
            lines = await record(reactor, SCENES[name], Path(directory), program)
        (STREAMS / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        print(f"{name}: {len(lines)} lines, {sum(map(len, lines))} bytes")


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
