"""What a start's plan comes to in every backend: an agent's environment, its limits, and what can't be had."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import asdict, evolve, frozen

from hyperhive.agent_config import COMMAND, OURS, AgentConfig, Limits, Runner
from hyperhive.boundaries import Plan
from hyperhive.limits import MachineSettings
from hyperhive.wire.names import MANAGER

NIX_MODULE: Final = "agent.nix"


@frozen(kw_only=True)
class Places:
    """Where an agent finds what the hive lends it, as paths that mean something to the agent.

    `credentials` is None where its home is the directory for them.
    """

    socket: str
    state: str
    config: str
    agents: str
    applied: str
    credentials: str | None = None


IN_A_MACHINE: Final = Places(
    socket="/run/hive/mcp.sock", state="/state", config="/config", agents="/agents", applied="/applied"
)


def told(own: Mapping[str, str], plan: Plan, name: str, generation: int, places: Places) -> dict[str, str]:
    """The variables that an agent is started with: the daemon's, its configuration's, and the hive's, which win."""
    chosen = {key: value for key, value in plan.config.environment.items() if not key.startswith(OURS)}
    given = {
        "HIVE_SOCKET": places.socket,
        "HIVE_AGENT": name,
        "HIVE_STATE_DIR": places.state,
        "HIVE_GENERATION": str(generation),
    }
    if places.credentials is not None:
        given["HIVE_CREDENTIALS_DIR"] = places.credentials
    if plan.files is not None:
        given["HIVE_CONFIG_DIR"] = places.config
    if name == MANAGER:
        given |= {"HIVE_AGENTS_DIR": places.agents, "HIVE_APPLIED_DIR": places.applied}
    return {**own, **chosen, **_runner(plan.config.runner), **given}


def _runner(runner: Runner) -> dict[str, str]:
    kind = COMMAND if runner.kind is None and runner.command is not None else runner.kind
    said = {"HIVE_RUNNER": kind, "HIVE_MODEL": runner.model}
    if runner.tools is not None:
        said["HIVE_TOOLS"] = shlex.join(runner.tools)
    if runner.turn_seconds is not None:
        said["HIVE_TURN_SECONDS"] = str(runner.turn_seconds)
    if runner.command is not None:
        said["HIVE_RUNNER_COMMAND"] = shlex.join(runner.command)
    return {name: value for name, value in said.items() if value is not None}


def limited(settings: MachineSettings, limits: Limits) -> MachineSettings:
    """The settings with those limits in place of the daemon's, where there are any."""
    return evolve(settings, **{name: value for name, value in asdict(limits).items() if value is not None})


def module(plan: Plan) -> Path | None:
    """The files of the agent's commit where there is a NixOS module among them."""
    return plan.files if plan.files is not None and (plan.files / NIX_MODULE).is_file() else None


def parts(config: AgentConfig) -> Iterator[str]:
    """What the configuration asks of a container, by the names in its file."""
    if config.network is not None:
        yield "network"
    if config.image is not None:
        yield "image"
    yield from (f"limits.{name}" for name, value in asdict(config.limits).items() if value is not None)
    if config.mounts:
        yield "mounts"


def unlike(config: AgentConfig, missing: Collection[str], why: str) -> str | None:
    """The sentence that the first of the `missing` parts can't be had, `why`; None if none of them is asked for."""
    part = next((part for part in parts(config) if part.partition(".")[0] in missing), None)
    return None if part is None else f"'{part}' can't be had {why}"
