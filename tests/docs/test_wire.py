"""Every example of the wire's page is said to a real daemon, in the order in which it stands there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from hyperhive.wire import agent_requests, events, host_requests, manager_requests, responses
from hyperhive.wire.codec import body_of_event, event_of_body, snake_case
from tests.docs.pages import Block, blocks, page
from tests.docs.running import Line, running, short_directory

PAGE = "docs/wire.md"
EXAMPLES = blocks(PAGE, "wire")
COMMAND = "exec .venv/bin/twistd -n --pidfile= hyperhive --stop-agents --config hive.toml"


@pytest.fixture
def sockets() -> Iterator[Path]:
    """The sockets of the hive that the page describes."""
    with short_directory() as directory:
        (configuration,) = blocks(PAGE, "toml")
        (directory / "hive.toml").write_text("\n".join(configuration.lines))
        with running(COMMAND, directory):
            yield directory / "demo" / "run"


@pytest.mark.deadline(120)
def test_the_daemon_answers_every_example_as_the_page_says(sockets: Path) -> None:
    found: dict[str, str] = {}
    for example in EXAMPLES:
        line = Line(sockets / subject(example))
        for said in example.lines[1:]:
            follow(line, said, example, sockets, found)
        line.close()


@pytest.mark.parametrize(
    ("where", "union"),
    [
        ("agents/", agent_requests.AgentRequest),
        ("manager/", manager_requests.ManagerRequest),
        ("host.sock", host_requests.HostRequest),
    ],
)
def test_every_request_has_an_example(where: str, union: Any) -> None:
    theirs = {snake_case(kind.__name__) for kind in get_args(union)}
    if where == "manager/":
        theirs -= {snake_case(kind.__name__) for kind in get_args(agent_requests.AgentRequest)}
    asked = {tag for example in EXAMPLES if subject(example).startswith(where) for tag in tags(example, "> ", "cmd")}
    assert theirs - asked == set()


def test_every_kind_of_answer_has_an_example() -> None:
    kinds = {snake_case(kind.__name__) for kind in get_args(responses.ManagerResponse)}
    seen = {tag for example in EXAMPLES for tag in tags(example, "< ", "kind")}
    assert kinds - seen == set()


def test_every_event_has_an_example_that_is_written_as_the_daemon_writes_it() -> None:
    (block,) = blocks(PAGE, "events")
    assert [body_of_event(event_of_body(line)) for line in block.lines] == list(block.lines)
    assert {type(event_of_body(line)) for line in block.lines} == set(get_args(events.HelperEvent))


def test_every_field_of_the_operators_answer_is_named() -> None:
    text = page(PAGE)
    names = [attribute.name for attribute in attrs.fields(responses.HostResponse)]
    assert [name for name in names if not re.search(rf"`{name}\b|\"{name}\":", text)] == []


def subject(example: Block) -> str:
    """The socket of an example: its first line names it."""
    return example.lines[0].removeprefix("# ")


def follow(line: Line, said: str, example: Block, sockets: Path, found: dict[str, str]) -> None:
    """Do what one line of an example says; `found` is what `…` stands for in what is sent, by its key."""
    if said.startswith(">"):
        asked = re.sub(r'"(\w+)":"…"', lambda key: f'"{key[1]}":"{found[key[1]]}"', said[2:])
        line.say(re.sub("…", lambda _: found["id"], asked))
        return
    if said == "|":
        line.say_no_more()
        return
    if said.startswith("+ "):
        agent, _, text = said[2:].partition(" ")
        found["commit_ref"] = committed(sockets.parent / "proposed" / agent, text)
        return
    if said.startswith("! "):
        elsewhere, _, request = said[2:].partition(" ")
        other = Line(sockets / elsewhere)
        other.say(request)
        assert '"err"' not in other.hear()
        other.close()
        return
    assert said[:2] in {"< ", "<"}, f"{example.place}: a line begins with '> ', '< ', '! ', '+ ' or '|': {said}"
    heard = line.hear()
    assert re.fullmatch(pattern(said[2:]), heard), f"{example.place}\n  the page: {said[2:]}\n  the hive: {heard}"
    found |= re.findall(r'"(digest|id)":"?(\w+)', heard)


def committed(repository: Path, text: str) -> str:
    """The first digits of the commit that a manager makes with one more line in `agent.toml`."""
    with (repository / "agent.toml").open("a") as file:
        file.write(f"{text}\n")
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "a change"], cwd=repository, check=True)
    words = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.check_output(words, cwd=repository, text=True).strip()


def pattern(expected: str) -> str:
    """What an answer must match: `…` stands for a number or a text that varies."""
    return r'(?:[^"\\]|\\.)+?'.join(re.escape(part) for part in expected.split("…"))


def tags(example: Block, side: str, tag: str) -> set[str]:
    """The tags on one side of an example; lines that are no JSON on purpose have none."""
    found = set()
    for line in example.lines:
        if line.startswith(side):
            try:
                found.add(json.loads(line[2:].replace(":…", ":0").replace("…", ""))[tag])
            except (ValueError, KeyError, TypeError):
                continue
    return found
