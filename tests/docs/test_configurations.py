"""The page about agents' configurations: its settings are those there are, and its session happens as it stands."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from hyperhive import agent_toml
from hyperhive.agent_config import AgentConfig, Limits, MailRules, Mount, Rate, Runner
from tests.docs.pages import blocks, page
from tests.docs.running import running, short_directory
from tests.docs.sessions import replay

PAGE = "docs/configurations.md"
HIVE = 'state_dir = "demo"\nrun_dir = "demo/run"\nhive = "docs"\n[agent]\nrunner_command = ["cat"]\n'
COMMAND = "exec .venv/bin/twistd -n --pidfile= hyperhive --stop-agents --config hive.toml"
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in page(PAGE).splitlines() if line[:3] == "| `"]
WRITTEN = {row[0].strip("`"): row for row in ROWS if len(row) == 5}
INSIDE = {"runner": Runner, "limits": Limits, "mounts": Mount, "mail": MailRules, "mail.rate": Rate}


def settings(kind: type[Any] = AgentConfig, outer: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting of `agent.toml`, as the page names it, and its default."""
    for field in attrs.fields(kind):
        name = outer + field.name
        inner = INSIDE.get(name, type(field.default))
        if attrs.has(inner):
            yield from settings(inner, f"{name}.")
        else:
            yield name, field.default


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert set(WRITTEN) == {name for name, _ in settings()}


def test_the_defaults_in_the_table_are_the_defaults() -> None:
    defaults = dict(settings())
    for name in ("auto_update", "health.window", "mounts.writable"):
        assert tomllib.loads(f"it = {WRITTEN[name][2].strip('`')}") == {"it": defaults[name]}, name


def test_the_example_is_a_configuration_with_every_setting() -> None:
    (example,) = blocks(PAGE, "toml")
    text = "\n".join(example.lines)
    agent_toml.parse(text.encode())
    assert set(_named(tomllib.loads(text))) == set(WRITTEN)


@pytest.mark.deadline(120)
def test_the_session_happens_as_it_stands_on_the_page() -> None:
    *session, history = (block.lines for block in blocks(PAGE, "console"))
    (script,) = blocks(PAGE, "python")
    with short_directory() as directory:
        demo = directory / "demo"
        (directory / "hive.toml").write_text(HIVE)
        (directory / "request.py").write_text("\n".join(script.lines))
        own = {
            "HIVE_AGENTS_DIR": str(demo / "proposed"),
            "HIVE_APPLIED_DIR": str(demo / "applied"),
            "HIVE_SOCKET": str(demo / "run/manager/mcp.sock"),
            "HIVE_HOST_SOCKET": str(demo / "run/host.sock"),
            "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}",
        }
        with running(COMMAND, directory):
            replay(["$ hivectl spawn alice", "alice is spawned."], directory, own)
            for lines in session:
                replay(lines, directory, own)
            # Steps of one second come in the order of their names.
            replay(history, directory, own, order=sorted)


def _named(table: dict[str, Any], outer: str = "") -> Iterator[str]:
    for key, value in table.items():
        name, inner = outer + key, value[0] if isinstance(value, list) else value
        if isinstance(inner, dict) and name != "environment":
            yield from _named(inner, f"{name}.")
        else:
            yield name


def test_every_tag_of_a_history_is_told() -> None:
    told = set(re.findall(r"`(\w+)/(?:<id>|0)`", page(PAGE).partition("## Reading")[2]))
    assert told == {"proposal", "approved", "building", "deployed", "failed", "denied", "cancelled"}
