"""Commands about agents' configurations: their history, their files, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hyperhive.hivectl import config_pages
from hyperhive.hivectl.errands import Query, Settings, Work, query
from hyperhive.hivectl.verbs import COUNT, F, Verb, one_agent, verb, wait_option
from hyperhive.wire import host_requests as ask

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _refs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from hyperhive.hivectl import completion

    found = completion.tags(ctx.ensure_object(Settings).socket, ctx.params.get("name"))
    return [item for item in found if item.value.startswith(incomplete)]


def _ref(function: F) -> F:
    """The argument REF: a tag, or hex digits of a commit."""
    return click.argument("ref", metavar="[REF]", required=False, shell_complete=_refs)(function)


@click.group("config")
def config() -> None:
    """Read the configuration of an agent, and what became of each before it."""


@config.command("log", cls=Verb)
@one_agent
@click.option("-n", "--limit", type=COUNT, help="How many at most; --json prints all that the daemon tells.")
def log(name: str, limit: int | None) -> Query:
    """List what became of an agent's configuration, newest first."""
    return query(ask.ConfigLog(name), config_pages.log(name, limit))


@config.command("show", cls=Verb)
@one_agent
@_ref
def show(name: str, ref: str | None) -> Query:
    """Show the configuration that an agent runs, or another one.

    REF is a tag, as 'hivectl config log' lists them, or the hex digits of a commit.
    """
    return query(ask.ConfigShow(name, ref), config_pages.show)


@verb("rollback")
@one_agent
@_ref
@wait_option
def rollback(name: str, ref: str | None, *, wait: bool) -> Work:
    """Deploy what an agent ran before, or what REF names.

    A deploy as any other: an agent that does not come up with it is put back on what it runs now. REF is a tag, as
    'hivectl config log' lists them, or the hex digits of a commit.
    """
    done = f"{name} is back on {ref or 'what it ran before'}."
    return Work(ask.Rollback(name, ref, wait=False), ask.Rollback(name, ref), done, wait=wait)


COMMANDS = (config, rollback)
