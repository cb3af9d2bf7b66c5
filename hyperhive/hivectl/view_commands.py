"""Commands that only look."""

from __future__ import annotations

import click

from hyperhive.hivectl import agent_pages
from hyperhive.hivectl.errands import Query, Watch, query
from hyperhive.hivectl.verbs import COUNT, ID, one_agent, verb
from hyperhive.wire import host_requests as ask
from hyperhive.wire.manager_requests import List


@verb("status")
def status() -> Query:
    """Show how the hive stands: what needs you first, then every agent."""
    from hyperhive.hivectl import overview

    return Query(overview.REQUESTS, overview.status)


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


COMMANDS = (status, names, agents, events, logs, urls)
