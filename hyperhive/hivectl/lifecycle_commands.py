"""Commands that make, start, stop and remove agents, and wait for that."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import click

from hyperhive.hivectl.agent_pages import operations as operations_page
from hyperhive.hivectl.decision_pages import requested
from hyperhive.hivectl.errands import Query, Work, deed, query
from hyperhive.hivectl.verbs import COUNT, one_agent, several_agents, verb, wait_option
from hyperhive.wire import host_requests as ask
from hyperhive.wire.manager_requests import Kill, RequestSpawn
from hyperhive.wire.records import Scope


@verb("spawn")
@click.argument("name", metavar="NAME")
@wait_option
def spawn(name: str, *, wait: bool) -> Work:
    """Make an agent and start it, without an approval."""
    return _work(ask.Spawn(name), f"{name} is spawned.", wait=wait)


@verb("request-spawn")
@click.argument("name", metavar="NAME")
@click.option("--description", metavar="TEXT", help="What the agent is for, for who decides.")
def request_spawn(name: str, description: str | None) -> Query:
    """Queue an approval for a new agent."""
    return query(RequestSpawn(name, description), requested)


@verb("start")
@several_agents
@wait_option
def start(names: tuple[str, ...], *, wait: bool) -> Work:
    """Start stopped agents."""
    return _work(ask.Start(**_targets(names)), f"{_listed(names)} started.", wait=wait)


@verb("stop")
@several_agents
@click.option("--now", is_flag=True, help="Without the time that an agent has to end by itself.")
@wait_option
def stop(names: tuple[str, ...], *, now: bool, wait: bool) -> Work:
    """Stop agents; what is kept of them stays."""
    request = ask.Stop(graceful=False if now else None, **_targets(names))
    return _work(request, f"{_listed(names)} stopped.", wait=wait)


@verb("restart")
@several_agents
@wait_option
def restart(names: tuple[str, ...], *, wait: bool) -> Work:
    """Stop agents and start them again."""
    return _work(ask.Restart(**_targets(names)), f"{_listed(names)} restarted.", wait=wait)


@verb("kill")
@one_agent
@wait_option
def kill(name: str, *, wait: bool) -> Work:
    """Stop one agent as 'stop' does; the manager is told.

    It has its time to end by itself: 'stop --now' gives none.
    """
    return _work(Kill(name), f"{name} is stopped.", wait=wait)


@verb("rebuild")
@one_agent
@wait_option
def rebuild(name: str, *, wait: bool) -> Work:
    """Apply the deployed configuration again and restart."""
    return _work(ask.Rebuild(name), f"{name} is rebuilt.", wait=wait)


@verb("destroy")
@one_agent
@click.option("--purge", is_flag=True, help="Remove its files too, for good: state, configuration, logins.")
@click.option("--yes", is_flag=True, help="Do not ask before a purge.")
@wait_option
def destroy(name: str, *, purge: bool, yes: bool, wait: bool) -> Work:
    """Take an agent down; its kept state stays, unless purged.

    A spawn under the same name takes the kept state up again. After a purge, mail that it had not read is dead
    letters, and delivered mail stays on record for 30 days.
    """
    if purge and not yes:
        _confirm_purge(name)
    done = f"{name} is destroyed; its {'files are removed' if purge else 'state is kept'}."
    return _work(ask.Destroy(name, purge), done, wait=wait)


@verb("pause")
@one_agent
def pause(name: str) -> Query:
    """Let an agent start nothing new."""
    return deed(ask.SetPaused(name, paused=True), f"{name} is paused.")


@verb("resume")
@one_agent
def resume(name: str) -> Query:
    """Let a paused agent go on."""
    return deed(ask.SetPaused(name, paused=False), f"{name} goes on.")


@verb("operations")
@click.option("--all", "everything", is_flag=True, help="The ended ones too.")
@click.option("-n", "--limit", type=COUNT, help="How many at most; --json prints all that the daemon tells.")
def operations(*, everything: bool, limit: int | None) -> Query:
    """List the operations under way, newest first."""
    return query(ask.Operations(everything or None), lambda reply, view: operations_page(reply, view, limit))


COMMANDS = (spawn, request_spawn, start, stop, restart, kill, rebuild, destroy, pause, resume, operations)


def _work(request: Any, done: str, *, wait: bool) -> Work:
    return Work(attrs.evolve(request, wait=False), request, done, wait=wait)


def _targets(names: tuple[str, ...]) -> dict[str, Any]:
    return {"name": names[0]} if len(names) == 1 else {"scope": Scope(agent_names=names)}


def _listed(names: tuple[str, ...]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]} are"


def _confirm_purge(name: str) -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise click.UsageError("A purge cannot be undone: off a terminal it needs --yes.")
    click.echo(
        f"The files of {name!r} will be removed for good: state, configuration, logins. Mail that it has not read "
        "becomes dead letters; the record of delivered mail stays for 30 days.",
        err=True,
    )
    if click.prompt("Type its name to go on", err=True, default="", show_default=False) != name:
        raise click.ClickException("that is not its name; nothing was done.")
