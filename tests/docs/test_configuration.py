"""The page about the configuration names every setting, with its default, and its example can be used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hyperhive.config import Config, check_socket_paths, configure
from hyperhive.errors import StartupError
from hyperhive.layout import Layout
from hyperhive.settings import SETTINGS
from hyperhive.tap import Options
from tests.docs.pages import blocks, page

PAGE = "docs/configuration.md"
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in page(PAGE).splitlines() if line[:3] == "| `"]
WRITTEN = {name: row for row in ROWS for name in re.findall(r"`(\w+)`", row[0])}


def example() -> str:
    """The file that the page shows."""
    (block,) = blocks(PAGE, "toml")
    return "\n".join(block.lines)


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert set(WRITTEN) == set(SETTINGS)


def test_every_option_is_in_the_table_and_no_other() -> None:
    theirs = {str(name) for name, *_ in (*Options.optParameters, *Options.optFlags)} - {"config"}
    assert {option for row in ROWS for option in re.findall(r"--([\w-]+)", row[1])} == theirs


def test_the_defaults_in_the_table_are_the_defaults() -> None:
    plain = Config(state_dir=Path(), run_dir=Path())
    seen = set()
    for name, row in WRITTEN.items():
        if re.fullmatch(r'[\d.]+|`("[\w-]+"|true|false)`', row[3]):
            (default,) = (
                getattr(part, name) for part in (plain, plain.mail, plain.restart, plain.nspawn) if hasattr(part, name)
            )
            assert tomllib.loads(f"it = {row[3].strip('`')}") == {"it": default}, name
            seen.add(name)
    assert {"containers", "stop_grace", "stop_agents", "thread_rate", "manager", "attempts", "user", "tasks"} <= seen


def test_the_example_is_a_configuration_with_every_setting(tmp_path: Path) -> None:
    file = tmp_path / "hive.toml"
    file.write_text(example())
    made = configure({"config": str(file)}, {}, root=False)
    assert made.runner_command == ("my-agent", "--one-message")
    assert made.home == "https://hive.example.org/"
    settings = tomllib.loads(example())
    (of_an_agent,) = settings.pop("agents").values()
    sections = [settings.pop(name) for name in ("agent", "mail", "notify", "restart", "nspawn", "nixos")]
    assert {name for section in (settings, of_an_agent, *sections) for name in section} == set(SETTINGS)


def test_the_longest_run_directory_is_as_long_as_the_page_says() -> None:
    (longest,) = (int(found) for found in re.findall(r"may\s+have\s+at\s+most\s+(\d+)\s+bytes", page(PAGE)))
    check_socket_paths(Layout(state=Path("/s"), run=Path("/" + "r" * (longest - 1))), 32)
    with pytest.raises(StartupError):
        check_socket_paths(Layout(state=Path("/s"), run=Path("/" + "r" * longest)), 32)
