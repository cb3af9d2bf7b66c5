"""What a commit changes of an agent's configuration, in words: for who is to agree to it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from hyperhive.agent_config import AgentConfig, MailRules, Mount
from hyperhive.limits import HOST_NETWORK

DEFAULT = "the hive's default"


@frozen
class Change:
    """One change as a sentence; `grave` is one that lets the agent reach more of the host than it did."""

    text: str
    grave: bool = False


def changes(old: AgentConfig, new: AgentConfig, network: str) -> list[Change]:
    """What becomes different, the grave first; empty where both say the same.

    `network` is what the hive gives an agent whose configuration names none.
    """
    found = [
        *_mounts(old, new),
        *_network(old.network, new.network, network),
        *_mail(old.mail, new.mail),
        *_environment(old, new),
        *_others(old, new),
    ]
    return sorted(found, key=lambda change: not change.grave)


def _mounts(old: AgentConfig, new: AgentConfig) -> Iterator[Change]:
    before = {mount.target: mount for mount in old.mounts}
    after = {mount.target: mount for mount in new.mounts}
    for target, mount in after.items():
        was = before.get(target)
        if was == mount:
            continue
        wider = was is None or was.source != mount.source or mount.writable
        yield Change(
            f"Of the host it is shown {_mount(mount)}{'' if was is None else f', before {_mount(was)}'}.", wider
        )
    for target, mount in before.items():
        if target not in after:
            yield Change(f"Of the host it is no longer shown {_mount(mount)}.")


def _mount(mount: Mount) -> str:
    return f"{mount.source} at {mount.target}, {'and may write there' if mount.writable else 'to read'}"


def _network(old: str | None, new: str | None, default: str) -> Iterator[Change]:
    if old != new:
        was, becomes = (DEFAULT + f", {default}" if name is None else name for name in (old, new))
        reaches_host = (new or default) == HOST_NETWORK and (old or default) != HOST_NETWORK
        yield Change(f"Its network becomes {becomes}; it was {was}.", grave=reaches_host)


def _mail(old: MailRules, new: MailRules) -> Iterator[Change]:
    if old.recipients != new.recipients:
        yield Change(f"It may write to {_recipients(new)}; before to {_recipients(old)}.")
    if old.rate != new.rate:
        yield Change(f"It may send {_rate(new)}; before {_rate(old)}.")


def _recipients(rules: MailRules) -> str:
    return "everybody" if rules.recipients is None else ", ".join(rules.recipients) or "nobody"


def _rate(rules: MailRules) -> str:
    rate = rules.rate
    return "as often as it likes" if rate is None else f"{rate.messages} messages within {rate.seconds} s"


def _environment(old: AgentConfig, new: AgentConfig) -> Iterator[Change]:
    for name in sorted({*old.environment, *new.environment}):
        was, becomes = old.environment.get(name), new.environment.get(name)
        if was is None:
            yield Change(f"The variable {name} is set, to {becomes!r}.")
        elif becomes is None:
            yield Change(f"The variable {name} is no longer set.")
        elif was != becomes:
            yield Change(f"The variable {name} becomes {becomes!r}; it was {was!r}.")


def _others(old: AgentConfig, new: AgentConfig) -> Iterator[Change]:
    for words, was, becomes, grave in (
        ("Its image", old.image, new.image, True),
        ("What works on its mail", old.runner.kind, new.runner.kind, False),
        ("The command that works on its mail", old.runner.command, new.runner.command, False),
        ("Its model", old.runner.model, new.runner.model, False),
        ("The tools that it may use", old.runner.tools, new.runner.tools, False),
        ("The longest turn in seconds", old.runner.turn_seconds, new.runner.turn_seconds, False),
        ("The memory that it may take, in bytes,", old.limits.memory, new.limits.memory, False),
        ("The processor time that it may take, in percent,", old.limits.cpu, new.limits.cpu, False),
        ("The number of its tasks", old.limits.tasks, new.limits.tasks, False),
        ("Its restart policy", old.restart, new.restart, False),
        ("Whether it is rebuilt by itself", old.auto_update, new.auto_update, False),
        ("The seconds within which it must be healthy", old.health.window, new.health.window, False),
        ("The command that tells whether it is healthy", old.health.command, new.health.command, False),
    ):
        if was != becomes:
            yield Change(f"{words} becomes {_said(becomes)}; it was {_said(was)}.", grave)


def _said(value: Any) -> str:
    if value is None:
        return DEFAULT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return shlex.join(value) or "none"
    return str(value)
