"""What `agent.toml` says, and that whatever stands in it is read or refused."""

from __future__ import annotations

import time
from pathlib import Path

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hyperhive.agent_config import AgentConfig, Health, Limits, MailRules, Mount, Rate, Runner
from hyperhive.agent_toml import parse
from hyperhive.errors import BadConfig
from tests.test_toml_lines import DOCUMENTS

# All that a configuration may say, and what it says.
EVERYTHING = b"""
network = "none"
restart = "on-crash"
auto_update = "ask"
image = "/srv/image.tar.gz"

[runner]
kind = "command"
command = "prog 'two words'"
model = "m"
tools = ["Read", "Bash(git *)", "mcp__hive__send"]
turn_seconds = 60

[environment]
_A1 = "\xc3\xa4 = \\t"

[limits]
memory = "4G"
cpu = "200%"
tasks = 1024

[[mounts]]
source = "/srv/x y"
target = "/x"
writable = true

[[mounts]]
source = "/srv/x y"
target = "/xy"

[mail]
recipients = ["manager", "bob", "operator", "*"]
rate = { messages = 30, seconds = 60 }

[health]
window = 1.5
command = ["true"]
"""
ALL_OF_IT = AgentConfig(
    network="none",
    restart="on-crash",
    auto_update="ask",
    image=Path("/srv/image.tar.gz"),
    runner=Runner(
        kind="command",
        command=("prog", "two words"),
        model="m",
        tools=("Read", "Bash(git *)", "mcp__hive__send"),
        turn_seconds=60,
    ),
    environment={"_A1": "ä = \t"},
    limits=Limits(memory=4 * 1024**3, cpu=200, tasks=1024),
    mounts=(
        Mount(source=Path("/srv/x y"), target=Path("/x"), writable=True),
        Mount(source=Path("/srv/x y"), target=Path("/xy")),
    ),
    mail=MailRules(recipients=("manager", "bob", "operator", "*"), rate=Rate(messages=30, seconds=60)),
    health=Health(window=1.5, command=("true",)),
)


def test_everything_can_be_said() -> None:
    assert parse(EVERYTHING) == ALL_OF_IT


def test_nothing_said_changes_nothing_and_nobody_is_another_word_than_everybody() -> None:
    assert parse(b"") == parse(b"# \r\n[limits]\r\n[mail]") == AgentConfig()
    assert parse(b"mail.recipients = []").mail == MailRules(recipients=())


@given(st.one_of(st.binary(), st.text().map(str.encode), DOCUMENTS.map(str.encode)))
@example(b"a = {" + b"a.b = {" * 9000)
def test_whatever_bytes_there_are_only_one_error_is_raised(content: bytes) -> None:
    refused_or_taken(content)


VALUES = st.recursive(
    st.sampled_from(["1", "-1", "0.5", "inf", "true", "''", "'/a'", "'bob'", "1979-05-27", "07:32:00", '"\\u0000"'])
    | st.integers(-(10**30), 10**30).map(str),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["source", "target", "rate", "seconds", "A"]), inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        )
    ),
    max_leaves=5,
)


def settings() -> list[str]:
    """Every setting there is, as it is written at the top."""
    tables = {"runner.": Runner, "limits.": Limits, "mail.": MailRules, "mail.rate.": Rate, "health.": Health}
    return [
        f"{table}{field.name}" for table, kind in ({"": AgentConfig} | tables).items() for field in attrs.fields(kind)
    ]


@given(st.sampled_from(settings()), VALUES)
def test_whatever_value_a_setting_has_only_one_error_is_raised(setting: str, value: str) -> None:
    refused_or_taken(f"{setting} = {value}".encode())


def refused_or_taken(content: bytes) -> None:
    """Raises what `parse` may not raise, and refuses a refusal that is no sentence."""
    sentence = "agent.toml"
    try:
        parse(content)
    except BadConfig as refused:
        sentence = str(refused)
    assert sentence.startswith("agent.toml")
    assert sentence.isprintable()
    assert len(sentence) < 1000


@pytest.mark.parametrize("content", ["a." * 32000 + "a = 1", "[" + "a." * 32000 + "a]", "[[a]]\n" * 10000], ids=len)
def test_a_file_made_to_be_slow_is_read_at_once(content: str) -> None:
    begun = time.process_time()
    refused_or_taken(content.encode())
    assert time.process_time() - begun < 2
