"""Commands that only look."""

from __future__ import annotations

import sys

import click

from hyperhive.hivectl import agent_pages
from hyperhive.hivectl.errands import Home, Query, Settings, Watch, query
from hyperhive.hivectl.verbs import COUNT, ID, one_agent, verb
from hyperhive.wire import host_requests as ask
from hyperhive.wire.manager_requests import List


@verb("status")
def status() -> Query:
    """Show how the hive stands: what needs you first, then every agent."""
    from hyperhive.hivectl import overview

    return Query(overview.REQUESTS, overview.status)


@verb("top")
@click.option("--once", is_flag=True, help="Print one screen and end: for pipes.")
@click.pass_context
def top(ctx: click.Context, *, once: bool) -> Query | Home:
    """Show the hive live on the whole terminal, what needs you first.

    Keys: j and k, or the arrows, move; enter shows all of a thing; a approves and d denies, once you confirm; r replies
    to a question; q ends it.
    """
    if once:
        from hyperhive.hivectl import overview, top_page

        return Query(overview.REQUESTS, top_page.once)
    if ctx.ensure_object(Settings).json:
        raise click.UsageError("--json is for programs, which need --once too.", ctx)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("'top' needs a terminal; --once prints one screen.", ctx)
    return Home()


@verb("list")
def names() -> Query:
    """List the agents, a name a line (also: ls)."""
    return query(List(), agent_pages.names)


@verb("agents")
@click.option("--follow", "-f", is_flag=True, help="Then a line whenever one changes, until Ctrl-C.")
def agents(*, follow: bool) -> Query | Watch:
    """Show every agent with its state, mail and operation."""
    roster = query(ask.AgentStatus(), agent_pages.agents)
    return Watch(ask.SubscribeAgentStatus(), agent_pages.agent_change, roster) if follow else roster


@verb("events")
@click.option("--since", metavar="N", type=ID, help="Begin with the changes after this number.")
def events(since: int | None) -> Watch:
    """Follow everything that changes, until Ctrl-C."""
    from hyperhive.hivectl.event_pages import event

    return Watch(ask.Subscribe(since), event)


@verb("logs")
@one_agent
@click.option("-n", "--lines", type=COUNT, default=100, show_default=True, help="How many.")
def logs(name: str, lines: int) -> Query:
    """Show the last lines of an agent's output."""
    return query(ask.Logs(name, lines), agent_pages.log)


@verb("urls")
def urls() -> Query:
    """Show where a browser finds the hive."""
    return query(ask.Urls(), agent_pages.urls)


COMMANDS = (status, top, names, agents, events, logs, urls)
