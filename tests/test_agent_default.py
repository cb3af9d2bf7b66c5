"""The `agent.toml` that a new agent begins with."""

from __future__ import annotations

import re

import attrs
import pytest

from hyperhive.agent_config import AgentConfig, Health, Limits, MailRules, Mount, Rate, Runner
from hyperhive.agent_toml import default, parse
from hyperhive.limits import NAT, NO

CLASSES = (AgentConfig, Runner, Limits, Mount, MailRules, Rate, Health)
DEFAULT = default("bob").decode().splitlines()
SETTINGS = [at for at, line in enumerate(DEFAULT) if line.startswith("#") and line[1:2].strip()]


def uncommented(*which: int) -> AgentConfig:
    """What the default says without the mark of a comment on those lines."""
    return parse("\n".join(line[1:] if at in which else line for at, line in enumerate(DEFAULT)).encode())


def test_what_an_agent_begins_with_names_it_and_changes_nothing() -> None:
    assert DEFAULT[0] == "# What the agent bob is made of and may do."
    assert uncommented() == AgentConfig()


@pytest.mark.parametrize("at", SETTINGS, ids=lambda at: DEFAULT[at])
def test_any_line_of_the_default_can_be_uncommented(at: int) -> None:
    assert isinstance(uncommented(at), AgentConfig)


def test_all_lines_of_the_default_can_be_uncommented_together() -> None:
    config = uncommented(*SETTINGS)
    assert config.environment
    assert None not in attrs.asdict(config).values()
    assert None not in [value for table in (config.runner, config.limits, config.mail, config.health)
                        for value in attrs.asdict(table).values()]  # fmt: skip


def test_the_default_shows_every_setting_there_is() -> None:
    shown = [line for at, line in enumerate(DEFAULT) if at in SETTINGS or line.startswith("[")]
    names = {field.name for kind in CLASSES for field in attrs.fields(kind)}
    assert names - set(re.findall(r"\w+", "\n".join(shown))) == set()


@pytest.mark.parametrize("name", ["network", "restart", "auto_update", "recipients", "window"])
def test_what_the_default_shows_of_a_setting_is_what_holds_without_it(name: str) -> None:
    (at,) = (at for at in SETTINGS if DEFAULT[at].startswith(f"#{name} = "))
    config = uncommented(at)
    assert (config.network or NAT, config.restart or NO, config.auto_update, config.health) == (NAT, NO, True, Health())
    assert config.mail.allows("anybody")
